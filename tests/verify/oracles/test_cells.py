"""The reference's cells in the bptt oracle: known by their equations, whatever the names; others are unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy as sp

from derive.language.build import hadamard, matadd, matmul, negate, ones, sequence
from derive.language.derivatives import Gradient
from derive.language.functions import elementwise
from derive.model import Equation, Loss, Model, Time
from derive.models.systems import system
from tests.verify.reference.routes import edited
from verify.claim import Claim
from verify.instances import draw
from verify.oracles.matching import layers
from verify.oracles.registry import ORACLES
from verify.oracles.systems import CellLayer
from verify.quantities import claim_of
from verify.reference import gru, jordan, lstm, residual

n, m = sp.symbols("n m", integer=True, positive=True)
t, T = sp.symbols("t T", integer=True)
DERIVED = {
    "LSTM": ("lstm", {}),
    "LSTM, every step, no biases": ("lstm", {"loss": "every", "bias": False}),
    "LSTM, outputs": ("lstm", {"loss": "outputs"}),
    "LSTM, peepholes": ("lstm", {"peepholes": True}),
    "LSTM, coupled, peepholes": ("lstm", {"coupled": True, "peepholes": True}),
    **{f"GRU {r} {u}": ("gru", {"reset": r, "update": u}) for r in gru.RESETS for u in gru.UPDATES},
    "Jordan": ("jordan", {}),
    "residual": ("residual", {}),
    "stack of LSTMs": ("stacked", {"cell": "lstm"}),
}


def bptt(claim, count=8, seed=0):
    return ORACLES["bptt"].examine(claim, draw(claim, count, seed))


def derived(name):
    kind, options = DERIVED[name]
    return [claim_of(derivation) for derivation in system(kind, **options).quantities()]


@pytest.mark.parametrize("name", DERIVED)
def test_the_reference_confirms_every_derived_formula(name):
    """Jacobians, δ recursions, gradients of every parameter: none is out of its reach."""
    for claim in derived(name):
        outcome = bptt(claim)
        assert (outcome.outcome, outcome.instances) == ("equal", 8), (claim.left, outcome)


@pytest.mark.parametrize("name", DERIVED)
def test_twice_a_gradient_is_refuted(name):
    gradients = [claim for claim in derived(name) if isinstance(claim.left, Gradient)]
    assert gradients
    for claim in gradients:
        assert bptt(replace(claim, right=matmul(2, claim.right))).outcome == "differ", claim.left


PLANTED = {  # an error in the reference shows: it is the reference that is run
    "LSTM": (lstm, "c_bar * earlier[k]", "c_bar * c"),
    "LSTM, peepholes": (lstm, ' + seen(inputs, "o", net_bars)', ""),
    "LSTM, coupled, peepholes": (lstm, "c_bar * g - f_bar if", "c_bar * g if"),
    "GRU before z": (gru, "q_bar * h, r * q_bar", "q_bar * h, q_bar"),
    "GRU after 1-z": (gru, "later = kept + through", "later = kept"),
    "Jordan": (jordan, 'adjoint("o", k, later)', 'adjoint("o", k)'),
    "residual": (residual, "later = s_bar + net_bar", "later = net_bar"),
    "stack of LSTMs": (lstm, "phi.pull(c, o * h_bar)", "o * h_bar"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_an_error_planted_in_the_reference_shows(name, monkeypatch):
    module, written, planted = PLANTED[name]
    monkeypatch.setattr(module, "backward", edited(module, written, planted).backward)
    outcomes = {bptt(claim, seed=7).outcome for claim in derived(name)}
    assert "differ" in outcomes


# --- by equations, not by name -----------------------------------------------------------------------------------

SIGMOID, TANH = elementwise("S", "sigmoid"), elementwise("R", "tanh")
letters = dict(zip(("h", "c", "i", "f", "g", "o"), "qwerty", strict=True))  # nothing has its usual name
h, c, i, f, g, o = (sequence(letters[role], n) for role in letters)
x = sequence("u", m)


def weights(gate, names="ABD"):
    return (sp.MatrixSymbol(f"{names[0]}{gate}", n, m), sp.MatrixSymbol(f"{names[1]}{gate}", n, n))


def affine(gate, state=h[t - 1], source=x[t], *more):
    a, b = weights(gate)
    return matadd(matmul(b, state), matmul(a, source), *more)


def written_out(**changes):
    """The LSTM in other letters, other orders, without a pre-activation that has a name; `changes` by role."""
    own = {
        "i": SIGMOID(affine(1)),
        "f": SIGMOID(affine(2)),
        "g": TANH(affine(3)),
        "o": SIGMOID(affine(4)),
        "c": matadd(hadamard(g[t], i[t]), hadamard(c[t - 1], f[t])),
        "h": hadamard(TANH(c[t]), o[t]),
    } | changes
    members = {"i": i, "f": f, "g": g, "o": o, "c": c, "h": h}
    rows = [Equation(members[role][t], formula, t) for role, formula in own.items()]
    return Model(rows, loss=Loss.last(h), time=Time(1, T))


def gradient_of(model, parameter):
    """∂E/∂A = ∂E/∂A: is the model known? and its double: is it told from it?"""
    E = model.losses[0].symbol
    own = Gradient(E, parameter)
    return Claim(own, own, model), Claim(own, matmul(2, own), model)


def test_other_names_and_orders_are_the_same_cell():
    model = written_out()
    (layer,) = layers(model)
    assert isinstance(layer, CellLayer)
    found = {role: name for role, name in layer.values.items() if name is not None}
    assert found == letters
    assert {role: layer.parameters[role] for role in ("U_i", "W_f", "U_g", "W_o")} == {
        "U_i": "A1", "W_f": "B2", "U_g": "A3", "W_o": "B4",
    }  # fmt: skip


@pytest.mark.parametrize("gate", [1, 2, 3, 4])
def test_its_gradients_are_the_references(gate):
    right, wrong = gradient_of(written_out(), weights(gate)[1])
    assert bptt(right).outcome == "equal"
    assert bptt(wrong).outcome == "differ"


opaque = elementwise("R")
NO_SUCH_CELL = {
    "h = o ⊙ c": {"h": hadamard(o[t], c[t])},
    "h reads c_{t-1}": {"h": hadamard(TANH(c[t - 1]), o[t])},
    "another function at h": {"h": hadamard(opaque(c[t]), o[t])},
    "c = f ⊙ c - i ⊙ g": {"c": matadd(hadamard(c[t - 1], f[t]), negate(hadamard(g[t], i[t])))},
    "c keeps a third term": {"c": matadd(hadamard(c[t - 1], f[t]), hadamard(g[t], i[t]), h[t - 1])},
    "f is 1 - o": {"f": matadd(ones(n, 1), negate(o[t]))},
    "f is 2 - i": {"f": matadd(matmul(2, ones(n, 1)), negate(i[t]))},
    "i weighs the memory for the state": {"i": SIGMOID(affine(1, c[t - 1]))},
    "o reads the input before": {"o": SIGMOID(affine(4, h[t - 1], x[t - 1]))},
    "two gates share their weights": {"f": SIGMOID(affine(1))},
    "a peephole where the reference has none": {
        "g": TANH(affine(3, h[t - 1], x[t], hadamard(sp.MatrixSymbol("P", n, 1), c[t - 1])))
    },
    "o looks at the memory before": {
        "o": SIGMOID(affine(4, h[t - 1], x[t], hadamard(sp.MatrixSymbol("P", n, 1), c[t - 1])))
    },
    "one gate is another function": {"i": opaque(affine(1))},
}


@pytest.mark.parametrize("name", NO_SUCH_CELL)
def test_what_is_no_such_cell_is_unknown(name):
    """Each differs from the LSTM in one place: the reference says nothing, and forward accumulation still does."""
    right, _ = gradient_of(written_out(**NO_SUCH_CELL[name]), weights(1)[1])
    assert bptt(right).outcome == "unknown"
    assert ORACLES["tangents"].examine(right, draw(right, 8)).outcome == "equal"
