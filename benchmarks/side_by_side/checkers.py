"""Gradient checkers: what one check costs, and which planted errors it finds.

Each checker gets the same backward pass in NumPy, `planted.backward`, wrapped as its library wants a hand-written
gradient: a torch.autograd.Function, a jax.custom_vjp, a HIPS primitive; the loss is E = Σ s̄_t · s_t. The peers check
the gradients of U, W and b; the audit checks those of x and s0 as well. Defaults everywhere.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.side_by_side import planted
from benchmarks.side_by_side.problems import MODELS, Arrays, Point, cotangents, inputs

CHECKED = ("U", "W", "b")
Check = Callable[[str, Point, int], bool]  # error, point, seed -> is it accepted?


def _loss(values: Arrays, direct: np.ndarray) -> float:
    return float((direct * planted.states(values)[1:]).sum())


def _problem(point: Point, seed: int) -> tuple[Arrays, np.ndarray]:
    model = MODELS["rnn"]
    return inputs(model, point, "float64", seed), cotangents(model, point, "float64", seed + 10_000)["s"]


@functools.cache
def _torch_function() -> Any:
    import torch

    class Loss(torch.autograd.Function):
        """E of U, W, b, with a gradient by hand."""

        @staticmethod
        def forward(context: Any, U: Any, W: Any, b: Any, values: Arrays, direct: np.ndarray, error: str) -> Any:
            here = values | {key: array.detach().numpy() for key, array in zip(CHECKED, (U, W, b), strict=True)}
            context.here, context.direct, context.error = here, direct, error
            return torch.tensor(_loss(here, direct), dtype=torch.float64)

        @staticmethod
        def backward(context: Any, *own: Any) -> Any:
            found = planted.backward(context.here, context.direct, context.error)
            return *(own[0] * torch.from_numpy(np.ascontiguousarray(found[key])) for key in CHECKED), None, None, None

    return Loss


def torch_gradcheck(error: str, point: Point, seed: int, fast: bool) -> bool:
    """torch.autograd.gradcheck: every entry by central differences, or (fast) one random projection."""
    import torch

    values, direct = _problem(point, seed)
    torch.manual_seed(seed)
    wanted = [torch.tensor(values[key], requires_grad=True) for key in CHECKED]

    def loss(U: Any, W: Any, b: Any) -> Any:
        return _torch_function().apply(U, W, b, values, direct, error)

    return bool(torch.autograd.gradcheck(loss, wanted, fast_mode=fast, raise_exception=False))


def jax_check_grads(error: str, point: Point, seed: int) -> bool:
    """jax.test_util.check_grads: one random projection, against central differences. Its directions are NumPy's."""
    import jax
    import jax.numpy as jnp
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    values, direct = _problem(point, seed)

    @jax.custom_vjp
    def loss(U: Any, W: Any, b: Any) -> Any:
        return jnp.asarray(_loss(_with(values, U, W, b), direct))

    def forward(U: Any, W: Any, b: Any) -> Any:
        here = _with(values, U, W, b)
        return jnp.asarray(_loss(here, direct)), planted.backward(here, direct, error)

    def backward(kept: Any, own: Any) -> Any:
        return tuple(own * jnp.asarray(kept[key]) for key in CHECKED)

    loss.defvjp(forward, backward)
    try:
        check_grads(loss, tuple(jnp.asarray(values[key]) for key in CHECKED), order=1, modes=["rev"])
    except AssertionError:
        return False
    return True


def hips_check_grads(error: str, point: Point, seed: int) -> bool:
    """autograd.test_util.check_grads, told to look at each argument: one random projection of each."""
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    values, direct = _problem(point, seed)
    np.random.seed(seed)  # its directions come from NumPy's global generator

    @primitive
    def loss(U: Any, W: Any, b: Any) -> float:
        return _loss(_with(values, U, W, b), direct)

    def pull(key: str) -> Callable[..., Any]:
        def at(answer: Any, U: Any, W: Any, b: Any) -> Callable[[Any], Any]:
            found = planted.backward(_with(values, U, W, b), direct, error)[key]
            return lambda own: own * found

        return at

    defvjp(loss, *(pull(key) for key in CHECKED))
    try:
        for position in range(len(CHECKED)):
            check_grads(loss, position, modes=["rev"], order=1)(*(values[key] for key in CHECKED))
    except AssertionError:
        return False
    return True


def _with(values: Arrays, *checked: Any) -> Arrays:
    return values | {key: np.asarray(array) for key, array in zip(CHECKED, checked, strict=True)}


def audit(error: str, point: Point, seed: int) -> bool:
    """verify.backward with its defaults, sizes and seed given: four instances, one at other sizes, the exact run."""
    return _audited(error, point, seed)


def audit_once(error: str, point: Point, seed: int) -> bool:
    """The same with one instance, the one at other sizes, and no exact run."""
    return _audited(error, point, seed, instances=1, exact=False)


def _audited(error: str, point: Point, seed: int, **settings: Any) -> bool:
    import verify

    try:
        verify.backward(planted.function(error), model="rnn", sizes=point._asdict(), seed=seed, **settings)
    except AssertionError:
        return False
    return True


CHECKERS: dict[str, tuple[str, Check]] = {  # by name, each with its package
    "audit": ("verify", audit),
    "audit, one instance": ("verify", audit_once),
    "gradcheck slow": ("torch", functools.partial(torch_gradcheck, fast=False)),
    "gradcheck fast": ("torch", functools.partial(torch_gradcheck, fast=True)),
    "JAX check_grads": ("jax", jax_check_grads),
    "HIPS check_grads": ("autograd", hips_check_grads),
}
