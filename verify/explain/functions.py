"""Functions of numbers that carry derivatives: known ones, and unknown ones by what a counterexample says of them.

The text of what a program uses is copied into it, so nothing here may need more than NumPy.
"""

from __future__ import annotations

from fractions import Fraction
from math import erfc, exp, factorial, log, pi, prod, sqrt
from typing import Any

import numpy as np

from verify.explain.numbers import Jet, each, plain


def table_of(jets: Any, order: int, z: Any) -> Any:
    """f⁽ᵏ⁾ of an unknown f, by a table of its values and slopes at the points that occur: some polynomial has them."""

    def value(k: int, y: Any) -> Any:
        if isinstance(y, Jet):
            return Jet(y.level, value(k, y.a), value(k + 1, y.a) * y.b)
        return jets[k].get(y, 0) if k < len(jets) else 0

    return each(lambda y: value(order, y), z)


def polynomial(taylor: Any, order: int, z: Any) -> Any:
    """f⁽ᵏ⁾ of the polynomial f = Σ c_j z^j / j!."""

    def value(k: int, y: Any) -> Any:
        total: Any = 0
        for j in range(len(taylor) - 1, k - 1, -1):
            total = total * y + taylor[j] / factorial(j - k)
        return total

    return each(lambda y: value(order, y), z)


def known(slopes: Any, order: int, z: Any) -> Any:
    """f⁽ᵏ⁾ of a known function by a rule for its derivatives: slopes(k, y)."""

    def value(k: int, y: Any) -> Any:
        if isinstance(y, Jet):
            return Jet(y.level, value(k, y.a), value(k + 1, y.a) * y.b)
        return slopes(k, y)

    return each(lambda y: value(order, y), z)


def identity_slopes(k: int, y: Any) -> Any:
    """id, 1, 0 …."""
    return y if k == 0 else int(k == 1)


def exp_slopes(k: int, y: Any) -> Any:
    """exp' = exp."""
    return exp(y)


def reciprocal_slopes(k: int, y: Any) -> Any:
    """(1/z)⁽ᵏ⁾ = (-1)ᵏ k! / zᵏ⁺¹."""
    return Fraction((-1) ** k * factorial(k)) / y ** (k + 1)


def log_slopes(k: int, y: Any) -> Any:
    """log' = 1/z."""
    return reciprocal_slopes(k - 1, y) if k else log(y)


def sqrt_slopes(k: int, y: Any) -> Any:
    """sqrt⁽ᵏ⁾ = ½ (½ - 1) … z^(½ - k)."""
    return prod(0.5 - j for j in range(k)) * sqrt(y) / y**k


def relu_slopes(k: int, y: Any) -> Any:
    """relu' = 1 for z > 0 and 0 for z < 0."""
    return int(y > 0) * (y if k == 0 else int(k == 1))


def leaky_relu_slopes(k: int, y: Any) -> Any:
    """leaky relu' = 1 for z > 0 and 1/100 for z < 0."""
    return (1 if y > 0 else Fraction(1, 100)) * (y if k == 0 else int(k == 1))


def softplus_slopes(k: int, y: Any) -> Any:
    """softplus' = σ."""
    return sigmoid_slopes(k - 1, y) if k else log(1 + exp(y))


def normal_density_slopes(k: int, y: Any) -> Any:
    """φ⁽ᵏ⁺¹⁾ = -z φ⁽ᵏ⁾ - k φ⁽ᵏ⁻¹⁾."""
    if k == 0:
        return exp(-y * y / 2) / sqrt(2 * pi)
    last = (k - 1) * normal_density_slopes(k - 2, y) if k > 1 else 0
    return -y * normal_density_slopes(k - 1, y) - last


def normal_cdf_slopes(k: int, y: Any) -> Any:
    """Φ' = φ."""
    return normal_density_slopes(k - 1, y) if k else erfc(-y / sqrt(2)) / 2


