"""Recursions that run forwards: ∂s_t/∂vec X from the step before, and the gradients they add up to."""

import pytest
from check import check_derivation

from derive.errors import BackproofError, RuleError
from derive.language.build import vec
from derive.models.letters import W, k, s, t
from derive.models.systems import system
from derive.quantities import Options
from derive.sensitivities import forward_gradient, sensitivity

FORWARD = Options(mode="forward")


def test_real_time_recurrent_learning():
    """∂s_t/∂vec W = diag f'(Net_t) (s_{t-1}ᵀ ⊗ I + W ∂s_{t-1}/∂vec W), Williams and Zipser's recursion."""
    found = sensitivity(system("rnn").model, s[t], vec(W))
    assert str(found) == "∂s[t]/∂vec(W) = diag(f'(Net[t])) (s[t-1]ᵀ ⊗ I + W ∂s[t-1]/∂vec(W))"


def test_other_states_stay_under_the_derivative():
    """h_t of an LSTM goes on from c_t, whose own recursion stands beside it."""
    found = {d.name: str(d) for d in system("lstm").quantities("W_f", FORWARD)}
    assert found["F.h.W_f"] == (
        "∂h[t]/∂vec(W_f) = diag(tanh(c[t])) diag(σ'(Net^o[t])) W_o ∂h[t-1]/∂vec(W_f)"
        " + diag(o[t]) diag(tanh'(c[t])) ∂c[t]/∂vec(W_f)"
    )
    assert set(found) == {"F.c.W_f", "F.h.W_f", "F.grad.W_f"}


def test_the_gradient_adds_up():
    """vec ∂E/∂W = Σ_k (∂s_k/∂vec W)ᵀ e_k; of a loss at the last step one summand."""
    every = forward_gradient(system("rnn", loss="every").model, vec(W))
    assert str(every) == "vec(∂E/∂W) = Σ_{k=1..t} (∂s[k]/∂vec(W))ᵀ e[k]"
    assert str(forward_gradient(system("rnn").model, vec(W))) == "vec(∂E/∂W) = (∂s[t]/∂vec(W))ᵀ e[t]"
    assert every.indices == ()
    assert k not in every.left.free_symbols


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "stacked", "jordan", "residual", "bidirectional"])
def test_every_recursion_in_numbers(name):
    for derivation in system(name).quantities(options=FORWARD):
        check_derivation(derivation, last=2, with_steps=name in ("rnn", "stacked", "residual"))


@pytest.mark.parametrize("options", [Options("denominator", mode="forward"), Options(vec="row", mode="forward")])
def test_the_other_layout_and_order_in_numbers(options):
    for derivation in system("residual", loss="every").quantities(options=options):
        check_derivation(derivation, last=3, with_steps=False)


def test_what_runs_backwards_has_no_such_recursion():
    """The backward half of a bidirectional network, and a loss that a formula gives."""
    names = {d.name for d in system("bidirectional").quantities(options=FORWARD)}
    assert names == {"F.s.U", "F.s.W", "F.s.b"}
    with pytest.raises(RuleError, match="E is a formula: the gradient that runs forwards is of an opaque loss"):
        forward_gradient(system("rnn", loss="outputs").model, vec(W))


def test_bad_modes_are_refused():
    with pytest.raises(BackproofError, match="mode is one of reverse, forward, second, not 'back'"):
        Options(mode="back")
    with pytest.raises(BackproofError, match="dense derives nothing by 'x'; expected one of W1, b1"):
        system("dense", layers=1).quantities("x", FORWARD)
