"""JAX's reverse mode, in float64, of cells that PyTorch lacks: peepholes, coupled gates, the GRU of Cho et al."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.reference.systems import EPSILON, SYSTEMS, Sizes

jax = pytest.importorskip("jax", reason="JAX is not installed")
jnp = jax.numpy


WANTED = 20  # instances a cell, of few shapes: JAX compiles every operation for every shape
PROBLEMS = st.builds(
    lambda shape, seed: Sizes(*shape, seed),
    shape=st.sampled_from([(4, 2, 2, 3, 1), (1, 1, 1, 2, 1)]),
    seed=st.integers(0, 2**32 - 1),
)


@pytest.fixture(autouse=True, scope="module")
def _float64():
    """JAX computes in float32 unless it is told otherwise."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def net(p, gate, x, h):
    return x @ p[f"U_{gate}"].T + h @ p[f"W_{gate}"].T + p.get(f"b_{gate}", 0)


def lstm_step(p, x, h, c):
    """Gers & Schmidhuber 2000: i and f look at the memory before, o at the memory after."""
    i = jax.nn.sigmoid(net(p, "i", x, h) + p.get("p_i", 0) * c)
    f = jax.nn.sigmoid(net(p, "f", x, h) + p.get("p_f", 0) * c) if "U_f" in p else 1 - i
    c = f * c + i * jnp.tanh(net(p, "g", x, h))
    o = jax.nn.sigmoid(net(p, "o", x, h) + p.get("p_o", 0) * c)
    return o * jnp.tanh(c), c


def lstm(p):
    h, c, states, memories = p["h0"], p["c0"], [], []
    for x in p["x"]:
        h, c = lstm_step(p, x, h, c)
        states.append(h)
        memories.append(c)
    return {"h": jnp.stack(states), "c": jnp.stack(memories)}


def gru(reset, update):
    def run(p):
        h, states = p["h0"], []
        for x in p["x"]:
            r, z = (jax.nn.sigmoid(net(p, gate, x, h)) for gate in "rz")
            if reset == "before":
                n = jnp.tanh(net(p, "n", x, r * h))
            else:
                n = jnp.tanh(x @ p["U_n"].T + p["b_n"] + r * (h @ p["W_n"].T + p["c_n"]))
            h = z * h + (1 - z) * n if update == "z" else z * n + (1 - z) * h
            states.append(h)
        return {"h": jnp.stack(states)}

    return run


def layer_norm(p):
    s, states = p["s0"], []
    for x in p["x"]:
        a = x @ p["U"].T + s @ p["W"].T
        a = (a - a.mean(-1, keepdims=True)) / jnp.sqrt(a.var(-1, keepdims=True) + EPSILON)
        s = jnp.tanh(p["gamma"] * a + p["beta"])
        states.append(s)
    return {"s": jnp.stack(states)}


SAME = {
    "LSTM, peepholes": lstm,
    "LSTM, coupled, peepholes": lstm,
    "GRU, reset before, update z": gru("before", "z"),
    "GRU, reset after, update 1-z": gru("after", "1-z"),
    "layer norm": layer_norm,
}


@pytest.mark.parametrize("name", sorted(SAME))
def test_cells_agree(name, agreement):
    """Outputs, and the gradients of everything, E being linear in the outputs at every step."""

    @settings(max_examples=WANTED)
    @given(size=PROBLEMS)
    def check(size):
        case = SYSTEMS[name](size)
        inputs = {key: jnp.asarray(array) for key, array in case.inputs.items()}
        values, pull = jax.vjp(SAME[name], inputs)
        cotangents = {key: case.cotangents[key] for key in values}
        (expected,) = pull({key: jnp.asarray(d) for key, d in cotangents.items()})
        found = case.backward(case.inputs, case.values, cotangents)
        with agreement.instance(f"jax {name}") as record:
            for key, value in values.items():
                record(case.values[key], value)
            for key, gradient in expected.items():
                assert np.asarray(gradient).dtype == np.float64
                record(found[key], gradient)

    check()
    assert agreement.counts[f"jax {name}"] >= WANTED
