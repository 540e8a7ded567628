"""Forward accumulation of the LSTM and the GRU: against their complex step, and as the transpose of their backward."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from tests.verify.reference.routes import STEP, check_close, edited, energies, units
from tests.verify.reference.systems import RECURRENT, SIZES, TELLING
from verify.reference import gate_tangents
from verify.reference.gate_tangents import gru_tangents, lstm_tangents

CELLS = sorted(name for name in RECURRENT if name.startswith(("LSTM", "GRU")))


def tangents_of(name, case, changes, module=gate_tangents):
    """The tangents under the case's own settings."""
    run = module.lstm_tangents if name.startswith("LSTM") else module.gru_tangents
    return run(case.inputs, case.values, changes, **case.forward.keywords)


def check_tangents(name, module=gate_tangents):
    """J v = Im values(inputs + ihv) / h for every value, all inputs moving at once."""
    case = RECURRENT[name](TELLING)
    r = np.random.default_rng(2)
    changes = {key: r.uniform(-1, 1, array.shape) for key, array in case.inputs.items()}
    found = tangents_of(name, case, changes, module)
    moved = case.forward({key: array + 1j * STEP * changes[key] for key, array in case.inputs.items()})
    assert set(found) == set(moved)
    for key, value in moved.items():
        check_close(found[key], value.imag / STEP)


@pytest.mark.parametrize("name", CELLS)
@settings(max_examples=10)
@given(size=SIZES)
def test_backward_is_the_transpose_of_the_tangents(name, size):
    """⟨cotangents, J v⟩ = ⟨Jᵀ cotangents, v⟩ for every unit direction v of every input."""
    case = RECURRENT[name](size)
    found = case.adjoints()
    lone = {key: array[:, None] if key == "x" else array for key, array in case.inputs.items()}
    values = {key: value[:, None] for key, value in case.values.items()}
    run = lstm_tangents if name.startswith("LSTM") else gru_tangents
    for key, array in case.inputs.items():
        changes = {key: units(array, 1 if key == "x" else 0)}
        moved = run(lone, values, changes, **case.forward.keywords)
        check_close(found[key], np.broadcast_to(energies(case, moved), array.size).reshape(array.shape))


@pytest.mark.parametrize("name", CELLS)
def test_tangents_are_the_complex_step(name):
    """Every variant, at a telling instance."""
    check_tangents(name)


PLANTED = {  # name of the error: (what is written, what is planted, the cell that must show it)
    "df reads c_t": ("df * c + now", 'df * now["c"] + now', "LSTM"),
    "dc_{t-1} is lost": ('now["f"] * dc + di', "di", "LSTM"),
    "the coupled gate has its sign": ('keep("f", -di)', 'keep("f", di)', "LSTM, coupled"),
    "φ' is missing": ("phi.push(c, dc)", "dc", "LSTM"),
    "the peephole of o looks before": ('"o", c, dc)', '"o", c, 0 * dc)', "LSTM, one peephole"),
    "r is missing": ("dr * h + r * dh", "dr * h + dh", "GRU, reset before, update z"),
    "q is missing": ("driven + dr * q", "driven + dr * h", "GRU, reset after, update 1-z"),
    "z turns the other way": ("dz * (h - n)", "dz * (n - h)", "GRU, reset after, update z"),
    "z weighs the other state": ("old * dh + new * dn", "new * dh + old * dn", "GRU, reset before, update 1-z"),
}


@pytest.mark.parametrize("error", sorted(PLANTED))
def test_every_planted_error_is_rejected(error):
    written, planted, name = PLANTED[error]
    wrong = edited(gate_tangents, written, planted)
    with pytest.raises(AssertionError, match="array"):
        check_tangents(name, wrong)


@pytest.mark.parametrize("name", CELLS)
def test_a_change_that_is_left_out_is_zero(name):
    """J (v_1 + v_2) = J v_1 + J v_2, one input a run."""
    case = RECURRENT[name](TELLING)
    changes = {key: np.ones_like(array) for key, array in case.inputs.items()}
    together = tangents_of(name, case, changes)
    alone = [tangents_of(name, case, {key: change}) for key, change in changes.items()]
    for key, value in together.items():
        check_close(sum(one[key] for one in alone), value)