def gelu_slopes(k: int, y: Any) -> Any:
    """gelu = z Φ, so gelu⁽ᵏ⁾ = z Φ⁽ᵏ⁾ + k Φ⁽ᵏ⁻¹⁾."""
    return y * normal_cdf_slopes(k, y) + (k * normal_cdf_slopes(k - 1, y) if k else 0)


def tanh_slopes(k: int, y: Any) -> Any:
    """tanh' = 1 - tanh²: a polynomial in tanh at every order."""
    return in_value([1, 0, -1], (exp(2 * y) - 1) / (exp(2 * y) + 1), k)


def sigmoid_slopes(k: int, y: Any) -> Any:
    """σ' = σ - σ²: a polynomial in σ at every order."""
    return in_value([0, 1, -1], 1 / (1 + exp(-y)), k)


def in_value(law: Any, value: float, k: int) -> Any:
    """The k-th derivative of a function whose first is a polynomial in its own value."""
    found = np.polynomial.Polynomial([0, 1])
    for _ in range(k):
        found = found.deriv() * np.polynomial.Polynomial(law)
    return float(found(value))


def softmax(z: Any) -> Any:
    """exp(z) / Σ exp(z)."""
    up = known(exp_slopes, 0, z)
    return up * known(reciprocal_slopes, 0, up.sum(axis=(-2, -1), keepdims=True))


def loss(v: Any, slopes: Any, arguments: Any) -> Any:
    """An unknown loss by its derivatives at this point: the Taylor polynomial that has them."""
    moves = {}
    for name, *steps in arguments:
        for (i, j), z in np.ndenumerate(v(name, *steps)):
            moves[f"{'@'.join([name, *map(str, steps)])}[{i + 1},{j + 1}]"] = z - plain(z)
    found = np.empty((1, 1), dtype=object)
    found[0, 0] = taylor(slopes, moves)
    return found


def taylor(slopes: Any, moves: Any) -> Any:
    """A function near a point, by its derivatives there (each by the entries that it is by) and the entries' moves."""
    total = 0
    for entries, slope in slopes.items():
        names = entries.split()
        count = prod(factorial(names.count(name)) for name in set(names))
        total = total + slope * prod((moves[name] for name in names), start=Fraction(1, count))
    return total


def application(table: Any, shape: Any, slots: Any, *arguments: Any) -> Any:
    """F(a, b, …) of an unknown F, by a table of its values and derivatives at the points that occur."""
    moves, point = {}, []
    for slot, a in zip(slots, arguments, strict=True):
        point.append(f"{slot} = ({', '.join(str(plain(z)) for z in a.flat)})")
        for (i, j), z in np.ndenumerate(a):
            moves[f"{slot}[{i + 1}]" if a.shape[1] == 1 else f"{slot}[{i + 1},{j + 1}]"] = z - plain(z)
    found = np.empty(shape, dtype=object)
    for place, entry in enumerate(np.ndindex(found.shape)):
        found[entry] = taylor(table.get(f"({', '.join(point)})[{place + 1}]", {}), moves)
    return found


def ridges(table: Any, shape: Any, *arguments: Any) -> Any:
    """F(a, b, …) = q₁(w₁ · z) + q₂(w₂ · z) for every entry, z all arguments over four times their number."""
    z = [entry for a in arguments for entry in a.flat]
    found = np.empty(shape, dtype=object)
    for place, entry in enumerate(np.ndindex(found.shape), start=1):
        total = 0
        for r in (1, 2):
            weights = [Fraction(table[f"w{r}[{place},{k}]"], 4 * len(z)) for k in range(1, len(z) + 1)]
            inner = sum(a * weight for a, weight in zip(z, weights, strict=True))
            q = [table[f"q{r}[{place},{j}]"] for j in range(1, 7)]
            total = polynomial(q, 0, np.array([[inner]], dtype=object))[0, 0] + total
        found[entry] = total
    return found
