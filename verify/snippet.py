"""What an explaining program is made of, besides its formulas: exact numbers that carry derivatives, and matrices.

The text of the functions that a program uses is copied into it, so nothing here may need more than NumPy.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from itertools import product
from math import exp, factorial, log, prod, sqrt
from typing import Any

import numpy as np


class Jet:
    """a + b ε with ε² = 0: b is the derivative of a. Each derivative has an ε of its own, told apart by level."""

    def __init__(self, level: int, a: Any, b: Any) -> None:
        self.level, self.a, self.b = level, a, b

    def __add__(self, other: Any) -> Jet:
        level = max(self.level, getattr(other, "level", 0))
        (a, b), (c, d) = parts(self, level), parts(other, level)
        return Jet(level, a + c, b + d)

    def __mul__(self, other: Any) -> Jet:
        level = max(self.level, getattr(other, "level", 0))
        (a, b), (c, d) = parts(self, level), parts(other, level)
        return Jet(level, a * c, a * d + b * c)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Jet:
        return self * -1

    def __sub__(self, other: Any) -> Jet:
        return self + other * -1


def parts(z: Any, level: int) -> tuple[Any, Any]:
    """The value and the derivative of a number at one level."""
    return (z.a, z.b) if isinstance(z, Jet) and z.level == level else (z, 0)


def plain(z: Any) -> Any:
    """The value alone."""
    return plain(z.a) if isinstance(z, Jet) else z


def each(function: Any, a: Any) -> Any:
    """A function of every entry."""
    found = np.empty(a.shape, dtype=object)
    for place in np.ndindex(a.shape):
        found[place] = function(a[place])
    return found


class Values:
    """The value of every name. In a child, one entry of one name moves by ε, and what depends on it follows.

    `held` says which names stay what they are in the parent.
    """

    def __init__(self, inputs: Any, equations: Any, parent: Any = None, by: Any = None, entry: Any = None) -> None:
        self.inputs, self.equations = inputs, equations
        self.parent, self.by, self.entry = parent, by, entry
        self.level = 0 if parent is None else parent.level + 1
        self.held: Any = None
        self.known: dict[Any, Any] = {}

    def __call__(self, name: str, *steps: int) -> Any:
        key = (name, *steps)
        if key not in self.known:
            is_held = self.held is not None and self.held(key)
            self.known[key] = self.parent(*key) if is_held else self.moved(key)
        return self.known[key]

    def moved(self, key: Any) -> Any:
        """An input, or what its equation gives; plus the ε of every open derivative by it."""
        found = self.inputs[key] if key in self.inputs else self.equations[key[0]](self, *key[1:])
        scope = self
        while scope.parent is not None:
            if scope.by == key:
                found = found.copy()
                found[scope.entry] = found[scope.entry] + Jet(scope.level, 0, 1)
            scope = scope.parent
        return found


def derivative(v: Any, what: Any, by: Any, shape: Any, held: Any = None) -> Any:
    """∂ what / ∂ by as a table [row of by, column of by, row, column]."""
    rows = []
    for entry in product(range(shape[0]), range(shape[1])):
        child = Values(v.inputs, v.equations, v, by, entry)
        child.held = held
        value = what(child)
        rows.append(each(lambda z, level=child.level: parts(z, level)[1], value))
    found = np.empty((len(rows), *rows[0].shape), dtype=object)
    for place, row in enumerate(rows):
        found[place] = row
    return found.reshape(*shape, *rows[0].shape)


def jacobian(table: Any, order: str) -> Any:
    """Row a, column b: ∂y_a/∂x_b; the entries of a matrix in the order of vec."""
    table = table.swapaxes(0, 1) if order == "column" else table
    return table.reshape(table.shape[0] * table.shape[1], -1).T


def gradient(table: Any) -> Any:
    """The derivatives of a number, in the shape of what it is differentiated by."""
    return table[..., 0, 0]


def block(table: Any) -> Any:
    """The block matrix whose block (i, j) is ∂Y/∂x_ij."""
    i, j, a, b = table.shape
    return table.transpose(0, 2, 1, 3).reshape(i * a, j * b)


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
    total = 0
    for entries, slope in slopes.items():
        names = entries.split()
        count = prod(factorial(names.count(name)) for name in set(names))
        total = total + slope * prod((moves[name] for name in names), start=Fraction(1, count))
    found = np.empty((1, 1), dtype=object)
    found[0, 0] = total
    return found


def exact(rows: Any) -> Any:
    """A matrix of exact numbers."""
    return each(lambda z: z if isinstance(z, float) else Fraction(z), np.array(rows, dtype=object))


def eye(n: int) -> Any:
    """I."""
    return np.eye(n, dtype=int).astype(object)


def zeros(rows: int, cols: int) -> Any:
    """0."""
    return np.zeros((rows, cols), dtype=int).astype(object)


def ones(rows: int, cols: int) -> Any:
    """1 everywhere."""
    return np.ones((rows, cols), dtype=int).astype(object)


def turned(a: Any) -> Any:
    """Aᵀ."""
    return a.swapaxes(-1, -2)


def diag(a: Any) -> Any:
    """diag(v)."""
    column = a.reshape(*a.shape[:-2], -1, 1)
    return column * eye(column.shape[-2])


def vec(a: Any, order: str) -> Any:
    """vec A: the columns below one another, or the rows."""
    a = turned(a) if order == "column" else a
    return a.reshape(*a.shape[:-2], -1, 1)


def kron(a: Any, b: Any) -> Any:
    """A ⊗ B."""
    found = a[..., :, None, :, None] * b[..., None, :, None, :]
    return found.reshape(*found.shape[:-4], found.shape[-4] * found.shape[-3], -1)


def commutation(n: int, m: int) -> Any:
    """K with vec(Aᵀ) = K vec(A) for every n×m matrix A."""
    found = zeros(n * m, n * m)
    for i, j in product(range(n), range(m)):
        found[i * m + j, j * n + i] = 1
    return found


def trace(a: Any) -> Any:
    """tr A as a 1×1 matrix."""
    found = (a * eye(a.shape[-1])).sum(axis=(-2, -1))
    return np.asarray(found, dtype=object)[..., None, None]


def entry(a: Any, i: int, j: int) -> Any:
    """A_ij as a 1×1 matrix; indices count from 1."""
    return a[..., i - 1 : i, j - 1 : j]


def power(a: Any, exponent: int) -> Any:
    """A to a power; the power 0 is I."""
    found = eye(a.shape[-1])
    for _ in range(exponent):
        found = found @ a
    return found


def entry_power(a: Any, exponent: int) -> Any:
    """Every entry to a power."""
    base = a if exponent >= 0 else known(reciprocal_slopes, 0, a)
    found = ones(*a.shape[-2:])
    for _ in range(abs(exponent)):
        found = found * base
    return found


def chain(factors: Any, n: int) -> Any:
    """A product of matrices; the empty one is I."""
    found = eye(n)
    for factor in factors:
        found = found @ factor
    return found


def compare(left: Any, right: Any) -> None:
    """Print both sides and where they differ."""
    left, right = (a[0, 0] if a.ndim == 4 and a.shape[:2] == (1, 1) else a for a in (left, right))
    for name, side in (("left ", left), ("right", right)):
        sys.stdout.write(f"{name} = {written(each(plain, side).tolist())}\n")
    places = [place for place in np.ndindex(left.shape) if apart(plain(left[place]), plain(right[place]))]
    text = ", ".join(str(tuple(i + 1 for i in place)) for place in places)
    sys.stdout.write(f"they differ at {text}\n" if places else "they are equal\n")


def apart(a: Any, b: Any) -> bool:
    """Whether two numbers differ, floats by more than rounding."""
    is_rounded = isinstance(a, float) or isinstance(b, float)
    return bool(abs(a - b) > (1e-9 * max(1, abs(a), abs(b)) if is_rounded else 0))


def written(value: Any) -> str:
    """Lists of exact numbers as text."""
    if isinstance(value, list):
        return "[" + ", ".join(written(item) for item in value) + "]"
    return f"{value:.12g}" if isinstance(value, float) else str(value)
