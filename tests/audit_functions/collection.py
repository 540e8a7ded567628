"""The collection: each function with its model, right and with its slips, and what a diagnosis must say of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

RIGHT = (
    ("numpy_rnn", "char_rnn", "rnn"),
    ("numpy_rnn", "vectorised", "rnn"),
    ("numpy_rnn", "einsum", "rnn"),
    ("numpy_rnn", "truncated", "rnn"),
    ("numpy_rnn", "chunked", "rnn"),
    ("numpy_rnn", "from_zero", "rnn"),
    ("numpy_lstm", "stacked", "lstm"),
    ("numpy_lstm", "gate_by_gate", "lstm"),
    ("numpy_gru", "gru", "gru"),
    ("torch_functions", "batch_first", "rnn"),
    ("torch_functions", "autograd_function", "rnn"),
    ("torch_functions", "lstm", "lstm"),
)


@dataclass(frozen=True)
class Case:
    """A wrong function: `words` of the explanation, `wrong` a line that the code has, `where` among what is located."""

    module: str
    name: str
    model: str
    slip: str
    words: str
    wrong: str = ""
    where: str = ""

    @property
    def id(self) -> str:
        """The function and its slip."""
        return f"{self.name}: {self.slip}"

    @property
    def backward(self) -> Callable[..., dict[str, Any]]:
        """The function with the slip."""
        return partial(function(self.module, self.name), slip=self.slip)


def function(module: str, name: str) -> Callable[..., dict[str, Any]]:
    """A function of the collection."""
    found: Callable[..., dict[str, Any]] = getattr(import_module(f"tests.audit_functions.{module}"), name)
    return found


COMES_BACK = "x is wrong at steps 1..3 and right at step 4: what comes back from step t + 1 is wrong"
BETWEEN = "right for a sequence of one step: the error is in what goes from step to step"
OF_STATES = "for a sequence of one step wrong: h0, c0"
OF_H0 = "for a sequence of one step wrong: h0"
OF_F = (
    "for a sequence of one step wrong: x, h0, U_f, W_f, b_f (of the gate f all parameters are wrong, of i, g, o none)"
)


def of(module: str, name: str, model: str, *slips: tuple[str, ...]) -> tuple[Case, ...]:
    """Slips of one function: each with its words, a wrong line, a place, as far as these are asked for."""
    return tuple(Case(module, name, model, *slip) for slip in slips)


CASES = (
    *of(
        "numpy_rnn",
        "char_rnn",
        "rnn",
        ("W for its transpose", "W in place of Wᵀ", "s̄[k] = e[k] + W δ[k+1]", COMES_BACK),
        (
            "W and diag swapped",
            "Wᵀ diag(f'(Net[k])) δ[k+1] in place of",
            "δ[k] = diag(f'(Net[k])) e[k] + Wᵀ diag(f'(Net[k])) δ[k+1]",
            BETWEEN,
        ),
        ("slope of the next step", "Net[k+1] in place of Net[k]", "δ[k] = diag(f'(Net[k+1])) s̄[k]"),
        ("1 - s", "1 - s[k] in place of f'(Net[k])", "δ[k] = diag(1 - s[k]) s̄[k]"),
        ("slope at the net", "1 - (Net[k] ⊙ Net[k]) in place of f'(Net[k])"),
        ("slope of a slope", "f'(s[k]) in place of f'(Net[k])"),
        ("no slope", "diag(f'(Net[k])) is missing", "δ[k] = s̄[k]"),
        ("sign", "the sign of diag(f'(Net[k])) Wᵀ δ[k+1] is wrong", "", COMES_BACK),
        ("dh carried on", "s̄[k+1] in place of δ[k+1]", "s̄[k] = e[k] + Wᵀ s̄[k+1]"),
        (
            "nothing from the next step",
            "the recurrent term of the next step is missing",
            "s̄[k] = e[k]",
            "what a cotangent sends to the input of its own step is right",
        ),
        (
            "only the last cotangent",
            "only the cotangent of the last step is used",
            "",
            "wrong for the cotangents of steps 1..3 alone, right for those of step 4",
        ),
        (
            "s_t for s_{t-1}",
            "the gradient of W has a slip: s[k] in place of s[k-1]",
            "∂E/∂W = Σ_{k=1..t} δ[k] s[k]ᵀ",
            "wrong: W; right: x, s0, U, b",
        ),
        (
            "oldest term missing",
            "the oldest term (k = 1) of the sum is missing",
            "∂E/∂W = Σ_{k=2..t} δ[k] s[k-1]ᵀ",
            "right where s0 = 0",
        ),
        ("ds0 forgotten", "the gradient of s0 is zero", "", "wrong: s0; right: x, U, W, b"),
        ("ds0 not multiplied by W", "Wᵀ is missing in Wᵀ δ[1]", "∂E/∂s[0] = δ[1]"),
    ),
    *of(
        "numpy_rnn",
        "vectorised",
        "rnn",
        ("the bias averaged over the batch", "the gradient of b is averaged over the batch"),
        ("the bias averaged over batch and time", "b is averaged over batch and steps"),
        ("everything averaged over the batch", "every gradient is averaged over the batch"),
        ("only the last step summed", "only the last step is summed", "∂E/∂W = Σ_{k=t..t} δ[k] s[k-1]ᵀ"),
        ("the first step left out", "the oldest term (k = 1) of the sum is missing"),
        ("dW transposed", "the gradient of W is transposed"),
        ("s_{t-1} wraps around", "W reads the last state in place of s0"),
        ("one entry too large", "W is multiplied by 1.5 in the entry [1, 0]", "", "W is wrong in row 1 alone"),
    ),
    *of(
        "numpy_rnn",
        "einsum",
        "rnn",
        ("W for its transpose", "W in place of Wᵀ", "", "right where W is symmetric"),
        ("dW transposed", "the gradient of W is transposed"),
    ),
    *of(
        "numpy_rnn",
        "truncated",
        "rnn",
        (
            "truncated",
            "what each step's cotangent sends back ends after 2 steps",
            "",
            "what a cotangent sends back is right for 2 steps, its own the first, and wrong farther back",
        ),
    ),
    *of(
        "numpy_rnn",
        "chunked",
        "rnn",
        ("detached between chunks", "the sequence is cut into chunks of 2 steps", "", BETWEEN),
    ),
    *of(
        "numpy_rnn",
        "from_zero",
        "rnn",
        ("s0 ignored", "s0 is taken for 0 throughout", "", "right where s0 = 0"),
        ("forward by the transpose", "W is read transposed, in the forward pass too", "", "right where W is symmetric"),
    ),
    *of(
        "numpy_lstm",
        "stacked",
        "lstm",
        ("every W for its transpose", "W_i in place of W_iᵀ, W_f in place of W_fᵀ"),
        ("c_t for c_{t-1}", "c[k] in place of c[k-1]", "f̄[k] = c[k] ⊙ δ^c[k]", OF_F),
        ("i for i(1 - i)", "i[k] in place of σ'(Net^i[k])", "δ^i[k] = diag(i[k]) ī[k]"),
        ("1 - g", "1 - g[k] in place of tanh'(Net^g[k])"),
        ("tanh' at tanh(c)", "tanh'(tanh(c[k])) in place of tanh'(c[k])"),
        ("1 - c²", "1 - (c[k] ⊙ c[k]) in place of tanh'(c[k])"),
        ("no tanh'", "diag(tanh'(c[k])) is missing"),
        ("c for tanh(c)", "c[k] in place of tanh(c[k])", "ō[k] = c[k] ⊙ δ^h[k]"),
        ("the forget path is missing", "the term f[k+1] ⊙ δ^c[k+1] is missing"),
        ("i for f on the path of c", "i[k+1] in place of f[k+1]"),
        ("nothing from the next step", "nothing comes back from step t + 1", "", OF_STATES),
        ("dh dropped", "the term W_iᵀ δ^i[k+1] is missing, the term W_fᵀ"),
        (
            "the cotangent of c ignored",
            "the cotangent of c is not used",
            "",
            "wrong for cotangents of c, right for those of h",
        ),
        ("only the first step summed", "only the first step is summed", "", "of every gate W"),
        ("i and f read in the other order", "another order: f in the place of i, i in the place of f"),
        ("i and f packed in the other order", "and their gradients are returned so too"),
        (
            "i and f returned in the other order",
            "the gradients of U_f and U_i, of W_f and W_i, of b_f and b_i are exchanged",
            "",
            "of the gates i, f all parameters are wrong, of g, o none",
        ),
    ),
    *of(
        "numpy_lstm",
        "gate_by_gate",
        "lstm",
        ("sign of f", "the sign of diag(σ'(Net^f[k])) f̄[k] is wrong", "", OF_F),
        ("h_t for h_{t-1}", "h[k] in place of h[k-1]", "", "of every gate W"),
        ("oldest term missing", "the oldest term (k = 1) of the sum is missing"),
        ("W_o does not reach h", "the term W_oᵀ δ^o[k+1] is missing", "", OF_H0),
        ("the bias of o averaged", "the gradient of b_o is averaged over the batch"),
    ),
    *of(
        "numpy_gru",
        "gru",
        "gru",
        ("the other update", "another model: gru(bias, update=1-z, reset=after)"),
        ("z and 1 - z exchanged", "1 - z[k+1] in place of z[k+1], z[k] in place of 1 - z[k]"),
        ("kept by 1 - z", "1 - z[k+1] in place of z[k+1]", "", OF_H0),
        ("the state is not kept", "the term z[k+1] ⊙ δ^h[k+1] is missing"),
        ("dz without n", "the term -(h̃[k] ⊙ δ^h[k]) is missing", "z̄[k] = h[k-1] ⊙ δ^h[k]"),
        ("reset outside", "r[k] is missing in r[k] ⊙ δ^n[k]"),
        ("dr without the inner bias", "c_n is missing", "r̄[k] = W_n h[k-1] ⊙ δ^n[k]"),
        ("W_n without the reset", "the gradient of W_n has a slip: r[k] is missing"),
        ("U_z missing in x", "the gradient of x has a slip: the term U_zᵀ δ^z[k] is missing"),
    ),
    *of(
        "torch_functions",
        "batch_first",
        "rnn",
        ("s_t for s_{t-1}", "s[k] in place of s[k-1]"),
        ("W for its transpose", "W in place of Wᵀ", "", COMES_BACK),
        ("the bias averaged over the batch", "b is averaged over the batch"),
    ),
    *of(
        "torch_functions",
        "autograd_function",
        "rnn",
        ("1 - s", "1 - s[k] in place of f'(Net[k])"),
        ("nothing from the next step", "nothing comes back from step t + 1"),
    ),
    *of(
        "torch_functions",
        "lstm",
        "lstm",
        ("f' of o forgotten", "diag(σ'(Net^o[k])) is missing", "δ^o[k] = ō[k]"),
        ("i and f returned in the other order", "of b_f and b_i are exchanged"),
    ),
)

# Wrong in a way that is no slip of a line: located, and not explained.
UNEXPLAINED = (
    Case("numpy_rnn", "vectorised", "rnn", "noise", "", "", "wrong: W; right: x, s0, U, b"),
    Case("numpy_rnn", "vectorised", "rnn", "two errors", "", "", "wrong: x, W; right: s0, U, b"),
)

# What is returned has another shape, which the audit says before numbers are compared.
OF_SHAPE = (
    Case("numpy_rnn", "vectorised", "rnn", "the bias not summed over the batch", ""),
    Case("numpy_rnn", "vectorised", "rnn", "dx by W", ""),
)
