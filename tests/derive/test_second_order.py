"""Hessian-vector products: the derived recursions, run in numbers, against the complex step of hand-written BPTT.

d/dε of the reference's gradient along a random direction is 𝓗 exactly (Im g(θ + ihv) / h, no subtraction), and the
reference shares no line with `derive`.
"""

from unicodedata import normalize

import numpy as np
import pytest
import sympy as sp
from numbers_of_formulas import World

from derive.errors import BackproofError, RuleError
from derive.language import nodes
from derive.language.build import matmul, sequence
from derive.language.functions import function
from derive.language.keys import plain_key
from derive.model import Loss, Model
from derive.models.letters import STEPS, W, m, n, p, s, t, x
from derive.models.systems import system
from derive.naming import delta_names
from derive.printed import printed
from derive.quantities import Options
from derive.second_order import dotted, second_order_of, tangent_of_equation
from verify.reference import gru, lstm, rnn

SECOND = Options(mode="second")
SIZES = {n: 3, m: 2, p: 4}
LAST, H = 4, 1e-30


class Cell:
    """One system with its reference: forward values, and the direct cotangents of a loss, linear or squared."""

    def __init__(self, name, reference, choices, **options):
        self.chosen, self.reference, self.options = system(name, **choices), reference, options
        self.model = self.chosen.model
        self.random = np.random.default_rng(7)
        self.inputs = self._drawn()

    def _drawn(self):
        found = {}
        for leaf in sorted({a for e in self.model.equations for a in e.right.atoms(sp.MatrixSymbol)}, key=str):
            if self.model.equation_of(leaf) is None and str(leaf) != "E":
                shape = [SIZES[size] for size in leaf.shape if size != 1]
                found[plain_key(str(leaf))] = self.random.normal(0, 0.7, shape)
        for key in ("h0", "c0", "s0"):
            if any(plain_key(e.name) == key[0] for e in self.model.equations):
                found[key] = self.random.normal(size=(1, SIZES[n]))
        found["x"] = self.random.normal(size=(LAST, 1, SIZES[m]))
        self.direct = {key: self.random.normal(size=(LAST, 1, SIZES[n])) for key in ("h", "s") if f"{key}0" in found}
        self.y = self.random.normal(size=(LAST, 1, SIZES[p]))
        return found

    def run(self, inputs):
        """Values and gradients of the reference."""
        values = self.reference.forward(inputs, **self.options)
        given = self.direct
        if "o" in values and "V" in inputs:
            given = {"o": values["o"] - self.y}
        return values, self.reference.backward(inputs, values, given, **self.options)


def hessian_by_complex_step(cell, direction):
    moved = {key: a + 1j * H * direction[key] if key in direction else a for key, a in cell.inputs.items()}
    _, gradients = cell.run(moved)
    return {key: gradients[key].imag / H for key in direction}


def hessian_by_recursions(cell, direction):
    """The derived formulas one after the other: tangents forwards, tangents of δ backwards, then the products."""
    known = _leaves(cell, direction)
    derived = {d.name: d for d in cell.chosen.quantities(options=SECOND)}
    for step in range(1, LAST + 1):
        for equation in cell.model.equations:
            if equation.index is not None:
                _put(cell, known, derived[f"T.{plain_key(equation.name)}"], step)
    order = [*(e.name for e in cell.model.equations if e.name in delta_names(cell.model))][::-1]
    for step in range(LAST, 0, -1):
        for name in order:
            key = f"T.delta.{plain_key(name)}"
            at_end = step == LAST and f"{key}.last" in derived
            _put(cell, known, derived[f"{key}.last" if at_end else key], step)
    world = _world(cell, known, LAST)
    found = {key: world.value(derived[f"H.{key}"].right).real for key in direction if f"H.{key}" in derived}
    return {key: value.reshape(cell.inputs[key].shape) for key, value in found.items()}


def _world(cell, known, step):
    letter = sp.Symbol("k", integer=True)
    return World(cell.model, {t: sp.Integer(LAST), letter: sp.Integer(step)}, SIZES, moved=known)


def _put(cell, known, derivation, step):
    """The value of a left side at one step: the letter of its equation is t, of a recursion k or the last."""
    letter = derivation.left.time
    times = {} if letter.is_Integer else {letter: sp.Integer(step)}
    world = World(cell.model, {t: sp.Integer(LAST), **times}, SIZES, moved=known)
    known[derivation.left.at(sp.Integer(step))] = world.value(derivation.right)


