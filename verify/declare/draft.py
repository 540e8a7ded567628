"""The block's parts: names with their sizes, functions, losses, indices, givens; and the text that they make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from derive.latex import syntax
from derive.latex.lexicon import without_font
from derive.latex.syntax import Node
from verify.declare.axes import Axis, Shape
from verify.declare.names import CONSTANTS, Letters, letters_of, nodes, sides_of
from verify.declare.reading import Display, is_exponential, walk
from verify.declare.shapes import Solver, losses_of
from verify.errors import Place

_SIZES = ("n", "m", "p", "q", "r", "d", "u", "v", "w", "c", "a", "b", "g", "h")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ONE_LINE = re.compile(r"[^\n\r\t]{1,200}")  # what a key of YAML can be
_OFTEN = {"\\sigma": "sigmoid, if it is the logistic function", "\\phi": "tanh, sigmoid or relu, if it is one of them"}

Remarked = tuple[str, str]  # a value, and what is uncertain about it


@dataclass(frozen=True)
class Draft:
    """The parts of a block; `symbols` maps names to declarations with remarks."""

    symbols: dict[str, Remarked]
    time: str = ""
    indices: dict[str, str] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    conventions: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    unnamed: tuple[Place, ...] = ()  # of equations that look given and have no tag
    odd: int = 0  # capital letters that would be no matrices

    def block(self) -> str:
        """The block in its fence."""
        lines = ["```backproof", "symbols:" if self.symbols else "symbols: {}"]
        for name, (value, remark) in self.symbols.items():
            lines.append(f"  {_quoted(name)}: {_quoted(value, ':#')}{f'  # ? {remark}' if remark else ''}")
        if self.time:
            lines.append(f"time: {self.time}")
        if self.indices:
            pairs = (f"{_quoted(letter)}: {value}" for letter, value in self.indices.items())
            lines.append(f"indices: {{{', '.join(pairs)}}}")
        lines += self.conventions
        if self.given:
            names = ", ".join(_single(name) for name in self.given)
            lines.append(f"given: [{names}]  # ? these define the model and are taken as true: strike out any result")
        lines += [f"# ? {' '.join(remark.split())}" for remark in self.remarks]
        return "\n".join([*lines, "```"]) + "\n"


def _quoted(text: str, signs: str = "") -> str:
    """A key that is plain text stands as it is; a value needs quotes where it holds one of the signs."""
    is_plain = not any(sign in text for sign in signs) if signs else _PLAIN.fullmatch(text) is not None
    return text if is_plain else _single(text)


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def drafted(
    displays: list[Display], functions: tuple[str, ...], declared: dict[str, str], keys: frozenset[str], vectors: str
) -> Draft:
    """The parts of a block for displays; names and keys that are declared already are not proposed again."""
    letters = letters_of(displays)
    losses = losses_of(displays, letters)
    solver = Solver(letters, losses, vectors)
    solver.solve(displays)
    givens = list(_givens(displays, letters))
    symbols: dict[str, Remarked] = {name: (value, "") for name, value in declared.items()}
    for name, value in (*_tensors(solver, displays), *_functions(functions), *_losses(solver, displays, givens)):
        if _ONE_LINE.fullmatch(name):
            symbols.setdefault(name, value)
    unnamed = dict.fromkeys(display.place for display, _ in givens if not display.has_name and "given" not in keys)
    odd = sum(name[0].isupper() and " x " not in value for name, (value, _) in symbols.items() if name not in losses)
    return Draft(
        symbols,
        "" if "time" in keys or not _is_timed(letters) else f"{letters.first}..{letters.last}",
        {} if "indices" in keys else _indices(letters),
        () if "given" in keys else tuple(dict.fromkeys(display.id for display, _ in givens if display.has_name)),
        (),
        tuple(
            f"line {place.line} looks given and has no \\tag: put <!-- backproof: given --> before it"
            for place in unnamed
        ),
        tuple(unnamed),
        odd,
    )


# --- indices -------------------------------------------------------------------------------------------------------


def _is_timed(letters: Letters) -> bool:
    """`time:` speaks of t; another letter's range stands among the indices."""
    return bool(letters.steps) and letters.main == "t"


def _indices(letters: Letters) -> dict[str, str]:
    found = {}
    for letter in letters.steps:
        if letter != letters.main:
            found[letter] = letters.main
        elif letter != "t":
            found[letter] = f"{letters.first}..{letters.last}"
    return {**dict(sorted(found.items(), key=lambda item: item[0] != letters.main)), **_components(letters)}


def _components(letters: Letters) -> dict[str, str]:
    return dict.fromkeys(letters.components, "component")


# --- names ---------------------------------------------------------------------------------------------------------


def _tensors(solver: Solver, displays: list[Display]) -> Iterator[tuple[str, Remarked]]:
    """Every tensor with its axes; fresh letters for sizes that have none."""
    written = {node.base for node in nodes(displays) if isinstance(node, syntax.Name)}
    free = [letter for letter in _SIZES if letter not in written and letter not in solver.sizes.named.values()]
    namer = _Namer(solver, free)
    sizes = set(solver.sizes.named.values())
    for name, shape in solver.shapes.items():
        use = solver.uses[name]
        if use.base in solver.losses or (name in sizes and len(name) == 1):
            continue
        yield name, (namer.shape(shape), namer.remark(shape))


