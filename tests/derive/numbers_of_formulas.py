"""A tiny evaluator of its own: formulas and derivatives in complex numbers, derivatives by the complex step.

It shares no rule with `derive`: a derivative is the imaginary part of the formula at x + ih, the model run anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.language import nodes
from derive.language.convolution import Convolution, Flip
from derive.language.derivatives import BlockJacobian, FamilyDerivative, Gradient, Jacobian
from derive.language.laws import law_of
from derive.language.substitute import substitute

H = 1e-30


def _opaque(name):
    """A smooth function for each name, as its k-th derivative: sin(a z + b)-like, all different."""
    a = 0.7 + 0.1 * (sum(map(ord, name)) % 7)

    def value(order, z):
        phase = 0.3 + order * np.pi / 2
        return a**order * np.sin(a * z + phase)

    return value


def _relu(order, z):
    return np.where(z.real > 0, z if order == 0 else 1.0 if order == 1 else 0.0, 0.0)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _density(z):
    return np.exp(-z * z / 2) / np.sqrt(2 * np.pi)


def _cdf(z):
    """Φ(z) = 1/2 + ∫ φ from 0 to z, by Gauss's rule."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    half = np.asarray(z)[..., None] / 2
    return 0.5 + (half * weights * _density(half * (1 + nodes))).sum(-1)


def _slid(kind, x, w):
    """Every product of two entries at the place where it belongs: full convolution, cut and flipped as need be."""
    w = np.rot90(w, 2) if kind.startswith("correlate") else w
    (n, m), (k, l) = x.shape, w.shape  # noqa: E741
    found = np.zeros((n + k - 1, m + l - 1), dtype=complex)
    for (i, j), entry in np.ndenumerate(x):
        found[i : i + k, j : j + l] += entry * w
    return found if kind.endswith("full") else found[k - 1 : n, l - 1 : m]


KNOWN = {
    "identity": lambda order, z: z if order == 0 else np.ones_like(z) * (order == 1),
    "tanh": lambda order, z: (np.tanh(z), 1 / np.cosh(z) ** 2, -2 * np.tanh(z) / np.cosh(z) ** 2)[order],
    "sigmoid": lambda order, z: (
        _sigmoid(z),
        np.exp(-z) * _sigmoid(z) ** 2,
        np.exp(-z) * (np.exp(-z) - 1) * _sigmoid(z) ** 3,
    )[order],
    "relu": _relu,
    "leaky relu": lambda order, z: np.where(z.real > 0, 1, 0.01) * (z if order == 0 else np.ones_like(z)),
    "softplus": lambda order, z: np.log(1 + np.exp(z)) if order == 0 else _sigmoid(z),
    "normal density": lambda order, z: _density(z) if order == 0 else -z * _density(z),
    "normal cdf": lambda order, z: _cdf(z) if order == 0 else _density(z),
    "gelu": lambda order, z: z * _cdf(z) if order == 0 else _cdf(z) + z * _density(z),
    "exp": lambda order, z: np.exp(z),
    "log": lambda order, z: np.log(z) if order == 0 else 1 / z,
    "reciprocal": lambda order, z: 1 / z if order == 0 else -1 / z**2,
    "sqrt": lambda order, z: np.sqrt(z) if order == 0 else 0.5 / np.sqrt(z),
}