def _leaves(cell, direction):
    """Every parameter, member, gradient and direction as a column or matrix."""
    values, gradients = cell.run(cell.inputs)
    known = {}

    def put(name, shape, series, first):
        for place, value in enumerate(series):
            known[nodes.Member(name, (sp.Integer(first + place),), shape[0], shape[1])] = np.asarray(value).reshape(
                -1, 1
            )

    for equation in cell.model.equations:
        key = plain_key(equation.name)
        if equation.index is None:
            continue
        shape = (equation.left.row_axis, equation.left.col_axis)
        start = {"h": "h0", "c": "c0", "s": "s0"}.get(key)
        zero = np.zeros((1, SIZES[n]))
        series = [*([cell.inputs[start]] if start else []), *values[_KEYS.get(key, key)]]
        put(equation.name, shape, series, 0 if start else 1)
        if start:
            put(dotted(equation.name), shape, [zero], 0)
        if equation.name in delta_names(cell.model):
            put(delta_names(cell.model)[equation.name], shape, gradients[_KEYS.get(key, key)], 1)
    put("x", ((m,), ()), cell.inputs["x"], 1)
    put("y", ((p,), ()), cell.y, 1)
    for key, a in cell.direct.items():
        put("e", ((n,), ()), a, 1)
        put("\\dot{e}", ((n,), ()), np.zeros_like(a), 1)
        assert key in ("h", "s")
    for leaf in {a for e in cell.model.equations for a in e.right.atoms(sp.MatrixSymbol)}:
        key = plain_key(str(leaf))
        if key in cell.inputs:
            rows = SIZES[leaf.shape[0]]
            known[leaf] = cell.inputs[key].reshape(rows, -1)
            known[sp.MatrixSymbol(dotted(str(leaf)), *leaf.shape)] = direction[key].reshape(rows, -1)
    return known


_KEYS = {"h_tilde": "n"}
CELLS = {
    "rnn": Cell("rnn", rnn, {"loss": "every", "activation": "tanh", "bias": True}),
    "rnn with outputs": Cell("rnn", rnn, {"loss": "outputs", "output": "identity", "activation": "tanh"}),
    "lstm": Cell("lstm", lstm, {"loss": "every"}),
    "lstm with peepholes": Cell("lstm", lstm, {"loss": "every", "peepholes": True}),
    "gru": Cell("gru", gru, {"loss": "every"}),
    "gru, reset before": Cell("gru", gru, {"loss": "every", "reset": "before"}, reset="before"),
}


@pytest.mark.parametrize("name", CELLS)
def test_the_hessian_times_a_direction(name):
    cell = CELLS[name]
    parameters = {key for key in cell.inputs if key not in ("x", "h0", "c0", "s0")}
    direction = {key: cell.random.normal(size=cell.inputs[key].shape) for key in sorted(parameters)}
    exact, derived = hessian_by_complex_step(cell, direction), hessian_by_recursions(cell, direction)
    assert set(derived) == set(exact)
    for key in exact:
        scale = abs(exact[key]).max()
        assert scale > 1e-3
        assert abs(derived[key] - exact[key]).max() <= 1e-12 * scale, key


def test_a_forgotten_term_is_seen():
    """Without δ_k ṡ_{k-1}ᵀ the product of W is wrong."""
    cell = CELLS["rnn"]
    direction = {key: np.ones_like(cell.inputs[key]) for key in ("U", "W", "b")}
    exact, derived = hessian_by_complex_step(cell, direction), hessian_by_recursions(cell, direction)
    _, gradients = cell.run(cell.inputs)
    moved = {key: a + 1j * H * direction[key] if key in direction else a for key, a in cell.inputs.items()}
    tangents = cell.reference.forward(moved)["s"].imag / H
    forgotten = sum(gradients["Net"][k].T @ tangents[k - 1] for k in range(1, LAST))
    assert abs(derived["W"] - exact["W"]).max() < 1e-12
    assert abs(forgotten).max() > 1e-3


def test_the_text():
    """Pearlmutter's R operator on the recurrent network."""
    found = {d.name: normalize("NFC", str(d)) for d in system("rnn", loss="every").quantities(options=SECOND)}
    assert found["T.Net"] == normalize("NFC", "Neṫ[t] = U̇ x[t] + Ẇ s[t-1] + W ṡ[t-1]")
    assert found["H.W"] == normalize("NFC", "H_W = Σ_{k=1..t} (δ̇[k] s[k-1]ᵀ + δ[k] ṡ[k-1]ᵀ)")


def test_what_has_no_rule_or_no_word_is_refused():
    F, E = function("F", {"a": n, "b": m}, n), sequence("E", n)
    with pytest.raises(RuleError, match=r"no rule for the tangent of Application: F\("):
        tangent_of_equation(*(lambda model: (model, model.equations[0]))(Model({E[t]: F(E[t - 1], x[t])}, time=STEPS)))
    with pytest.raises(BackproofError, match="a document has no word for the tangents of second order"):
        printed(system("rnn"), form="md", options=SECOND)
    quiet = Model({s[t]: matmul(W, s[t - 1])}, Loss.last(s), STEPS)
    assert {q.id for q in second_order_of(quiet)} == {"T.s", "T.delta.s", "T.delta.s.last", "H.W"}