class _Namer:
    """Gives each class of axes a letter, in the order of the names."""

    def __init__(self, solver: Solver, free: list[str]) -> None:
        self.sizes, self.free = solver.sizes, free
        self.known: dict[Axis, str] = {}
        self.count = 0
        self.users = _users(solver)

    def shape(self, shape: Shape) -> str:
        """`n x m`, `n`, `1 x n` or `1`."""
        if self.sizes.is_scalar(shape):
            return "1"
        rows = self.axis(shape.rows)
        return rows if self.sizes.is_one(shape.cols) else f"{rows} x {self.axis(shape.cols)}"

    def axis(self, axis: Axis) -> str:
        """One axis: a letter, or an ordered product of letters."""
        root = self.sizes.find(axis)
        if self.sizes.is_one(root):
            return "1"
        if root in self.sizes.products:
            return "*".join(self.axis(part) for part in self.sizes.products[root])
        if root in self.sizes.named:
            return self.sizes.named[root]
        if root not in self.known:
            self.known[root] = self._letter()
        return self.known[root]

    def _letter(self) -> str:
        self.count += 1
        return self.free[self.count - 1] if self.count <= len(self.free) else f"n_{self.count - len(self.free)}"

    def remark(self, shape: Shape) -> str:
        """A matrix with an axis that meets nothing may be a vector."""
        roots = [self.sizes.find(axis) for axis in (shape.rows, shape.cols)]
        loose = [root for root in roots if self.users.get(root, 0) == 1 and root not in self.sizes.products]
        is_matrix = not (self.sizes.is_one(shape.rows) or self.sizes.is_one(shape.cols))
        return "no equation tells one of its sizes" if loose and is_matrix else ""


def _users(solver: Solver) -> dict[Axis, int]:
    """How many axes of names each class has."""
    found: dict[Axis, int] = {}
    for shape in solver.shapes.values():
        for axis in (shape.rows, shape.cols):
            root = solver.sizes.find(axis)
            found[root] = found.get(root, 0) + 1
    return found


def _functions(functions: tuple[str, ...]) -> Iterator[tuple[str, Remarked]]:
    for name in functions:
        yield name, ("elementwise", _OFTEN.get(name, ""))


# --- losses and givens ---------------------------------------------------------------------------------------------


def _losses(
    solver: Solver, displays: list[Display], givens: list[tuple[Display, syntax.Name]]
) -> Iterator[tuple[str, Remarked]]:
    """A loss of the state: a family that is given and read at an earlier step, else the last given one."""
    letters = solver.letters
    defined = [letters.use(name) for _, name in givens if not _is_derivative_of_loss(name, displays)]
    families = [use for use in defined if use.is_family] or defined
    shifted = {
        letters.use(node).text for node in nodes(displays) if isinstance(node, syntax.Name) and _is_shifted(node)
    }
    states = [use for use in families if use.text in shifted] or families[-1:]
    for loss in sorted(solver.losses):
        if not states:
            yield loss, ("1", "a scalar; of what it is a loss, no equation tells")
            continue
        state = states[-1]
        shared = sum(other.base == state.base for other in solver.uses.values()) > 1
        name = state.text if shared else state.base
        if state.is_family:
            yield loss, (f"loss(last {name})", f"or loss(each {name}), if every step is judged; or of another name")
        else:
            yield loss, (f"loss({name})", "or of another name")


def _is_shifted(node: syntax.Name) -> bool:
    return any(token.kind == "MINUS" for token in (*node.scripts.sub, *node.scripts.sup)) and not is_exponential(node)


def _is_derivative_of_loss(name: syntax.Name, displays: list[Display]) -> bool:
    """δ_t = ∂E/∂Net_t is no state."""
    return any(
        left is name and any(isinstance(node, syntax.DerivativeOf) for node in walk(right))
        for display in displays
        for _, left, right in sides_of(display.chains)
    )


def _givens(displays: list[Display], letters: Letters) -> Iterator[tuple[Display, syntax.Name]]:
    """Equations that define a name: the first one with the name alone on its left, at a letter.

    A right side with f' or a derivative is a result, unless the derivative is all there is (δ_t = ∂E/∂Net_t).
    """
    defined: set[str] = set()
    for display in displays:
        found = []
        for chain in display.chains:
            name = _defined(chain.sides[0]) if len(chain.sides) == 2 and chain.relations == ("=",) else None
            if name is None or not _is_definition(name, chain.sides[1], letters):
                break
            found.append((display, name))
        texts = [letters.use(name).text for _, name in found]
        if len(found) == len(display.chains) and found and not set(texts) & defined and len(set(texts)) == len(texts):
            defined |= set(texts)
            yield from found


def _defined(side: Node) -> syntax.Name | None:
    """x, x^T or (x)^T."""
    side = _unwrapped(side)
    is_name = isinstance(side, syntax.Name) and not is_exponential(side) and without_font(side.base) not in CONSTANTS
    return side if is_name else None  # type: ignore[return-value]


def _unwrapped(side: Node) -> Node:
    """What stands in a bracket of its own."""
    is_wrapped = isinstance(side, syntax.Bracket) and len(side.parts) == 1 and len(side.parts[0].sides) == 1
    return side.parts[0].sides[0] if is_wrapped else side  # type: ignore[attr-defined]


def _is_definition(name: syntax.Name, right: Node, letters: Letters) -> bool:
    use = letters.use(name)
    if use.components or (use.is_family and _is_shifted(name)):
        return False
    if isinstance(_unwrapped(right), syntax.DerivativeOf):
        return True
    below = list(walk(right))
    if any(isinstance(node, syntax.DerivativeOf) for node in below):
        return False
    has_prime = any(isinstance(node, syntax.Apply) and node.own.primes for node in below)
    return not has_prime and not (
        not use.is_family and any(isinstance(n, syntax.Name) and n.base == name.base for n in below)
    )
