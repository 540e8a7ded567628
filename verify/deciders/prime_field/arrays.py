"""Formulas as arrays over a field.

The axes of every array, outermost first: trial · ε_1 … ε_LEVELS (directions of the open derivatives) · back rows,
back columns (of a family of derivatives) · one axis for each component letter · rows · columns. Rows and columns
always have their full length, the others have length 1 where a value does not depend on them, and broadcasting
does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from verify.deciders.prime_field.coefficients import Coefficient, arithmetic
from verify.deciders.prime_field.convolution import Slide, contracted, flipped, largest, slid, slide_places, turned
from verify.deciders.prime_field.fields import Array, Field
from verify.deciders.prime_field.jets import Axis
from verify.deciders.prime_field.problems import LimitReached

LEVELS = 3
BACK = 1 + LEVELS
LETTERS = BACK + 2


def ndim(letters: int) -> int:
    """The number of axes of every array."""
    return LETTERS + letters + 2


class Arrays:
    """The algebra of arrays at chosen sizes. `letters` gives each component letter's axis."""

    def __init__(
        self,
        field: Field,
        sizes: Mapping[str, int],
        letters: Mapping[str, Axis],
        entries: int,
        observe: bool = False,
        by_exponentials: bool = False,
        slides_are_opaque: bool = False,
        numbers: Mapping[str, int] | None = None,
    ) -> None:
        self.field, self.sizes, self.by_exponentials = field, sizes, by_exponentials
        self.slides_are_opaque = slides_are_opaque
        self._letters = {letter: LETTERS + place for place, letter in enumerate(letters)}
        self._letter_axes = letters
        self._entries = entries
        self._ndim = ndim(len(letters))
        self._lead = (1,) * (self._ndim - 2)
        self._lengths: dict[Axis, int] = {(): 1}
        self._observe = observe
        self._numbers = sizes if numbers is None else numbers  # what a size is worth in a coefficient
        self.has_equal_atoms = False  # whether a function was asked for equal values along one of its axes

    def length(self, axis: Axis) -> int:
        """The number of entries along an axis."""
        found = self._lengths.get(axis)
        if found is None:
            found = self._lengths[axis] = prod(int(arithmetic(size)(self.sizes)) for size in axis)
        return found

    def _check(self, a: Array, b: Array) -> None:
        if a.size * b.size > self._entries:
            entries = prod(np.broadcast_shapes(a.shape[:-2], b.shape[:-2])) * a.shape[-2] * b.shape[-1]
            if entries > self._entries:
                raise LimitReached(f"an intermediate array of {entries} entries; the limit is {self._entries}")

    # --- constants and inputs ----------------------------------------------------------------------------------

    def _integers(self, matrix: Array) -> Array:
        return self.field.integers(matrix.reshape(*self._lead, *matrix.shape[-2:]))

    def zero(self, rows: Axis, cols: Axis) -> Array:
        """0."""
        return self._integers(np.zeros((self.length(rows), self.length(cols)), dtype=np.int64))

    def ones(self, rows: Axis, cols: Axis) -> Array:
        """The matrix of ones."""
        return self._integers(np.ones((self.length(rows), self.length(cols)), dtype=np.int64))

    def identity(self, axis: Axis) -> Array:
        """I."""
        return self._integers(np.eye(self.length(axis), dtype=np.int64))

    def commutation(self, n: Axis, m: Axis) -> Array:
        """K with K vec(A) = vec(Aᵀ), A n×m, vec by columns: entry (i·m + j, j·n + i) is 1."""
        rows, cols = self.length(n), self.length(m)
        places = np.arange(rows * cols).reshape(cols, rows).T.ravel()
        return self._integers(np.eye(rows * cols, dtype=np.int64)[places])

    def tensor(self, name: str, rows: Axis, cols: Axis, kind: str) -> Array:
        """A free input; symmetric, diagonal and zero ones are drawn so."""
        length = self.length(rows), self.length(cols)
        return self._drawn(name, *length, kind)

    def _drawn(self, name: str, rows: int, cols: int, kind: str) -> Array:
        if kind == "zero":
            return self._integers(np.zeros((rows, cols), dtype=np.int64))
        i, j = np.arange(rows)[:, None], np.arange(cols)[None, :]
        places = np.minimum(i, j) * max(rows, cols) + np.maximum(i, j) if kind == "symmetric" else i * cols + j
        found = self.field.draw(name, places.reshape(*self._lead, rows, cols))
        if kind == "diagonal":
            return self.field.multiply(found, self._integers(np.eye(rows, dtype=np.int64)))
        return found

    def seed(self, level: int, rows: Axis, cols: Axis) -> Array:
        """One direction for each entry (row by row), along the axis of the level."""
        r, c = self.length(rows), self.length(cols)
        if r * c * r * c > self._entries:
            raise LimitReached(f"{r * c} directions of a derivative; the limit is {self._entries} entries")
        shape = [1] * self._ndim
        shape[1 + level], shape[-2], shape[-1] = r * c, r, c
        return self.field.integers(np.eye(r * c, dtype=np.int64).reshape(shape))

    def tangent(self, name: str, level: int, by_rows: Axis, by_cols: Axis, rows: Axis, cols: Axis) -> Array:
        """An unknown derivative: free entries for each direction of the level."""
        shape = [1] * self._ndim
        shape[1 + level] = self.length(by_rows) * self.length(by_cols)
        shape[-2], shape[-1] = self.length(rows), self.length(cols)
        return self.field.draw(name, np.arange(prod(shape)).reshape(shape))

    # --- algebra -----------------------------------------------------------------------------------------------

    def add(self, a: Array, b: Array) -> Array:
        """a + b."""
        return self.field.add(a, b)

    def times(self, c: Coefficient, a: Array) -> Array:
        """A number times a."""
        value = c.value(self._numbers)
        return self.field.negate(a) if value == -1 else self.field.multiply(self.field.constant(value), a)

    def matmul(self, a: Array, b: Array, joined: Axis) -> Array:
        """A B."""
        self._check(a, b)
        return self.field.matmul(a, b)

    def hadamard(self, a: Array, b: Array, rows: Axis, cols: Axis) -> Array:
        """a b entry by entry."""
        self._check(a, b)
        return self.field.multiply(a, b)

    def scale(self, c: Array, a: Array) -> Array:
        """A 1×1 c times a."""
        self._check(c, a)
        return self.field.multiply(c, a)

    def transpose(self, a: Array) -> Array:
        """Aᵀ."""
        return a.swapaxes(-1, -2)

    def diag(self, a: Array) -> Array:
        """diag(v)."""
        size = a.shape[-2] * a.shape[-1]
        row = a.reshape(*a.shape[:-2], 1, size)
        return self.field.multiply(row, self._integers(np.eye(size, dtype=np.int64)))

    def vec(self, a: Array, order: str) -> Array:
        """The columns (or the rows) of A one below the other."""
        a = a.swapaxes(-1, -2) if order == "column" else a
        return a.reshape(*a.shape[:-2], -1, 1)

    def kron(self, a: Array, b: Array) -> Array:
        """A ⊗ B: entry ((i, k), (j, l)) is a_ij b_kl."""
        self._check(a.reshape(*a.shape[:-2], -1, 1), b.reshape(*b.shape[:-2], 1, -1))
        (i, j), (k, m) = a.shape[-2:], b.shape[-2:]
        left = np.broadcast_to(a[..., :, None, :, None], (*a.shape[:-2], i, k, j, m))
        right = np.broadcast_to(b[..., None, :, None, :], (*b.shape[:-2], i, k, j, m))
        flat = (i * k, j * m)
        return self.field.multiply(left.reshape(*a.shape[:-2], *flat), right.reshape(*b.shape[:-2], *flat))

    def trace(self, a: Array, axis: Axis) -> Array:
        """tr A."""
        return self.field.reduce(np.trace(a, axis1=-2, axis2=-1)[..., None, None])

    def total(self, a: Array, rows: Axis, cols: Axis) -> Array:
        """The sum of all entries."""
        return self.field.reduce(a.sum(axis=(-2, -1), keepdims=True))

    def slide(self, x: Array, w: Array, slide: Slide) -> Array:
        """A kernel w slid over x; or opaque tensors joined to both."""
        sides = [[self.length(axis) for axis in side] for side in slide.sides]
        entries = prod(np.broadcast_shapes(x.shape[:-2], w.shape[:-2])) * largest(sides, slide, self.slides_are_opaque)
        if entries > self._entries:
            raise LimitReached(f"an intermediate array of {entries} entries; the limit is {self._entries}")
        if not self.slides_are_opaque:
            return slid(self.field, x, w, slide)
        w = turned(self, w, slide.kernel) if slide.is_turned else w
        return contracted(self.field, x, w, *(self.slide_tensor(slide.is_full, *side) for side in slide.sides))

    def flip(self, a: Array, shape: tuple[Axis, Axis]) -> Array:
        """The entries in reverse order; or opaque matrices on both sides."""
        return turned(self, a, shape) if self.slides_are_opaque else flipped(a)

    def slide_tensor(self, is_full: bool, output: Axis, kernel: Axis, source: Axis) -> Array:
        """T by output, kernel and input; where the kernel or the other short one is 1 it is the identity."""
        short, long = (source, output) if is_full else (output, source)
        p, q, length = map(self.length, (short, kernel, long))
        if not short or not kernel:
            found = self._integers(np.eye(length, dtype=np.int64))
        else:
            names = sorted((short, kernel), key=str)
            places = slide_places(self.length(names[0]), self.length(names[1]), length, short == kernel)
            places = places if short == names[0] else places.swapaxes(0, 1)
            found = self.field.draw(f" slide of {names}", places.reshape(*self._lead, p * q, length))
        found = found.reshape(*found.shape[:-2], p, q, length)
        return found.swapaxes(-1, -3) if is_full else found

    def flip_tensor(self, axis: Axis) -> Array:
        """R."""
        return self._drawn(f" flip of {axis}", *2 * (self.length(axis),), "symmetric")

    # --- components --------------------------------------------------------------------------------------------

    def component(self, a: Array, row: str | None, col: str | None) -> Array:
        """[A]_ij: rows and columns move to their letters' axes; an equal letter selects a diagonal."""
        for letter, axis in ((row, -2), (col, -1)):
            if letter is not None:
                a = _onto(a, self._letters[letter], axis % a.ndim)
        return a

    def delta(self, i: str, j: str) -> Array:
        """δ_ij."""
        size = self.length(self._letter_axes[i])
        shape = [1] * self._ndim
        shape[self._letters[i]] = shape[self._letters[j]] = size
        matrix = np.ones(size, dtype=np.int64) if i == j else np.eye(size, dtype=np.int64)
        return self.field.integers(matrix.reshape(shape))

    def entries(self, a: Array, row: str | None, col: str | None) -> Array:
        """(a_ij): the letters' axes become rows and columns of full length, constant along a letter that a lacks."""
        for letter, axis in ((row, -2), (col, -1)):
            if letter is not None:
                a = a.swapaxes(self._letters[letter], axis)
                shape = list(a.shape)
                shape[axis] = self.length(self._letter_axes[letter])
                a = np.broadcast_to(a, shape)
        return a

    def component_sum(self, a: Array, letter: str) -> Array:
        """Σ_i, also of a value that does not depend on i."""
        axis, size = self._letters[letter], self.length(self._letter_axes[letter])
        wide = np.broadcast_to(a, (*a.shape[:axis], size, *a.shape[axis + 1 :]))
        return self.field.reduce(wide.sum(axis=axis, keepdims=True))

    def along(self, letters: list[str], values: Array) -> Array:
        """Values for each choice of the (sorted) letters, on the letters' axes."""
        order = sorted(range(len(letters)), key=lambda place: self._letters[letters[place]])
        shape = [1] * self._ndim
        for place in order:
            shape[self._letters[letters[place]]] = values.shape[place]
        return values.transpose(order).reshape(shape)

    # --- functions ---------------------------------------------------------------------------------------------

    def function(self, kind: str, name: str, order: int, a: Array, rows: Axis, cols: Axis) -> Array:
        """An atom: a function of every entry."""
        if self._observe and kind != "reciprocal" and not self.has_equal_atoms:
            self.has_equal_atoms = _has_equals_in_line(a[0])
        if kind == "opaque":
            return self.field.opaque(name, order, a)
        atoms = {
            "exp": self.field.exp,
            "log": self.field.log,
            "sqrt": self.field.sqrt,
            "step": self.field.step,
            "tanh": self.field.tanh,
            "sigmoid": self.field.sigmoid,
            "softplus": self.field.softplus,
            "normal cdf": self.field.normal_cdf,
            "normal density": self.field.normal_density,
            "reciprocal": self.field.inverse,
        }
        return atoms[kind](a)

    def form(self, name: str, base: list[Array], blocks: list[dict[int, Array]]) -> Array:
        """D^k E at the point of the evaluation, a symmetric k-linear form, on k lists of arguments."""
        order = len(blocks)
        if not order:
            return self.field.draw(f"{name} 0", np.zeros((*self._lead, 1, 1), dtype=np.int64))
        sizes = [a.shape[-2] * a.shape[-1] for a in base]
        places, vectors = self._places(name, sizes, blocks), self._vectors(blocks)
        return self._applied(self.field.draw(f"{name} {order}", self._symmetric(places, sum(sizes))), vectors)

    def point(self, name: str, base: list[Array]) -> tuple[Array, list[int]]:
        """The arguments of an unknown function, one below the other, and how many entries each has."""
        return self.field.point(name, self._stacked(base)), [a.shape[-2] * a.shape[-1] for a in base]

    def application(
        self, name: str, point: tuple[Array, list[int]], blocks: list[dict[int, Array]], rows: Axis, cols: Axis
    ) -> Array:
        """D^k F at a point, symmetric and k-linear with values of the given axes, on k lists of arguments."""
        at, sizes = point
        shape = self.length(rows), self.length(cols)
        outputs = np.arange(shape[0] * shape[1])
        places = self._places(name, sizes, blocks) if blocks else []
        grid = np.stack(np.meshgrid(outputs, *places, indexing="ij"), axis=-1)
        grid[..., 1:].sort(axis=-1)  # mixed derivatives are symmetric
        last = grid.shape[-2] if blocks else 1
        entries = self.field.unknown(name, at, grid.reshape(-1, last, grid.shape[-1]), (len(outputs), sum(sizes)))
        found = self._applied(entries, self._vectors(blocks))
        return found.reshape(*found.shape[:-2], *shape)

    def _places(self, name: str, sizes: list[int], blocks: list[dict[int, Array]]) -> list[Array]:
        """For each block the numbers of its entries among all entries of all arguments."""
        starts = np.cumsum([0, *sizes])
        places = [np.concatenate([np.arange(starts[i], starts[i + 1]) for i in sorted(block)]) for block in blocks]
        if prod(len(part) for part in places) > self._entries:
            raise LimitReached(f"the derivative of order {len(blocks)} of {name} has more than {self._entries} entries")
        return places

    def _vectors(self, blocks: list[dict[int, Array]]) -> list[Array]:
        return [self._stacked([block[i] for i in sorted(block)]) for block in blocks]

    def _applied(self, form: Array, vectors: list[Array]) -> Array:
        """A multilinear form, its last place along the columns, on vectors."""
        for vector in reversed(vectors):
            form = self.field.matmul(form.reshape(*form.shape[:-2], -1, vector.shape[-2]), vector)
        return form

    def _symmetric(self, places: list[Array], size: int) -> Array:
        """One number for each unordered choice of places."""
        grid = np.sort(np.stack(np.meshgrid(*places, indexing="ij"), axis=-1), axis=-1)
        weights = np.array([size**k for k in range(grid.shape[-1])], dtype=np.int64)
        return (grid @ weights).reshape(*self._lead, -1, len(places[-1]))

    def _stacked(self, parts: list[Array]) -> Array:
        flat = [part.reshape(*part.shape[:-2], -1, 1) for part in parts]
        if len(flat) == 1:
            return flat[0]
        lead = np.broadcast_shapes(*(part.shape[:-2] for part in flat))
        return np.concatenate([np.broadcast_to(part, (*lead, *part.shape[-2:])) for part in flat], axis=-2)

    # --- derivatives: the directions of a level become rows, columns or back axes -------------------------------

    def jacobian(self, a: Array, level: int, rows: Axis, cols: Axis, order: str) -> Array:
        """Entry (a, b) = ∂y_a/∂x_b; `order` is the order of a Vec below, `row` for plain vectors."""
        found = a.reshape(*a.shape[:-2], -1, 1).swapaxes(1 + level, -1)
        if order == "column":
            r, c = self.length(rows), self.length(cols)
            found = found[..., np.arange(r * c).reshape(r, c).T.ravel()]
        return found

    def gradient(self, a: Array, level: int, rows: Axis, cols: Axis) -> Array:
        """Entry (i, j) = ∂E/∂X_ij."""
        found = a.swapaxes(1 + level, -1)
        return found.reshape(*found.shape[:-2], self.length(rows), self.length(cols))

    def family(self, a: Array, level: int, rows: Axis, cols: Axis) -> Array:
        """The directions become back rows and back columns."""
        found = a.swapaxes(1 + level, BACK + 1)
        shape = (*found.shape[:BACK], self.length(rows), self.length(cols), *found.shape[BACK + 2 :])
        return found.reshape(shape)

    def block(self, a: Array, level: int, rows: Axis, cols: Axis) -> Array:
        """Rows (X rows, Y rows), columns (X columns, Y columns), slow to fast."""
        found = a[..., None].swapaxes(1 + level, -1)
        y_rows, y_cols = a.shape[-2:]
        r, c = self.length(rows), self.length(cols)
        lead = found.shape[:-3]
        found = np.moveaxis(found.reshape(*lead, y_rows, y_cols, r, c), (-2, -4, -1, -3), (-4, -3, -2, -1))
        return found.reshape(*lead, r * y_rows, c * y_cols)

    def collect(self, a: Array) -> Array:
        """Back axes become rows and columns of the 1×1 members' matrix."""
        return a.swapaxes(BACK, -2).swapaxes(BACK + 1, -1)


def _onto(a: Array, target: int, source: int) -> Array:
    """Move an axis to a letter's place; where the letter occurs already, keep what is equal in both."""
    if a.shape[target] == 1:
        return a.swapaxes(target, source)
    found = np.moveaxis(np.diagonal(a, axis1=target, axis2=source), -1, target)
    return np.expand_dims(found, source)


def _has_equals_in_line(a: Array) -> bool:
    """Whether two entries that differ in one index only are equal."""
    for axis in range(LETTERS - 1, a.ndim):
        if a.shape[axis] > 1:
            line = np.sort(a, axis=axis)
            if bool((np.diff(line, axis=axis) == 0).any()):
                return True
    return False
