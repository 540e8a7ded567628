"""Losses on outputs: squared error, cross-entropy of a softmax, binary cross-entropy of sigmoids; each with weights.

A weight μ_t is a number for each step; 0 and 1 mask steps out and in.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import sympy as sp

from derive.errors import BackproofError
from derive.language.build import matadd, matmul, negate, ones, sequence, transpose
from derive.language.functions import elementwise
from derive.language.nodes import Elementwise, Softmax, TimeSum
from derive.model import Loss, Model
from derive.models.letters import STEPS, E, k, o, t, y, z
from derive.models.registry import Quantity, System, register
from derive.recurrence import gradient

OUTPUTS = ("softmax", "sigmoid", "relu", "identity", "opaque")
LOSSES = ("softmax cross-entropy", "binary cross-entropy", "squared error")
mu = sequence("mu", 1)


def squared_error(weighted: bool = False) -> Any:
    """E = ½ Σ_k (o_k - y_k)ᵀ (o_k - y_k)."""
    error = matadd(o[k], negate(y[k]))
    return matmul(sp.Rational(1, 2), _sum_over_steps(matmul(transpose(error), error), weighted))


def cross_entropy(weighted: bool = False) -> Any:
    """E = -Σ_k y_kᵀ log o_k."""
    return negate(_sum_over_steps(_likelihood(y[k], o[k]), weighted))


def binary_cross_entropy(weighted: bool = False) -> Any:
    """E = -Σ_k [y_kᵀ log o_k + (1 - y_k)ᵀ log(1 - o_k)]."""
    one = ones(*o[k].shape)
    others = _likelihood(matadd(one, negate(y[k])), matadd(one, negate(o[k])))
    return negate(_sum_over_steps(matadd(_likelihood(y[k], o[k]), others), weighted))


def _likelihood(target: Any, output: Any) -> Any:
    """yᵀ log o."""
    return matmul(transpose(target), Elementwise("\\log", "log", 0, output))


def _sum_over_steps(summand: Any, weighted: bool) -> Any:
    """Σ_k e_k, or Σ_k μ_k e_k."""
    return TimeSum(matmul(mu[k], summand) if weighted else summand, k, STEPS.first, STEPS.last)


def output_equations(kind: str, weighted: bool = False) -> dict[Any, Any]:
    """o_t of z_t, and the loss's formula (`opaque` has none: E then is any function of the o_t)."""
    if kind not in OUTPUTS:
        raise BackproofError(f"output is one of {', '.join(OUTPUTS)}, not {kind!r}")
    if kind == "softmax":
        return {o[t]: Softmax(z[t]), E: cross_entropy(weighted)}
    if kind == "sigmoid":
        return {o[t]: elementwise("\\sigma", "sigmoid")(z[t]), E: binary_cross_entropy(weighted)}
    activation = elementwise("g", "opaque" if kind == "opaque" else kind)
    return {o[t]: activation(z[t])} | ({} if kind == "opaque" else {E: squared_error(weighted)})


def output_loss(kind: str) -> Loss | None:
    """The opaque loss where no formula gives it."""
    return Loss.every(o) if kind == "opaque" else None


def targets(kind: str) -> tuple[str, ...]:
    """Families whose members sum to 1: the targets of a cross-entropy."""
    return (y[t].name,) if kind == "softmax" else ()


def by_z(kind: str) -> Quantity:
    """∂E/∂z_k."""
    return Quantity("2.10z", "z", lambda model, options: gradient(model, z[k], sum_one=targets(kind)))


def _without_assumption() -> Quantity:
    return Quantity("2.10u", "z", lambda model, options: gradient(model, z[k]))


def _by_o() -> Quantity:
    return Quantity("2.10o", "o", lambda model, options: gradient(model, o[k]))


def softmax_cross_entropy(weighted: bool) -> System:
    """o_t = softmax(z_t), E = -Σ y_tᵀ log o_t: ∂E/∂z_k = o_k - y_k where 1ᵀ y_k = 1, times μ_k with weights."""
    asked = (by_z("softmax"), _without_assumption(), _by_o())
    return _system("softmax cross-entropy", "softmax with cross-entropy", "softmax", weighted, asked)


def sigmoid_cross_entropy(weighted: bool) -> System:
    """o_t = σ(z_t), E = -Σ [y_tᵀ log o_t + (1 - y_t)ᵀ log(1 - o_t)]: ∂E/∂z_k = o_k - y_k, times μ_k with weights."""
    asked = (by_z("sigmoid"), _by_o())
    return _system("binary cross-entropy", "sigmoids with binary cross-entropy", "sigmoid", weighted, asked)


def squared_error_system(weighted: bool, output: str = "identity") -> System:
    """o_t = g(z_t), E = ½ Σ ‖o_t - y_t‖²: ∂E/∂z_k = diag[g'(z_k)] (o_k - y_k), times μ_k with weights."""
    return _system("squared error", "squared error", output, weighted, (by_z(output), _by_o()))


def _system(name: str, title: str, kind: str, weighted: bool, asked: tuple[Quantity, ...]) -> System:
    name, title = (f"weighted {name}", f"{title}, weighted by step") if weighted else (name, title)
    return System(name, title, Model(output_equations(kind, weighted), time=STEPS), asked)


for _prefix, _weighted in (("", False), ("weighted ", True)):
    register(f"{_prefix}softmax cross-entropy")(partial(softmax_cross_entropy, _weighted))
    register(f"{_prefix}binary cross-entropy")(partial(sigmoid_cross_entropy, _weighted))
    register(f"{_prefix}squared error")(partial(squared_error_system, _weighted))
