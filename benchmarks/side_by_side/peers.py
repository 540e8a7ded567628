"""The peers: PyTorch's modules, a loop in PyTorch, JAX's scan, HIPS autograd, each asked for every gradient.

A peer is a pair: what is timed, and the same with the gradients as NumPy arrays under the model's keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from benchmarks.side_by_side.cells import STEPS, joined
from benchmarks.side_by_side.problems import Arrays, Model


class Subject(NamedTuple):
    """What is timed, and how to read its result as gradients by key."""

    run: Callable[[], Any]
    read: Callable[[Any], Arrays]


def torch_module(model: Model, inputs: Arrays, direct: Arrays, threads: int = 1) -> Subject:
    """torch.nn.RNN, LSTM or GRU: forward, then torch.autograd.grad."""
    import torch

    torch.set_num_threads(threads)
    n, m = inputs[model.keys("U")[0]].shape
    dtype = torch.float32 if inputs["x"].dtype == np.float32 else torch.float64
    network: Any = getattr(torch.nn, model.name.upper())(m, n).to(dtype)
    second = np.zeros(len(model.gates) * n, inputs["x"].dtype)
    if model.extra:
        second[-n:] = inputs["c_n"]
    with torch.no_grad():
        for name, letter in (("weight_ih_l0", "U"), ("weight_hh_l0", "W"), ("bias_ih_l0", "b")):
            getattr(network, name).copy_(torch.tensor(np.concatenate([inputs[key] for key in model.keys(letter)])))
        network.bias_hh_l0.copy_(torch.tensor(second))
    x = torch.tensor(inputs["x"], requires_grad=True)
    starts = [torch.tensor(inputs[key][None], requires_grad=True) for key in model.starts]
    state = tuple(starts) if len(starts) > 1 else starts[0]
    wanted = [x, *starts, *network.parameters()]
    own = torch.tensor(direct[model.output])

    def read(found: Any) -> Arrays:
        x_bar, *rest = (array.numpy() for array in found)
        starts, (U, W, b, b2) = rest[: len(model.starts)], rest[len(model.starts) :]
        named = {"x": x_bar} | {key: array[0] for key, array in zip(model.starts, starts, strict=True)}
        for letter, stack in (("U", U), ("W", W), ("b", b)):
            named |= dict(zip(model.keys(letter), np.split(stack, len(model.gates)), strict=True))
        return named | dict.fromkeys(model.extra, b2[-n:])

    return Subject(lambda: torch.autograd.grad(network(x, state)[0], wanted, own), read)


def torch_loop(model: Model, inputs: Arrays, direct: Arrays) -> Subject:
    """The same network as a loop over tensors."""
    import torch

    torch.set_num_threads(1)
    values = {key: torch.tensor(array, requires_grad=True) for key, array in inputs.items()}
    own = torch.tensor(direct[model.output])

    def run() -> Any:
        return torch.autograd.grad(
            _looped(model, values, torch.tanh, torch.sigmoid, torch.cat, torch.stack), list(values.values()), own
        )

    return Subject(run, lambda found: {key: array.numpy() for key, array in zip(values, found, strict=True)})


def hips_autograd(model: Model, inputs: Arrays, direct: Arrays) -> Subject:
    """The same loop through HIPS autograd."""
    import autograd.numpy as anp
    from autograd import make_vjp

    half = inputs["x"].dtype.type(0.5)  # autograd keeps no dtype that NumPy would not keep

    def sigma(z: Any) -> Any:
        return half * anp.tanh(half * z) + half

    def network(values: Any) -> Any:
        return _looped(model, values, anp.tanh, sigma, anp.concatenate, anp.stack)

    def run() -> Any:
        pull, _ = make_vjp(network)(inputs)
        return pull(direct[model.output])

    return Subject(run, dict)


def jax_scan(model: Model, inputs: Arrays, direct: Arrays) -> Subject:
    """jax.lax.scan and jax.vjp, compiled before it is timed."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def network(values: Any) -> Any:
        parts = joined(model, values, jnp.concatenate)

        def step(states: Any, x: Any) -> Any:
            out, states = STEPS[model.name](values, parts, x, states, jnp.tanh, jax.nn.sigmoid)
            return states, out

        return jax.lax.scan(step, tuple(values[key] for key in model.starts), values["x"])[1]

    @jax.jit
    def pulled(values: Any, own: Any) -> Any:
        return jax.vjp(network, values)[1](own)[0]

    values = {key: jnp.asarray(array) for key, array in inputs.items()}
    own = jnp.asarray(direct[model.output])
    return Subject(
        lambda: jax.block_until_ready(pulled(values, own)),
        lambda found: {key: np.asarray(array) for key, array in found.items()},
    )


def _looped(model: Model, values: Mapping[str, Any], tanh: Any, sigma: Any, concatenate: Any, stack: Any) -> Any:
    parts = joined(model, values, concatenate)
    states = tuple(values[key] for key in model.starts)
    found = []
    for x in values["x"]:  # PyTorch unbinds it: indexing would add up T gradients of x's whole size
        out, states = STEPS[model.name](values, parts, x, states, tanh, sigma)
        found.append(out)
    return stack(found)


PEERS: dict[str, tuple[str, Callable[[Model, Arrays, Arrays], Subject]]] = {
    "torch.nn": ("torch", torch_module),
    "torch loop": ("torch", torch_loop),
    "JAX scan": ("jax", jax_scan),
    "HIPS autograd": ("autograd", hips_autograd),
}
