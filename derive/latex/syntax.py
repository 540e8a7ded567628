"""The tree of a formula as written, before anything is known about its names: what stands where."""

from __future__ import annotations

from dataclasses import dataclass, field

from derive.latex.tokens import Tok


@dataclass(frozen=True)
class Scripts:
    """What hangs on a name or bracket: subscript, superscript, primes."""

    sub: tuple[Tok, ...] = ()
    sup: tuple[Tok, ...] = ()
    primes: int = 0
    span: tuple[int, int] | None = field(default=None, compare=False)  # braces included

    @property
    def is_empty(self) -> bool:
        """No script at all."""
        return not (self.sub or self.sup or self.primes)


@dataclass(frozen=True)
class Node:
    """A piece of a formula with its place in the text."""

    start: int
    end: int


@dataclass(frozen=True)
class Name(Node):
    """A letter, command or word with its scripts."""

    base: str
    scripts: Scripts


@dataclass(frozen=True)
class Number(Node):
    """Digits, perhaps with scripts."""

    text: str
    scripts: Scripts


@dataclass(frozen=True)
class Sum(Node):
    """Signed terms."""

    terms: tuple[tuple[int, Node], ...]


@dataclass(frozen=True)
class Product(Node):
    """Factors side by side."""

    factors: tuple[Node, ...]


@dataclass(frozen=True)
class Entrywise(Node):
    """Operands joined by one operator: hadamard or kron."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Big(Node):
    """A sum or product sign with its bounds and what it reaches over."""

    kind: str  # sum | prod
    scripts: Scripts
    body: Node


@dataclass(frozen=True)
class Apply(Node):
    """A function name with scripts, its argument, and scripts behind it; bare: no bracket around the argument."""

    function: str
    own: Scripts
    argument: Node
    after: Scripts
    is_bare: bool = False


@dataclass(frozen=True)
class Bracket(Node):
    """A bracketed list of chains with scripts; kind round, square, curly, braced, absolute."""

    kind: str
    parts: tuple[Chain, ...]
    scripts: Scripts
    separators: tuple[str, ...] = ()  # between the parts: "," or ";"


@dataclass(frozen=True)
class Grid(Node):
    """An environment of rows and cells: a matrix of some kind, or cases."""

    kind: str
    rows: tuple[tuple[Chain, ...], ...]
    scripts: Scripts


@dataclass(frozen=True)
class Indicator(Node):
    """1(i = j): one where a relation holds, else zero."""

    relation: Chain
    scripts: Scripts


@dataclass(frozen=True)
class NormOf(Node):
    """‖A‖ with its scripts (a subscript F names the Frobenius norm, a superscript is a power)."""

    body: Node
    scripts: Scripts


@dataclass(frozen=True)
class Fraction(Node):
    """A quotient."""

    above: Node
    below: Node
    scripts: Scripts


@dataclass(frozen=True)
class DerivativeOf(Node):
    """∂A/∂B; `what` is None where the operator acts on what follows; `plus` marks ∂⁺.

    `is_operator`: written ∇_B A or ∂_B A, where the brackets around A may be left out.
    """

    what: Node | None
    by: Node
    plus: bool
    scripts: Scripts
    is_operator: bool = False


@dataclass(frozen=True)
class Chain(Node):
    """a REL b REL c …; `is_condition` after ∀ or a word like "for"; "otherwise" is a condition without sides."""

    sides: tuple[Node, ...]
    relations: tuple[str, ...]
    is_condition: bool = False