@dataclass
class World:
    """One instance: sizes, step letters, random tensors; `moved` replaces leaves, `held` is an immediate's step."""

    model: object
    times: dict
    sizes: dict
    seed: int = 0
    sum_one: frozenset = frozenset()
    moved: dict = field(default_factory=dict)
    held: int | None = None
    base: object = None
    known: dict = field(default_factory=dict)

    def value(self, expr):
        """The array of a formula, two axes always."""
        return np.asarray(self._value(substitute(expr, self.times)), dtype=complex)

    def _size(self, size):
        size = sp.sympify(size)
        unknown = {letter: 2 + sum(map(ord, letter.name)) % 3 for letter in size.free_symbols - set(self.sizes)}
        return int(size.xreplace({**self.sizes, **unknown}))

    def _number(self, expr):
        return complex(sp.sympify(expr).xreplace({**self.sizes, **self.times}))

    def _value(self, expr):
        match expr:
            case sp.MatrixSymbol() | nodes.Member():
                return self._leaf(expr)
            case sp.Identity():
                return np.eye(self._size(expr.shape[0]))
            case sp.ZeroMatrix():
                return np.zeros([self._size(s) for s in expr.shape])
            case sp.OneMatrix():
                return np.ones([self._size(s) for s in expr.shape])
            case sp.MatAdd():
                return sum(self._value(a) for a in expr.args)
            case sp.MatMul():
                return self._product(expr)
            case sp.Transpose():
                return self._value(expr.args[0]).T
            case HadamardProduct():
                return np.prod([self._value(a) for a in expr.args], axis=0)
            case HadamardPower():
                return self._value(expr.args[0]) ** int(expr.args[1])
            case nodes.Elementwise() if law_of(expr) is not None:
                return self._own(expr)
            case nodes.Elementwise():
                table = _opaque(expr.name) if expr.kind == "opaque" else KNOWN[expr.kind]
                return table(expr.order, self._value(expr.argument))
            case nodes.Application():
                return self._applied(expr)
            case nodes.Softmax():
                powers = np.exp(self._value(expr.argument))
                return powers / powers.sum()
            case nodes.Diag():
                return np.diag(self._value(expr.vector).ravel())
            case nodes.Vec():
                return self._value(expr.matrix).reshape(-1, 1, order="F" if expr.order == "column" else "C")
            case nodes.Commutation():
                return self._commutation(*(self._size(s) for s in expr.args))
            case nodes.Kronecker():
                return np.kron(*(self._value(a) for a in expr.args))
            case Convolution():
                return _slid(expr.kind, self._value(expr.source), self._value(expr.kernel))
            case Flip():
                return np.rot90(self._value(expr.matrix), 2)
            case nodes.Scale():
                return self._value(expr.scalar)[0, 0] * self._value(expr.matrix)
            case nodes.Tr():
                return np.trace(self._value(expr.args[0])).reshape(1, 1)
            case nodes.TimeSum():
                zero = np.zeros([self._size(s) for s in expr.shape])
                return sum((self._value(body) for body in self._bodies(expr)), zero)
            case nodes.TimeProduct():
                found = np.eye(self._size(expr.shape[0]))
                for body in self._bodies(expr):
                    one = self._value(body)
                    found = one @ found if expr.direction == "descending" else found @ one
                return found
            case Jacobian():
                return self._jacobian(expr)
            case Gradient():
                return self._changes(expr)[:, 0].reshape([self._size(s) for s in expr.shape], order="F")
            case BlockJacobian():
                return self._blocks(expr)
        raise TypeError(f"the test evaluator has no {type(expr).__name__}")

    def _own(self, expr):
        """A function of the user's own by its value; f' by the complex step through it."""
        law, argument = law_of(expr), np.asarray(self._value(expr.argument), dtype=complex)
        leaf = sp.MatrixSymbol("argument of f", *expr.shape)
        moved = replace(self, moved={**self.moved, leaf: argument + 1j * H * expr.order})
        found = moved._value(law.at(law.value, leaf))
        return found.imag / H if expr.order else found

    def _applied(self, expr):
        """An unknown function of several arguments: entry o is sin(o + Σ w a) + (Σ w' a)² / 5 over all entries a."""
        given = [self.moved.get(("slot", expr, k)) for k in range(1, len(expr.arguments) + 1)]
        parts = [self._value(a) if g is None else g for a, g in zip(expr.arguments, given, strict=True)]
        entries = np.concatenate([np.asarray(part).ravel(order="C") for part in parts])
        rows, cols = (self._size(size) for size in expr.shape)
        own = sum(map(ord, expr.name)) + np.arange(rows * cols)[:, None]
        weights = np.sin(own * (1 + np.arange(len(entries))) + 0.3)
        bent = 0.2 * ((np.cos(own + np.arange(len(entries))) @ entries) ** 2)
        return (np.sin(own[:, 0] + weights @ entries) + bent).reshape(rows, cols)

    def _product(self, expr):
        found = 1
        for factor in expr.args:
            if getattr(factor, "is_Matrix", False):
                value = self._value(factor)
                found = found @ value if isinstance(found, np.ndarray) else found * value
            else:
                found = found * self._number(factor)
        return found

    def _bodies(self, expr):
        return [substitute(expr.body, {expr.index: sp.Integer(i)}) for i in range(int(expr.lo), int(expr.hi) + 1)]

    def _commutation(self, n, m):
        found = np.zeros((n * m, n * m))
        for i in range(n):
            for j in range(m):
                found[i * m + j, j * n + i] = 1
        return found

    # --- leaves ------------------------------------------------------------------------------------------------

    def _leaf(self, leaf):
        if leaf in self.moved:
            return self.moved[leaf]
        if self.held is not None and isinstance(leaf, nodes.Member) and leaf.indices and int(leaf.time) != self.held:
            return self.base._leaf(leaf)
        if leaf not in self.known:
            self.known[leaf] = self._computed(leaf)
        return self.known[leaf]

    def _computed(self, leaf):
        loss = self.model.loss_by_name.get(str(leaf.name))
        if loss is not None:
            return self._loss(loss)
        equation = self.model.equation_of(leaf)
        if equation is None or (isinstance(leaf, nodes.Member) and leaf.indices and self._is_outside(leaf)):
            return self._drawn(leaf)
        at = {equation.index: leaf.time} if equation.index is not None else {}
        right = substitute(equation.right, at)
        return np.asarray(self._value(substitute(right, self.times)), dtype=complex)

    def _is_outside(self, leaf):
        """Before the first step and behind the last a state is an input."""
        first, last = (int(sp.sympify(bound).xreplace(self.times)) for bound in self.model.produced(leaf.name))
        return not first <= int(leaf.time) <= last

    def _drawn(self, leaf):
        rng = np.random.default_rng(
            [self.seed, *map(ord, str(leaf.name)), *(int(i) + 5 for i in getattr(leaf, "indices", ()))]
        )
        found = rng.uniform(0.2, 1.0, [self._size(s) for s in leaf.shape]) * rng.choice([1, 1, -1])
        return (found / found.sum() if leaf.name in self.sum_one else found).astype(complex)

    def _loss(self, loss):
        """An unknown function of its members, other at every step: Σ sin(c · m) + (Σ m)² / 5."""
        total = 0
        last = int(sp.sympify(self.model.time.last).xreplace(self.times))
        for family, place in loss.parts:
            for step in range(1, last + 1) if place == "each" else [last]:
                value = self._leaf(self.model.by_name[family].left.at(sp.Integer(step))).ravel()
                weights = 0.4 + 0.3 * step + 0.2 * np.arange(len(value))
                total = total + np.sin(weights * value).sum() + 0.2 * value.sum() ** 2
        return np.array([[total]])

    # --- derivatives -------------------------------------------------------------------------------------------

    def _moved(self, leaf, entry, mode, what):
        if isinstance(leaf, nodes.Slot):
            start, leaf = self._value(what.arguments[leaf.number - 1]), ("slot", what, leaf.number)
        else:
            start = self._leaf(leaf)
        value = np.asarray(start, dtype=complex).copy()
        value[entry] += 1j * H
        held = self.held
        moved = {**self.moved, leaf: value}
        if mode == "immediate" and isinstance(leaf, nodes.Member) and leaf.indices:
            return replace(self, moved={**self._frozen(what), **moved}, known={})
        if mode == "immediate":
            core = what.matrix if isinstance(what, nodes.Vec) else what
            held = int(core.time) if isinstance(core, nodes.Member) else None
        return replace(self, moved=moved, held=held, base=self, known={})

    def _frozen(self, what):
        """All members of the loss as they are: an immediate derivative of a loss follows its own argument only."""
        loss = self.model.loss_by_name[str(what.name)]
        last = int(sp.sympify(self.model.time.last).xreplace(self.times))
        families = [self.model.by_name[family].left for family, _ in loss.parts]
        found = [member.at(sp.Integer(step)) for member in families for step in range(1, last + 1)]
        return {member: self._leaf(member) for member in found}

    def _changes(self, expr):
        """One row an entry of the variable (column order), the change of what is differentiated along it."""
        leaf = expr.by.matrix if isinstance(expr.by, nodes.Vec) else expr.by
        rows, cols = (self._size(s) for s in leaf.shape)
        order = expr.by.order if isinstance(expr.by, nodes.Vec) else "column"
        places = [(i, j) for j in range(cols) for i in range(rows)]
        places = sorted(places) if order == "row" else places
        what = expr.what.matrix if isinstance(expr.what, nodes.Vec) else expr.what
        flat = "C" if isinstance(expr.what, nodes.Vec) and expr.what.order == "row" else "F"
        found = [self._moved(leaf, place, expr.mode, what)._value(what) for place in places]
        return np.array([np.asarray(value, dtype=complex).imag.ravel(order=flat) / H for value in found])

    def _jacobian(self, expr):
        return self._changes(expr).T

    def _blocks(self, expr):
        n, m = (self._size(s) for s in expr.by.shape)
        changed = [
            [self._moved(expr.by, (i, j), expr.mode, expr.what)._value(expr.what).imag / H for j in range(m)]
            for i in range(n)
        ]
        return np.block(changed)


def family_members(world, expr, leaf):
    """A family formula, one member an entry of the variable: its derivative nodes by Y's change along that entry."""
    rows, cols = (world._size(s) for s in leaf.shape)
    for entry in [(i, j) for i in range(rows) for j in range(cols)]:
        yield entry, _Along(world, leaf, entry).value(expr)


class _Along:
    def __init__(self, world, leaf, entry):
        self.world, self.leaf, self.entry = world, leaf, entry

    def value(self, expr):
        world = replace(self.world, known={})
        plain = world._value
        along = self

        def value(node):
            if isinstance(node, FamilyDerivative):
                moved = world._moved(along.leaf, along.entry, node.mode, node.what)
                return np.asarray(World._value(moved, node.what), dtype=complex).imag / H
            return plain(node)

        world._value = value
        return np.asarray(value(substitute(expr, world.times)), dtype=complex)
