"""Which letters are indices, and which names the scripts spell: x_t and x_{t-1} are one family, W_{ij} is W."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from derive.latex import syntax
from derive.latex.lexicon import without_font
from derive.latex.names import split_commas
from derive.latex.syntax import Chain, Node
from derive.latex.tokens import Tok
from derive.latex.transposes import split_transpose
from verify.declare.reading import Display, children, is_exponential, walk

Slot = tuple[str, str, int]  # base, SUB or SUP, place between commas
_BOUND = "Σ"  # before a letter that a sum or product binds
_LETTER = re.compile(r"[A-Za-z]|\\[A-Za-z]+")
_COMPONENTS = ("i", "j", "p", "q")
CONSTANTS = ("I", "1", "0", "R")


@dataclass(frozen=True)
class Use:
    """A name as written: its base, what its scripts spell, and the letters of its components."""

    base: str
    sub: str = ""
    sup: str = ""
    is_family: bool = False
    components: tuple[str, ...] = ()
    transposed: bool = False

    @property
    def text(self) -> str:
        """The name as a declaration writes it."""
        return self.base + (f"_{_braced(self.sub)}" if self.sub else "") + (f"^{_braced(self.sup)}" if self.sup else "")


def _braced(text: str) -> str:
    return text if len(text) == 1 else f"{{{text}}}"


@dataclass
class Letters:
    """The index letters of a document: the steps' and the components', the last step, the first."""

    steps: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    slots: set[Slot] = field(default_factory=set)  # where the steps stand
    spelled: set[Slot] = field(default_factory=set)  # where letters are part of a name: b_i beside b_f
    entries: set[tuple[Slot, str]] = field(default_factory=set)  # w_j beside w_k: a component where steps stand
    last: str = "T"
    first: str = "1"

    @property
    def main(self) -> str:
        """The letter in which names are declared."""
        free = [letter for letter in self.steps if letter != self.last]
        return "t" if "t" in self.steps or not free else free[0]

    def use(self, node: syntax.Name) -> Use:
        """The name that a node writes."""
        sup, transposed = split_transpose(node.scripts.sup)
        below, components = self._parts(node.base, "SUB", split_commas(node.scripts.sub))
        above, _ = self._parts(node.base, "SUP", split_commas(sup))
        is_family = any(is_index for _, is_index in (*below, *above))
        kept = [text for text, is_index in above if is_index or not _is_power(text)]
        return Use(
            node.base, ",".join(text for text, _ in below), ",".join(kept), is_family, components, transposed
        )  # fmt: skip

    def _parts(
        self, base: str, kind: str, parts: tuple[tuple[Tok, ...], ...]
    ) -> tuple[list[tuple[str, bool]], tuple[str, ...]]:
        """Each part as spelled, steps by the main letter; and the component letters, which are no part of a name."""
        spelled: list[tuple[str, bool]] = []
        components: list[str] = []
        for place, part in enumerate(parts):
            index = step_letter(part)
            slot = (base, kind, place)
            if slot in self.slots and index is not None and (slot, index) not in self.entries:
                spelled.append((_with_main(part, self.main), True))
            elif kind == "SUB" and slot not in self.spelled and self._are_components(part):
                components.extend(token.text for token in part)
            elif glued := [token.text for token in part if token.text in self.steps and token.kind == "NAME"]:
                spelled.append((spelling(part).replace(glued[0], self.main), kind == "SUB"))
            else:
                spelled.append((spelling(part), False))
        return spelled, tuple(components)

    def _are_components(self, part: tuple[Tok, ...]) -> bool:
        return bool(part) and all(token.text in self.components for token in part)


def _is_power(text: str) -> bool:
    """A superscript that is a number or a difference of letters is an exponent."""
    return re.fullmatch(r"-?\d+|[A-Za-z0-9]([+-][A-Za-z0-9])*", text) is not None and not text.startswith("l")


def _with_main(part: tuple[Tok, ...], main: str) -> str:
    if part and part[0].kind == "LPAR":
        return f"({main})"
    return main


def spelling(part: Iterable[Tok]) -> str:
    """Tokens as text; a blank where a command would swallow a letter."""
    text = ""
    for token in part:
        text += " " if re.search(r"\\[A-Za-z]+$", text) and token.text[:1].isalpha() else ""
        text += token.text
    return text


def step_letter(part: tuple[Tok, ...]) -> str | None:
    """The letter of t, t-1, (t+1); the empty text for a plain number; None for anything else."""
    if part and part[0].kind == "LPAR" and part[-1].kind == "RPAR":
        part = part[1:-1]
    names = [token.text for token in part if token.kind == "NAME"]
    rest = [token.kind for token in part if token.kind != "NAME"]
    if not part or len(names) > 1 or any(kind not in ("PLUS", "MINUS", "NUMBER") for kind in rest):
        return None
    if names and (part[0].kind != "NAME" or not _LETTER.fullmatch(names[0])):
        return None
    return names[0] if names else ("" if rest == ["NUMBER"] else None)


# --- finding the letters -------------------------------------------------------------------------------------------


@dataclass
class _Evidence:
    letters: dict[Slot, Counter[str]] = field(default_factory=dict)
    glued: dict[Slot, set[str]] = field(default_factory=dict)  # of several letters side by side
    shifted: Counter[str] = field(default_factory=Counter)
    shifted_above: Counter[str] = field(default_factory=Counter)
    bound: dict[str, tuple[str, str]] = field(default_factory=dict)  # letter -> lower and upper bound
    components: Counter[str] = field(default_factory=Counter)
    single: set[str] = field(default_factory=set)  # a letter alone below a name: a component if there are two such
    bases: set[str] = field(default_factory=set)


def letters_of(displays: list[Display]) -> Letters:
    """The index letters that the scripts of all displays show."""
    evidence = _Evidence()
    for display in displays:
        for chain in display.chains:
            for side in chain.sides:
                _gather(side, frozenset(), evidence)
    steps = _steps(_groups(evidence), evidence) - _component_letters(evidence)
    found = Letters()
    if steps:
        found.slots = {slot for slot, letters in evidence.letters.items() if set(letters) & steps}
        found.last, found.first = _bounds(steps, evidence)
        free = {letter for letter in steps if not letter.startswith(_BOUND)} | _bounding(steps, evidence)
        free -= {"", found.last}
        found.steps = sorted(free | ({found.last} & {"t"}), key=lambda one: (one != "t", one))
    bound = {letter.removeprefix(_BOUND) for letter in _bound_letters(evidence) - steps}
    single = evidence.single - evidence.bases
    known = {*evidence.components} | bound | (single if len(single | {*evidence.components}) > 1 else set())
    found.components = sorted(known - steps - {found.last})
    found.entries = {
        (slot, letter)
        for slot, letters in evidence.letters.items()
        for letter in set(letters) & set(found.components)
        if f"{_BOUND}{letter}" not in letters
    }
    sorts = {"", *found.components, *steps, *(f"{_BOUND}{letter}" for letter in found.components)}
    found.spelled = {
        slot
        for slot in {*evidence.letters, *evidence.glued}
        if ({*evidence.letters.get(slot, ())} | evidence.glued.get(slot, set())) - sorts
    }
    return found


def _component_letters(evidence: _Evidence) -> set[str]:
    """i and j that are never shifted, where there are two such: w_j beside w_{k+1} is an entry."""
    found = {letter for letter in evidence.single | {*evidence.components} if not evidence.shifted[letter]}
    return found if len(found) > 1 else set()


def _bounding(steps: set[str], evidence: _Evidence) -> set[str]:
    """Letters and commands that bound a sum over steps."""
    ranges = [bounds for letter, bounds in evidence.bound.items() if f"{_BOUND}{letter}" in steps]
    return {end for bounds in ranges for end in bounds if re.fullmatch(r"[a-z]|\\[a-z]+", end)}


def _bound_letters(evidence: _Evidence) -> set[str]:
    """The letters of sums and products, where they stand in scripts."""
    return {letter for letters in evidence.letters.values() for letter in letters if letter.startswith(_BOUND)}


def nodes(displays: list[Display]) -> Iterator[Node]:
    """Every node of every display."""
    for display in displays:
        for chain in display.chains:
            for side in chain.sides:
                yield from walk(side)


def _gather(node: Node, bound: frozenset[str], evidence: _Evidence) -> None:
    """A letter that a sum or product binds is another one than the same letter outside."""
    if isinstance(node, syntax.Name) and not is_exponential(node) and without_font(node.base) not in CONSTANTS:
        evidence.bases.add(node.base)
        sup, _ = split_transpose(node.scripts.sup)
        for kind, tokens in (("SUB", node.scripts.sub), ("SUP", sup)):
            for place, part in enumerate(split_commas(tokens)):
                _part((node.base, kind, place), part, bound, evidence)
    elif isinstance(node, syntax.Bracket):
        _components(node.scripts.sub, evidence)
    elif isinstance(node, syntax.Big) and node.scripts.sub:
        _bound(node, evidence)
        bound |= {node.scripts.sub[0].text}
    for child in children(node):
        _gather(child, bound, evidence)


def _part(slot: Slot, part: tuple[Tok, ...], bound: frozenset[str], evidence: _Evidence) -> None:
    letter = step_letter(part)
    if letter is not None:
        name = f"{_BOUND}{letter}" if letter in bound else letter
        evidence.letters.setdefault(slot, Counter())[name] += 1
        if letter and len(part) > 1:
            shifts = evidence.shifted if slot[1] == "SUB" or part[0].kind == "LPAR" else evidence.shifted_above
            shifts[name] += 1
        if letter in _COMPONENTS and letter not in bound and slot[1] == "SUB":
            evidence.single.add(letter)
    elif slot[1] == "SUB":
        _components(part, evidence)
        if len(part) > 1 and all(token.kind == "NAME" for token in part):
            evidence.glued.setdefault(slot, set()).update(token.text for token in part)


def _components(tokens: tuple[Tok, ...], evidence: _Evidence) -> None:
    """Two letters side by side, as in W_{ij}, and what hangs on a bracket."""
    if tokens and all(token.text in _COMPONENTS or token.kind == "COMMA" for token in tokens):
        evidence.components.update(token.text for token in tokens if token.kind == "NAME")


def _bound(node: syntax.Big, evidence: _Evidence) -> None:
    """Σ_{k=1}^{t}: the letter and its bounds."""
    sub, sup = node.scripts.sub, node.scripts.sup
    equals = next((place for place, token in enumerate(sub) if token.text == "="), 0)
    if equals == 1 and sup:
        evidence.bound[sub[0].text] = (spelling(sub[2:]), spelling(sup))


def _groups(evidence: _Evidence) -> list[set[str]]:
    """Letters that stand in the same place of the same name are of one sort."""
    groups: list[set[str]] = []
    for letters in evidence.letters.values():
        group = {letter for letter in letters if letter}
        for other in [other for other in groups if other & group]:
            groups.remove(other)
            group |= other
        if group:
            groups.append(group)
    return groups


def _steps(groups: list[set[str]], evidence: _Evidence) -> set[str]:
    """The group that is shifted below (x_{t-1}) or in brackets; t, where nothing is; above, where it is time."""

    def weight(group: set[str]) -> tuple[int, int, int]:
        return (
            sum(evidence.shifted[letter] for letter in group),
            int("t" in group),
            sum(evidence.shifted_above[letter] for letter in group),
        )

    best = max(groups, key=weight, default=set())
    return best if best and max(weight(best)) > 0 else set()


def _bounds(steps: set[str], evidence: _Evidence) -> tuple[str, str]:
    """The last step and the first: from the sums over a step's letter, else T and 1."""
    ranges = [bounds for letter, bounds in evidence.bound.items() if f"{_BOUND}{letter}" in steps]
    ends = [high for _, high in ranges if re.fullmatch(r"[A-Za-z]", high)]
    starts = [low for low, _ in ranges if low.isdigit()]
    upper = (
        [end for end in ends if end.isupper()]
        or [letter for letter in sorted(steps) if letter.isalpha() and letter.isupper() and len(letter) == 1]
        or ends
    )
    return (upper[0] if upper else "T"), min(starts, default="1")


def sides_of(chains: tuple[Chain, ...]) -> Iterator[tuple[str, Node, Node]]:
    """Every relation with its two sides."""
    for chain in chains:
        yield from (
            (relation, left, right)
            for left, relation, right in zip(chain.sides, chain.relations, chain.sides[1:], strict=False)
        )
