"""Draws, constants and functions as exact SymPy numbers: for the component-wise witness at tiny sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import islice
from typing import Any

import numpy as np
import sympy as sp
from sympy.polys.rings import PolyElement, ring

from derive.language.functions import OPAQUE
from verify.instances import Array, Key, uniform
from verify.oracles.arithmetic import Function
from verify.oracles.draws import Draws
from verify.oracles.functions import HIGHEST
from verify.oracles.limits import DIGITS, NODES, Unsupported, check_size

PRECISION = 50  # decimal digits, where tanh, exp … of a number cannot stay rational
SCALARS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "tanh": lambda z: 1 - 2 / (sp.exp(2 * z) + 1),  # SymPy's own asks for the sign of every part of z
    "sigmoid": lambda z: 1 / (1 + sp.exp(-z)),
    "relu": lambda z: sp.Piecewise((z, z > 0), (0, True)),
    "leaky relu": lambda z: sp.Piecewise((z, z > 0), (z / 100, True)),
    "softplus": lambda z: sp.log(1 + sp.exp(z)),
    "gelu": lambda z: z * (1 + sp.erf(z / sp.sqrt(2))) / 2,
    "normal cdf": lambda z: (1 + sp.erf(z / sp.sqrt(2))) / 2,
    "normal density": lambda z: sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi),
    "exp": sp.exp,
    "log": sp.log,
    "reciprocal": lambda z: 1 / z,
    "sqrt": sp.sqrt,
}
POLYNOMIAL = (OPAQUE, "identity")  # kinds that are polynomials of what they act on
Z = sp.Symbol("z")  # without assumptions: SymPy spends its time on deciding signs otherwise


RING, VARIABLE = ring("v", sp.QQ)  # polynomials in the one entry that varies


class NotPolynomial(Exception):  # a signal between two functions here and in `components`
    """A function of a polynomial in v that is none."""


class Smooth(sp.Function):
    """f⁽ᵏ⁾ of a formula in v, Smooth(f, k, formula), closed: what SymPy's chain rule differentiates is one node.

    Written out, 1/(1 + exp(-z)) costs SymPy a search for the sign and kind of every part of z each time it is
    multiplied; f⁽ᵏ⁾ itself is SymPy's scalar `diff` of the formula of f, at a number.
    """

    is_commutative = True  # it is a number; SymPy would ask its parts

    def fdiff(self, argindex: int = 3) -> Any:
        """f⁽ᵏ⁺¹⁾: the name and the order do not vary."""
        kind, order, inner = self.args
        return Smooth(kind, order + 1, inner)


def smooth_at(kind: Any, order: Any, number: Any) -> Any:
    """f⁽ᵏ⁾ at a number."""
    return numeric(known_slope(str(kind), int(order)).xreplace({Z: number}))


@lru_cache(maxsize=128)
def known_slope(kind: str, order: int) -> sp.Expr:
    """The k-th derivative of a known function as a formula in z, by SymPy."""
    return SCALARS[kind](Z).diff(Z, order)


@dataclass(frozen=True)
class ExactDraws:
    """Small rationals: what the floats would be, rounded to 64ths, as object arrays.

    Coarser ones meet too often: of eighths, one 2×2 matrix in sixteen is symmetric and hides a transpose.
    """

    draws: Draws

    def tensor(self, key: Key, rows: int, cols: int) -> Array:
        """A tensor of rationals that satisfies the same assumptions."""
        name, indices = key
        drawn = uniform(self.draws.batch.seeds[:1], f"{name}[{','.join(map(str, indices))}]", rows, cols)
        entries = rationals(np.where(np.rint(64 * drawn) == 0, 37, np.rint(64 * drawn)), 64)
        return self.draws.constrained(key, entries)[:, None, None]

    def function(self, name: str, kind: str) -> Function:
        """A known function, or for an opaque one a quadratic with rational coefficients."""
        if kind not in POLYNOMIAL:
            return KnownFunction(kind)
        if kind != OPAQUE:
            return ScalarFunction(SCALARS[kind](Z), HIGHEST)
        drawn = np.rint(4 * uniform(self.draws.batch.seeds[:1], f"coefficients of {name}", 1, 3))[0, 0]
        c = [sp.Rational(int(value) or 3, 8) for value in drawn]
        return ScalarFunction(c[0] + (1 + c[1]) * Z + c[2] * Z**2, highest=1)


@dataclass(frozen=True)
class ScalarFunction:
    """f given by its formula in z; derivatives by SymPy's scalar `diff`, up to the `highest` that shows anything."""

    formula: sp.Expr
    highest: int

    def value(self, order: int, z: Array) -> Array:
        """f⁽ᵏ⁾ of every entry."""
        if order > self.highest:
            raise Unsupported(f"the derivative of order {order} of an opaque function, exactly: it is constant")
        if order and self.highest == 1 and any(map(varies, z.flat)):
            raise Unsupported("a second derivative of an opaque function, exactly: it is constant")
        formula = self.formula.diff(Z, order) if order else self.formula
        polynomial = sp.Poly(formula, Z).all_coeffs() if formula.is_polynomial(Z) else None
        return np.frompyfunc(lambda entry: _at(formula, polynomial, entry), 1, 1)(z)

    def size(self, order: int, z: Array) -> Array:
        """Exact numbers need no bound."""
        return np.abs(self.value(order, z))


