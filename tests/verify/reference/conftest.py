"""Problems for the reference network, drawn as sizes and a seed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import strategies as st

from tests.verify.reference.routes import relative_error
from verify.reference import rnn
from verify.reference.activations import ACTIVATIONS


@dataclass(frozen=True)
class Problem:
    """Inputs, cotangents at every member and step, activations: E = Σ cotangents · values."""

    steps: int
    batch: int
    m: int
    n: int
    p: int
    f: str
    g: str
    seed: int

    @property
    def functions(self):
        return ACTIVATIONS[self.f], ACTIVATIONS[self.g]

    @property
    def inputs(self):
        r = np.random.default_rng(self.seed)
        shapes = {
            "x": (self.steps, self.batch, self.m),
            "s0": (self.batch, self.n),
            "U": (self.n, self.m),
            "W": (self.n, self.n),
            "b": (self.n,),
            "V": (self.p, self.n),
            "c": (self.p,),
        }
        return {key: r.uniform(-1, 1, shape) for key, shape in shapes.items()}

    @property
    def cotangents(self):
        r = np.random.default_rng(self.seed + 1)
        values = rnn.forward(self.inputs, *self.functions)
        return {key: r.uniform(-1, 1, values[key].shape) for key in sorted(values)}

    def energy(self, inputs):
        """E, for real or complex inputs; arrays may carry directions before the batch."""
        values = rnn.forward(inputs, *self.functions)
        return sum((self.cotangents[key] * values[key]).sum() for key in values)

    def gradients(self):
        inputs = self.inputs
        values = rnn.forward(inputs, *self.functions)
        return rnn.backward(inputs, values, self.cotangents, *self.functions)


@pytest.fixture(scope="session")
def problems():
    """Sizes from 1, two activations, a seed."""
    names = st.sampled_from(sorted(set(ACTIVATIONS) - {"softmax"}))
    return st.builds(
        Problem,
        steps=st.integers(1, 5),
        batch=st.integers(1, 3),
        m=st.integers(1, 4),
        n=st.integers(1, 4),
        p=st.integers(1, 4),
        f=names,
        g=st.sampled_from(sorted(ACTIVATIONS)),
        seed=st.integers(0, 2**32 - 1),
    )


@pytest.fixture(scope="session")
def telling():
    """One problem in which no error can hide: T ≥ 3, sizes different, s_0 ≠ 0, W not symmetric."""
    return Problem(steps=4, batch=2, m=2, n=3, p=4, f="tanh", g="softmax", seed=7)


class Agreement:
    """How far the reference and a library were apart, by layer: instances, and the largest relative errors.

    The error of an instance is its largest difference by its largest entry, over all its arrays together; that of an
    array, by the array's own largest entry, is larger where the terms of a gradient cancel, and is not bounded.
    """

    BOUND = 1e-12

    def __init__(self):
        self.counts, self.of_instances, self.of_arrays = {}, {}, {}

    @contextmanager
    def instance(self, name, kept=True):
        """Gives a function that takes pairs of arrays; in the end, refuses an error above the bound."""
        pairs = []
        yield lambda found, expected: pairs.append((np.asarray(found), np.asarray(expected)))
        whole = [np.concatenate([array.ravel() for array in side]) for side in zip(*pairs, strict=True)]
        error = relative_error(*whole)
        if kept:
            self.counts[name] = self.counts.get(name, 0) + 1
            self.of_instances[name] = max(self.of_instances.get(name, 0.0), error)
            self.of_arrays[name] = max(self.of_arrays.get(name, 0.0), *(relative_error(*pair) for pair in pairs))
        assert [found.shape for found, _ in pairs] == [expected.shape for _, expected in pairs]
        assert error <= self.BOUND, (error, pairs)


AGREEMENT = pytest.StashKey[Agreement]()


@pytest.fixture(scope="session")
def agreement(pytestconfig):
    return pytestconfig.stash.setdefault(AGREEMENT, Agreement())


def pytest_terminal_summary(terminalreporter, config):
    """The figures, at the end of a run in which a library was there to compare with."""
    found = config.stash.get(AGREEMENT, Agreement())
    if not found.counts:
        return
    terminalreporter.section("agreement with the reference, largest relative errors")
    terminalreporter.write_line(f"{'layer':32} instances  of an instance  of an array")
    for name, count in sorted(found.counts.items()):
        errors = f"{found.of_instances[name]:14.1e} {found.of_arrays[name]:12.1e}"
        terminalreporter.write_line(f"{name:32} {count:9} {errors}")
