"""Losses on outputs: squared error, and cross-entropy of a softmax."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.errors import BackproofError
from derive.language.build import matadd, matmul, negate, transpose
from derive.language.functions import elementwise
from derive.language.nodes import Elementwise, Softmax, TimeSum
from derive.model import Loss, Model
from derive.models.letters import STEPS, E, k, o, t, y, z
from derive.models.registry import Quantity, System, register
from derive.recurrence import gradient

OUTPUTS = ("softmax", "relu", "identity", "opaque")


def squared_error() -> Any:
    """E = ½ Σ_k (o_k - y_k)ᵀ (o_k - y_k)."""
    error = matadd(o[k], negate(y[k]))
    return matmul(sp.Rational(1, 2), TimeSum(matmul(transpose(error), error), k, STEPS.first, STEPS.last))


def cross_entropy() -> Any:
    """E = -Σ_k y_kᵀ log o_k."""
    logarithm = Elementwise("\\log", "log", 0, o[k])
    return negate(TimeSum(matmul(transpose(y[k]), logarithm), k, STEPS.first, STEPS.last))


def output_equations(kind: str) -> dict[Any, Any]:
    """o_t of z_t, and the loss's formula (`opaque` has none: E then is any function of the o_t)."""
    if kind not in OUTPUTS:
        raise BackproofError(f"output is one of {', '.join(OUTPUTS)}, not {kind!r}")
    if kind == "softmax":
        return {o[t]: Softmax(z[t]), E: cross_entropy()}
    activation = elementwise("g", "opaque" if kind == "opaque" else kind)
    return {o[t]: activation(z[t])} | ({} if kind == "opaque" else {E: squared_error()})


def output_loss(kind: str) -> Loss | None:
    """The opaque loss where no formula gives it."""
    return Loss.every(o) if kind == "opaque" else None


def targets(kind: str) -> tuple[str, ...]:
    """Families whose members sum to 1: the targets of a cross-entropy."""
    return (y[t].name,) if kind == "softmax" else ()


def by_z(kind: str) -> Quantity:
    """∂E/∂z_k."""
    return Quantity("2.10z", "z", lambda model, options: gradient(model, z[k], sum_one=targets(kind)))


@register("softmax cross-entropy")
def softmax_cross_entropy() -> System:
    """o_t = softmax(z_t), E = -Σ y_tᵀ log o_t: ∂E/∂z_k = o_k - y_k where 1ᵀ y_k = 1."""
    model = Model(output_equations("softmax"), time=STEPS)
    return System(
        "softmax cross-entropy", "softmax with cross-entropy", model, (by_z("softmax"), _without_assumption())
    )


def _without_assumption() -> Quantity:
    return Quantity("2.10u", "z", lambda model, options: gradient(model, z[k]))


@register("squared error")
def squared_error_system(output: str = "identity") -> System:
    """o_t = g(z_t), E = ½ Σ ‖o_t - y_t‖²: ∂E/∂z_k = diag[g'(z_k)] (o_k - y_k)."""
    return System("squared error", "squared error", Model(output_equations(output), time=STEPS), (by_z(output),))
