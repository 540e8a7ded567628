"""Unknown sizes that equations make equal: union-find over the axes of names."""

from __future__ import annotations

from dataclasses import dataclass, field

Axis = int


@dataclass(frozen=True)
class Shape:
    """Two axes; `is_turned` where the layout decides which comes first."""

    rows: Axis
    cols: Axis
    is_turned: bool = False


@dataclass
class Sizes:
    """Axes in classes; a class may be 1, an ordered product of others, or named by the document (I_n)."""

    parent: list[Axis] = field(default_factory=list)
    products: dict[Axis, tuple[Axis, ...]] = field(default_factory=dict)
    named: dict[Axis, str] = field(default_factory=dict)
    clashes: int = 0
    one: Axis = 0

    def __post_init__(self) -> None:
        self.one = self.fresh()

    def fresh(self) -> Axis:
        """A new unknown size."""
        self.parent.append(len(self.parent))
        return len(self.parent) - 1

    def find(self, axis: Axis) -> Axis:
        """The representative of an axis's class."""
        while self.parent[axis] != axis:
            self.parent[axis] = axis = self.parent[self.parent[axis]]
        return axis

    def same(self, first: Axis, second: Axis) -> bool:
        """Whether two axes are known to be equal."""
        return self.find(first) == self.find(second)

    def is_one(self, axis: Axis) -> bool:
        """Whether an axis is known to be 1."""
        return self.same(axis, self.one)

    def join(self, first: Axis, second: Axis) -> None:
        """Two axes are equal; equal products have equal factors."""
        first, second = self.find(first), self.find(second)
        if first == second:
            return
        if self.is_one(first):  # 1 stays the representative
            first, second = second, first
        if self._clash(first, second):
            self.clashes += 1
            return
        self.parent[first] = second
        if first in self.named:
            self.named.setdefault(second, self.named[first])
        mine, theirs = self.products.get(first), self.products.get(second)
        if mine is not None and theirs is None:
            self.products[second] = mine
        elif mine is not None and theirs is not None and len(mine) == len(theirs):
            for one, other in zip(mine, theirs, strict=True):
                self.join(one, other)

    def _clash(self, first: Axis, second: Axis) -> bool:
        """A named size or a product is not 1, and a product is not its own factor."""
        if self.is_one(second):
            return first in self.named or first in self.products
        inside = {self.find(part) for axis in (first, second) for part in self.products.get(axis, ())}
        return bool(inside & {first, second})

    def name(self, axis: Axis, letter: str) -> None:
        """The document calls this size so."""
        for known, other in list(self.named.items()):
            if other == letter:
                self.join(axis, known)
        self.named.setdefault(self.find(axis), letter)

    def product(self, *axes: Axis) -> Axis:
        """The size of stacked or crossed axes, slow to fast."""
        parts = [axis for axis in axes if not self.is_one(axis)]
        flat = [part for axis in parts for part in self.products.get(self.find(axis), (axis,))]
        if not flat:
            return self.one
        if len(flat) == 1:
            return flat[0]
        for root, known in self.products.items():
            if len(known) == len(flat) and all(self.same(*pair) for pair in zip(known, flat, strict=True)):
                return root
        made = self.fresh()
        self.products[made] = tuple(flat)
        return made

    # --- shapes ----------------------------------------------------------------------------------------------------

    def is_scalar(self, shape: Shape) -> bool:
        """1×1."""
        return self.is_one(shape.rows) and self.is_one(shape.cols)

    def length(self, shape: Shape) -> Axis | None:
        """The size of a vector, None for a matrix or what may be one."""
        if self.is_one(shape.cols):
            return shape.rows
        return shape.cols if self.is_one(shape.rows) else None

    def equate(self, first: Shape | None, second: Shape | None) -> None:
        """Two formulas have one shape; where a layout may turn one, only what holds in each layout is joined."""
        if first is None or second is None:
            return
        if not (first.is_turned or second.is_turned):
            self.join(first.rows, second.rows)
            self.join(first.cols, second.cols)
            return
        if second.is_turned:
            first, second = second, first
        lengths = self.length(first), self.length(second)
        if None not in lengths:
            self.join(*(length for length in lengths if length is not None))
        elif self.same(first.rows, first.cols):
            self.join(second.rows, first.rows)
            self.join(second.cols, first.rows)
        elif lengths == (None, None) and (
            self.same(first.rows, second.rows) or self.same(first.cols, second.cols) or second.is_turned
        ):
            self.join(first.rows, second.rows)
            self.join(first.cols, second.cols)
