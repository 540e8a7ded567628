"""Derivatives of elementwise functions: f', and what it is for the known ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from derive.errors import RuleError
from derive.language.build import hadamard, matadd, matmul, negate, ones
from derive.language.functions import KINDS, LEAK, OPAQUE
from derive.language.nodes import Diag, Elementwise


def prime(applied: Elementwise) -> Elementwise:
    """f⁽ᵏ⁾ becomes f⁽ᵏ⁺¹⁾."""
    return Elementwise(applied.args[0], applied.args[1], applied.order + 1, applied.argument)


def slope(applied: Elementwise) -> Any:
    """d f(v) = diag f'(v) dv."""
    return Diag(prime(applied))


def tanh_prime(value: Any, argument: Any) -> Any:
    """tanh' = 1 - tanh²."""
    return matadd(ones(*argument.shape), negate(hadamard(value, value)))


def sigmoid_prime(value: Any, argument: Any) -> Any:
    """σ' = σ ⊙ (1 - σ)."""
    return hadamard(value, matadd(ones(*argument.shape), negate(value)))


def identity_prime(value: Any, argument: Any) -> Any:
    """id' = 1."""
    return ones(*argument.shape)


def exp_prime(value: Any, argument: Any) -> Any:
    """exp' = exp."""
    return value


def log_prime(value: Any, argument: Any) -> Any:
    """log'(z) = 1/z."""
    return Elementwise("reciprocal", "reciprocal", 0, argument)


def reciprocal_prime(value: Any, argument: Any) -> Any:
    """(1/z)' = -(1/z)²."""
    return negate(hadamard(value, value))


def sqrt_prime(value: Any, argument: Any) -> Any:
    """sqrt'(z) = 1 / (2 sqrt(z))."""
    return matmul(sp.Rational(1, 2), Elementwise("reciprocal", "reciprocal", 0, value))


def relu_prime(value: Any, argument: Any) -> Any:
    """relu' is the step function, which has no other name than relu'."""
    return Elementwise(value.args[0], value.args[1], 1, argument)


def leaky_relu_prime(value: Any, argument: Any) -> Any:
    """leaky relu' = a + (1 - a) relu' with a = 1/100: a for z < 0, 1 for z > 0."""
    step = Elementwise("\\operatorname{relu}", "relu", 1, argument)
    return matadd(matmul(LEAK, ones(*argument.shape)), matmul(1 - LEAK, step))


def softplus_prime(value: Any, argument: Any) -> Any:
    """softplus' = σ."""
    return Elementwise("\\sigma", "sigmoid", 0, argument)


def gelu_prime(value: Any, argument: Any) -> Any:
    """gelu'(z) = Φ(z) + z ⊙ φ(z)."""
    return matadd(_normal_cdf(argument), hadamard(argument, _normal_density(argument)))


def normal_cdf_prime(value: Any, argument: Any) -> Any:
    """Φ' = φ."""
    return _normal_density(argument)


def normal_density_prime(value: Any, argument: Any) -> Any:
    """φ'(z) = -z ⊙ φ(z)."""
    return negate(hadamard(argument, value))


def _normal_cdf(argument: Any) -> Any:
    return Elementwise("\\Phi", "normal cdf", 0, argument)


def _normal_density(argument: Any) -> Any:
    return Elementwise("\\phi", "normal density", 0, argument)


FORMULAS: dict[str, Callable[[Any, Any], Any]] = {
    "identity": identity_prime,
    "tanh": tanh_prime,
    "sigmoid": sigmoid_prime,
    "relu": relu_prime,
    "leaky relu": leaky_relu_prime,
    "softplus": softplus_prime,
    "gelu": gelu_prime,
    "normal cdf": normal_cdf_prime,
    "normal density": normal_density_prime,
    "exp": exp_prime,
    "log": log_prime,
    "reciprocal": reciprocal_prime,
    "sqrt": sqrt_prime,
}

# The functions whose derivative a textbook writes out at once; f' of a tanh called f stays f'.
WRITTEN_OUT = frozenset({"identity", "exp", "log", "reciprocal", "sqrt"})


def derivative_rule(kind: str) -> Callable[[Any, Any], Any]:
    """The rule for the derivative of a known function; raises RuleError for an opaque or unknown one."""
    if kind not in FORMULAS:
        known = ", ".join(KINDS)
        what = "an opaque function has no formula for its derivative" if kind == OPAQUE else f"{kind} is not known"
        raise RuleError(f"{what}; known are {known}")
    return FORMULAS[kind]


def written_out(node: Any) -> Any:
    """f' is written out where f is known: id' = 1, exp' = exp, log' = 1/z, (1/z)' = -1/z², sqrt' = 1/(2 sqrt)."""
    if not isinstance(node, Elementwise) or node.order != 1 or node.kind not in WRITTEN_OUT:
        return None
    value = Elementwise(node.args[0], node.args[1], 0, node.argument)
    return derivative_rule(node.kind)(value, node.argument)
