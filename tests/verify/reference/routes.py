"""Routes to a gradient that know nothing of a backward pass: they run the forward pass at moved inputs."""

from __future__ import annotations

import inspect
from types import ModuleType

import numpy as np

from verify.reference.sequences import Values

STEP = 2.0**-400  # of the complex step: squares of it vanish beside 1 and are still numbers


def check_close(found, expected, relative=1e-12):
    """Entry by entry, relative to the larger of 1 and the expected entry: all inputs are of order 1."""
    assert found.shape == expected.shape
    assert np.isfinite(found).all()
    bound = relative * np.maximum(1, np.abs(expected))
    assert (np.abs(found - expected) <= bound).all(), (found, expected)


def relative_error(found, expected):
    """The largest difference by the largest entry; 0 where both arrays are zero. Raises where shapes differ."""
    assert found.shape == expected.shape, (found.shape, expected.shape)
    assert np.isfinite(found).all()
    difference, scale = np.abs(found - expected).max(), np.abs(expected).max()
    return float(difference / scale) if difference else 0.0


def units(array, axis=0):
    """All unit directions of an array, side by side at `axis`."""
    return np.moveaxis(np.eye(array.size).reshape(array.size, *array.shape), 0, axis)


def energies(case, values):
    """E of every direction: the sum over all axes but that of the directions."""
    total = 0
    for key, cotangent in case.cotangents.items():
        product = np.expand_dims(cotangent, case.axis) * values[key]
        total = total + product.sum(axis=tuple(i for i in range(product.ndim) if i != case.axis))
    return total


def energy(case, inputs):
    """E."""
    values = case.forward(inputs)
    return sum((cotangent * values[key]).sum() for key, cotangent in case.cotangents.items())


def at_directions(case, key, step):
    """E(key + step · e) for every unit direction e of one input: in one run where the system takes further axes."""
    start = case.inputs[key]
    if case.axis is None:
        return np.array([energy(case, {**case.inputs, key: start + step * e}) for e in units(start)])
    axis = case.axis if key in case.sequences else 0
    moved = {
        name: np.expand_dims(array, case.axis) if name in case.sequences else array
        for name, array in case.inputs.items()
    }
    return energies(case, case.forward({**moved, key: np.expand_dims(start, axis) + step * units(start, axis)}))


def by_complex_step(case, key):
    """∂E/∂key = Im E(key + ih) / h."""
    return (at_directions(case, key, 1j * STEP).imag / STEP).reshape(case.inputs[key].shape)


def by_differences(case, key, h=2.0**-16):
    """Central differences, extrapolated once: (4 D(h) - D(2h)) / 3, with an error of order h⁴."""

    def slope(step):
        return (at_directions(case, key, step) - at_directions(case, key, -step)) / (2 * step)

    return ((4 * slope(h) - slope(2 * h)) / 3).reshape(case.inputs[key].shape)


def check_gradients(case, route=by_complex_step, relative=1e-12):
    """Every input has its gradient, and it is what the route finds."""
    found = case.adjoints()
    between = {key for key in found if key.endswith(".x")}  # what an upper layer of a stack hands down
    assert set(found) - between == (set(case.inputs) | set(case.values)) - between
    for key in case.inputs:
        check_close(found[key], route(case, key), relative)


def check_adjoints(case, monkeypatch):
    """v̄_t is the total derivative: a small change of v_t alone, as it is computed, moves E by v̄_t times it."""
    found, values = case.adjoints(), case.values
    lone = {key: array[:, None] if key in case.sequences else array for key, array in case.inputs.items()}
    for key, value in values.items():
        moves = 1j * STEP * units(value, case.axis)
        with monkeypatch.context() as patch:
            patch.setattr(case.module, "Values", lambda key=key, moves=moves: moving(key, moves))
            moved = case.forward(lone)
        check_close(found[key], (energies(case, moved).imag / STEP).reshape(value.shape))


def moving(moved_key, moves):
    """The books of a forward pass in which one value is moved at every step, before anything reads it."""

    class Moving(Values):
        def __call__(self, key, value):
            step = len(self.steps.get(key, []))
            return super().__call__(key, value + moves[step] if key == moved_key else value)

    return Moving()


def edited(module, written, planted):
    """A module of its own with one edit in its source; the text must stand there once."""
    source = inspect.getsource(module)
    assert source.count(written) == 1, (module.__name__, written)
    copy = ModuleType(module.__name__)
    exec(compile(source.replace(written, planted), module.__file__, "exec"), copy.__dict__)  # our own source
    return copy
