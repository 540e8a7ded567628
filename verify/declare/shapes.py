"""The shapes of names from the products, sums and functions that they stand in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from derive.latex import syntax
from derive.latex.lexicon import without_font
from derive.latex.signs import KNOWN_FUNCTIONS
from derive.latex.syntax import Node, Scripts
from derive.latex.transposes import split_transpose
from verify.declare.axes import Shape, Sizes
from verify.declare.names import CONSTANTS, Letters, Use, sides_of
from verify.declare.reading import Display, is_exponential, scripted

PASSES = 3  # what a later equation tells is used in an earlier one


class Solver:
    """Joins the axes of all names of a document; `vectors` says how a vector's name is read: column or row."""

    def __init__(self, letters: Letters, losses: frozenset[str], vectors: str = "column") -> None:
        self.letters, self.losses, self.vectors = letters, losses, vectors
        self.sizes = Sizes()
        self.scalar = Shape(self.sizes.one, self.sizes.one)
        self.shapes: dict[str, Shape] = {}
        self.uses: dict[str, Use] = {}

    def solve(self, displays: list[Display]) -> None:
        """Every relation makes its sides' shapes equal."""
        for _ in range(PASSES):
            for display in displays:
                for relation, left, right in sides_of(display.chains):
                    if relation == "in":
                        self._membership(left, right)
                    elif relation != "~":
                        self.sizes.equate(self.shape(left), self.shape(right))

    def _membership(self, left: Node, right: Node) -> None:
        """W ∈ ℝ^{n×m} states a shape, and names its sizes."""
        shape = self.shape(left)
        if shape is None or not isinstance(right, syntax.Name) or without_font(right.base) != "R":
            return
        letters = [token.text for token in right.scripts.sup if token.kind == "NAME"]
        if len(letters) == 2:
            self.sizes.name(shape.rows, letters[0])
            self.sizes.name(shape.cols, letters[1])
        elif len(letters) == 1 and len(right.scripts.sup) == 1:
            self.sizes.name(shape.rows, letters[0])
            self.sizes.join(shape.cols, self.sizes.one)

    # --- one shape a node ------------------------------------------------------------------------------------------

    def shape(self, node: Node) -> Shape | None:
        """The shape of a formula, None where nothing is known of it."""
        match node:
            case syntax.Name():
                return self._name(node)
            case syntax.Number():
                return None if node.text == "0" else self.scalar
            case syntax.Sum():
                return self._equal([term for _, term in node.terms if not isinstance(term, syntax.Number)])
            case syntax.Product():
                return self._product(node)
            case syntax.Entrywise():
                return self._kron(node) if node.operator == "kron" else self._equal(list(node.operands))
            case syntax.Big():
                return self.shape(node.body)
            case syntax.Apply():
                return self._turned(self._apply(node), node.after)
            case syntax.Bracket():
                return self._bracket(node)
            case syntax.NormOf():
                self.shape(node.body)
                return self.scalar
            case syntax.Fraction():
                return self._fraction(node)
            case syntax.DerivativeOf():
                return self._derivative(node)
        return None

    def _name(self, node: syntax.Name) -> Shape | None:
        base, plain = node.base, without_font(node.base)
        if is_exponential(node):
            inner = list(scripted(node))
            return self.shape(inner[0]) if len(inner) == 1 else None
        if plain == "I" and not node.scripts.sup:
            return self._identity(node.scripts)
        if plain in CONSTANTS or (base == "\\delta" and self._is_kronecker(node.scripts)):
            return None if plain in CONSTANTS else self.scalar
        if node.scripts.is_empty and base in (*self.letters.steps, self.letters.last, *self.letters.components):
            return self.scalar
        use = self.letters.use(node)
        shape = self._declared(use)
        if use.components:
            return self.scalar
        return Shape(shape.cols, shape.rows) if use.transposed else shape

    def _is_kronecker(self, scripts: Scripts) -> bool:
        letters = [token.text for token in scripts.sub if token.kind != "COMMA"]
        return len(letters) == 2 and not scripts.sup and set(letters) <= set(self.letters.components)

    def _identity(self, scripts: Scripts) -> Shape:
        size = self.sizes.fresh()
        if len(scripts.sub) == 1 and scripts.sub[0].kind == "NAME":
            self.sizes.name(size, scripts.sub[0].text)
        return Shape(size, size)

    def _declared(self, use: Use) -> Shape:
        if use.text not in self.shapes:
            self.uses[use.text] = use
            self.shapes[use.text] = self._first_guess(use)
        return self.shapes[use.text]

    def _first_guess(self, use: Use) -> Shape:
        """Losses are scalars, so are Greek letters without an index; other small letters are vectors."""
        one, fresh = self.sizes.one, self.sizes.fresh()
        letter = without_font(use.base).rsplit("{", 1)[-1].strip("\\}")
        if use.base in self.losses or (len(letter) > 1 and use.base == f"\\{letter}" and not use.is_family):
            return self.scalar
        is_small = letter[:1].islower() or len(letter) > 1
        if not is_small or len(use.components) > 1:
            return Shape(fresh, self.sizes.fresh())
        return Shape(fresh, one) if self.vectors == "column" else Shape(one, fresh)

    def _equal(self, nodes: list[Node]) -> Shape | None:
        """Terms and entrywise factors have one shape; a number is added to every entry."""
        shapes = [shape for shape in map(self.shape, nodes) if shape is not None]
        sized = [shape for shape in shapes if not self.sizes.is_scalar(shape)]
        for first, second in pairwise(sized):
            self.sizes.equate(first, second)
        return next((shape for shape in sized if not shape.is_turned), sized[0] if sized else next(iter(shapes), None))

    def _product(self, node: syntax.Product) -> Shape | None:
        """W s joins the columns of W with the rows of s; scalars scale."""
        shapes = [self.shape(factor) for factor in node.factors]
        sized = [shape for shape in shapes if shape is None or not self.sizes.is_scalar(shape)]
        known = [shape if shape is not None and not shape.is_turned else None for shape in sized]
        for first, second in pairwise(known):
            if first is not None and second is not None:
                self.sizes.join(first.cols, second.rows)
        if len(sized) < 2:
            return sized[0] if sized else self.scalar
        left, *between, right = known
        if left is None or right is None or None in between:  # a derivative by a matrix has axes of its own
            return None
        return Shape(left.rows, right.cols)

    def _kron(self, node: syntax.Entrywise) -> Shape | None:
        shapes = [self.shape(operand) for operand in node.operands]
        known = [shape for shape in shapes if shape is not None and not shape.is_turned]
        if len(known) < len(shapes):
            return None
        return Shape(self.sizes.product(*(s.rows for s in known)), self.sizes.product(*(s.cols for s in known)))

    def _apply(self, node: syntax.Apply) -> Shape | None:
        inner = self.shape(node.argument)
        kind = KNOWN_FUNCTIONS.get(node.function.lstrip("\\"))
        if kind == "tr":
            return self.scalar
        if inner is None or kind not in ("diag", "vec"):
            return inner
        if kind == "vec":
            return Shape(self.sizes.product(inner.cols, inner.rows), self.sizes.one)
        if self.sizes.length(inner) is None:
            self.sizes.join(inner.cols, self.sizes.one)
        size = self.sizes.length(inner)
        return None if size is None else Shape(size, size)

    def _bracket(self, node: syntax.Bracket) -> Shape | None:
        if len(node.parts) != 1 or len(node.parts[0].sides) != 1:
            for part in node.parts:
                for side in part.sides:
                    self.shape(side)
            return None
        inner = self.shape(node.parts[0].sides[0])
        if node.scripts.sub and all(t.text in self.letters.components or t.kind == "COMMA" for t in node.scripts.sub):
            return self.scalar
        return self._turned(inner, node.scripts)

    def _turned(self, shape: Shape | None, scripts: Scripts) -> Shape | None:
        _, transposed = split_transpose(scripts.sup)
        if shape is None or not transposed:
            return shape
        return Shape(shape.cols, shape.rows, shape.is_turned)

    def _fraction(self, node: syntax.Fraction) -> Shape | None:
        above, below = self.shape(node.above), self.shape(node.below)
        if below is None or self.sizes.is_scalar(below):
            return above
        if above is not None and not self.sizes.is_scalar(above):
            self.sizes.equate(above, below)
        return below

    def _derivative(self, node: syntax.DerivativeOf) -> Shape | None:
        """∂E/∂v has v's length and ∂y/∂x is y's by x's, up to the layout; by a matrix nothing is known."""
        what = None if node.what is None else self.shape(node.what)
        by = self.shape(node.by)
        if what is None or by is None:
            return None
        if self.sizes.is_scalar(by):
            return what
        if self.sizes.is_scalar(what):
            return Shape(by.rows, by.cols, is_turned=True)
        lengths = self.sizes.length(what), self.sizes.length(by)
        if lengths[0] is None or lengths[1] is None:
            return None
        return Shape(lengths[0], lengths[1], is_turned=True)


def losses_of(displays: list[Display], letters: Letters) -> frozenset[str]:
    """Names that only ever stand above the line of a derivative, and are no family: the losses."""
    above: set[str] = set()
    elsewhere: set[str] = set()
    for display in displays:
        for chain in display.chains:
            for side in chain.sides:
                for name, is_above in _names(side, False, letters):
                    (above if is_above else elsewhere).add(name)
    return frozenset(above - elsewhere)


def _names(node: Node, is_above: bool, letters: Letters) -> Iterator[tuple[str, bool]]:
    from verify.declare.reading import children

    if isinstance(node, syntax.Name) and not is_exponential(node):
        use: Any = letters.use(node)
        yield use.base, is_above and use.text == use.base
    for child in children(node):
        yield from _names(child, isinstance(node, syntax.DerivativeOf) and child is node.what, letters)