@dataclass(frozen=True)
class KnownFunction:
    """tanh, exp and their kin by name."""

    kind: str

    def value(self, order: int, z: Array) -> Array:
        """f⁽ᵏ⁾ of every entry."""
        if order > HIGHEST:
            raise Unsupported(f"the derivative of order {order} of {self.kind}")
        return np.frompyfunc(lambda entry: self._at(order, entry), 1, 1)(z)

    def size(self, order: int, z: Array) -> Array:
        """Exact numbers need no bound."""
        return np.abs(self.value(order, z))

    def _at(self, order: int, entry: Any) -> Any:
        if isinstance(entry, PolyElement):
            raise NotPolynomial
        entry = checked(sp.sympify(entry, strict=True))
        return Smooth(sp.Symbol(self.kind), order, entry) if entry.free_symbols else smooth_at(self.kind, order, entry)


def varies(entry: Any) -> bool:
    """Whether an entry depends on the one that varies."""
    return isinstance(entry, PolyElement) or bool(sp.sympify(entry, strict=True).free_symbols)


def _at(formula: sp.Expr, polynomial: list[Any] | None, entry: Any) -> Any:
    """f at a number or formula, or at a polynomial in v by Horner's rule."""
    if isinstance(entry, PolyElement):
        if polynomial is None:
            raise NotPolynomial
        check_size("bits", sum(bits(c) for c in entry.values()) * (len(polynomial) - 1), DIGITS)
        return reduce(lambda found, c: found * entry + RING(c), polynomial, RING.zero)
    return numeric(formula.xreplace({Z: checked(sp.sympify(entry, strict=True))}))


def checked(entry: Any) -> Any:
    """A number or formula that is not too large."""
    if entry.is_Rational:
        check_size("bits", bits(entry), DIGITS)
    elif not entry.is_number:
        check_size("nodes", sum(1 for _ in islice(sp.preorder_traversal(entry), NODES + 1)), NODES)
    return entry


def bits(number: Any) -> int:
    """The length of a fraction's numerator and denominator."""
    return int(number.numerator).bit_length() + int(number.denominator).bit_length()


def numeric(entry: Any) -> Any:
    """A number that is not rational as a float of many digits; what holds symbols stays."""
    if entry.is_Rational or entry.free_symbols:
        return entry
    return entry.evalf(PRECISION)


def rationals(numerators: Array, denominator: int) -> Array:
    """Whole numbers over a denominator as an object array."""
    return np.frompyfunc(lambda value: sp.Rational(int(value), denominator), 1, 1)(numerators)
