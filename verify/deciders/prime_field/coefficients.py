"""Numbers beside formulas: rational functions of the sizes (2, 1/n) and integer expressions in step letters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import log2
from typing import Any

import sympy as sp

from verify.deciders.prime_field.problems import LimitReached, Undefined, Unsupported

Numbers = Mapping[str, int]
Arithmetic = Callable[[Numbers], Any]


@lru_cache(maxsize=4096)
def arithmetic(expr: Any) -> Arithmetic:
    """An expression in letters as a function of their values; + · and integer powers only."""
    if expr.is_Integer:
        constant = int(expr)
        return lambda values: constant
    if expr.is_Rational:
        fraction = Fraction(int(expr.p), int(expr.q))
        return lambda values: fraction
    if expr.is_Symbol:
        return _letter(str(expr.name))
    parts = [arithmetic(arg) for arg in expr.args]
    if expr.is_Add:
        return lambda values: sum(part(values) for part in parts)
    if expr.is_Mul:
        return lambda values: _product([part(values) for part in parts])
    if expr.is_Pow and expr.exp.is_Integer:
        return _power(expr, parts[0], int(expr.exp))
    raise Unsupported(f"the number {expr} is no rational expression in letters")


def _letter(name: str) -> Arithmetic:
    def value(values: Numbers) -> int:
        try:
            return values[name]
        except KeyError:
            raise Unsupported(f"nothing says what number {name} is") from None

    return value


def _power(expr: Any, base: Arithmetic, exponent: int) -> Arithmetic:
    def value(values: Numbers) -> Fraction:
        at = Fraction(base(values))
        if not at and exponent < 0:
            raise Undefined(f"{expr} has no value at the chosen sizes")
        return at**exponent

    return value


def _product(values: list[Any]) -> Any:
    found = values[0]
    for value in values[1:]:
        found = found * value
    return found


@dataclass(frozen=True)
class Coefficient:
    """A rational function of the sizes with what the bounds need of it.

    `up` is the degree of the numerator in each size, `down` the power of each size in the denominator, `below` the
    degree of what else stands there; `height` and `depth` are log2 of the sums of their absolute coefficients.
    """

    at: Arithmetic
    up: Mapping[str, int]
    down: Mapping[str, int]
    height: float
    depth: float
    below: Mapping[str, int] = field(default_factory=dict)

    def value(self, sizes: Numbers) -> Fraction:
        """The number at given sizes."""
        return Fraction(self.at(sizes))


def plain(value: Fraction | int) -> Coefficient:
    """A rational number."""
    fraction = Fraction(value)
    return Coefficient(
        lambda sizes: fraction, {}, {}, log2(max(abs(fraction.numerator), 1)), log2(fraction.denominator)
    )


MINUS = plain(-1)


@lru_cache(maxsize=4096)
def coefficient(expr: Any, bits: int) -> Coefficient:
    """The coefficient that an expression in the sizes is. Raises `LimitReached`, `Unsupported`."""
    if not expr.is_rational_function():
        raise Unsupported(f"the coefficient {expr} is no rational function of the sizes")
    if _digits(expr) > bits:
        raise LimitReached(f"a literal of {_digits(expr)} bits; the limit is {bits}")
    if expr.is_Rational:
        return plain(Fraction(int(expr.p), int(expr.q)))
    at = arithmetic(expr)
    up, down = (sp.Poly(part, *sorted(expr.free_symbols, key=str)) for part in sp.fraction(sp.together(expr)))
    powers = {str(gen.name): min(place) for gen, place in zip(down.gens, zip(*down.monoms(), strict=True), strict=True)}
    below = {name: degree - powers[name] for name, degree in _degrees(down).items() if degree > powers[name]}
    return Coefficient(at, _degrees(up), {k: v for k, v in powers.items() if v}, _height(up), _height(down), below)


def at_steps(expr: Any, bits: int) -> Callable[[Numbers], Coefficient]:
    """A coefficient that may hold step letters, once these have values."""
    names = {str(symbol.name): symbol for symbol in expr.free_symbols}

    def found(env: Numbers) -> Coefficient:
        steps = {symbol: sp.Integer(env[name]) for name, symbol in names.items() if name in env}
        return coefficient(expr.xreplace(steps) if steps else expr, bits)

    return found


def _digits(expr: Any) -> int:
    """Bits of the longest literal, powers of literals counted out."""
    if expr.is_Pow and expr.exp.is_Integer:
        return _digits(expr.base) * abs(int(expr.exp))
    if expr.is_Rational:
        return int(max(abs(int(expr.p)), int(expr.q)).bit_length())
    return max((_digits(arg) for arg in expr.args), default=0)


def _degrees(poly: Any) -> dict[str, int]:
    return {str(gen.name): int(degree) for gen, degree in zip(poly.gens, poly.degree_list(), strict=True) if degree > 0}


def _height(poly: Any) -> float:
    total = sum(abs(Fraction(int(c.p), int(c.q))) for c in poly.coeffs())
    return log2(max(total, 1))
