"""Problems for the reference network, drawn as sizes and a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import strategies as st

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
