"""Single edits of the lines of backpropagation, and the same edit in several lines at once.

Code that computes four gates in one array slips in all of them together; what is computed once and used twice is wrong
in both places. So edits whose descriptions are one, but for the gate's letter and a shift of the step, are also made
together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from derive.language import nodes
from derive.language.build import matmul, negate
from derive.language.shapes import axes
from derive.language.show import show, show_name
from derive.model import Model, members
from derive.quantities import parameters
from derive.rules.rewriting import replaced
from verify.audit.backward_formulas import Formulas, Line, Lines, Place
from verify.audit.slips_of_code import kinds
from verify.edits import Neighbour, neighbours


@dataclass(frozen=True)
class Context:
    """What a slip may look at: one line of backpropagation, and the model with all names."""

    left: Any
    right: Any
    model: Model
    is_typed: bool = True


@dataclass(frozen=True)
class LineEdit:
    """One term of one line with a slip in it.

    `name` is the same for the same slip at another step, `label` is so in another gate too.
    """

    line: Line
    place: int
    kind: str
    words: str
    label: str
    name: str
    term: Any
    node: Any
    changed: Any

    @property
    def at(self) -> Place:
        """Where it is."""
        return self.line.key, self.place

    def lines(self, formulas: Formulas) -> Lines:
        """The line as it should be, and with the slip."""
        return Lines.of(formulas, [self.line], [self.line.with_term(self.place, self.term)])

    def reads_beyond(self, formulas: Formulas) -> bool:
        """Whether the term reads a value at a step that may not exist."""
        letter = formulas.letter
        shifts = [m.time - letter for m in members(self.term) if m.name not in formulas.adjoints]
        return any(shift.is_Integer and not -1 <= shift <= 0 for shift in shifts) or self.kind == "bounds"


@lru_cache(maxsize=256)
def edits_of_line(formulas: Formulas, key: str) -> tuple[LineEdit, ...]:
    """All edits of one line, the frequent kinds first."""
    line = formulas.adjoints.get(key) or formulas.gradients[key]
    tokens = _tokens(formulas)
    found = list(_of_terms(line, tokens))
    context = Context(line.left, line.right, formulas.named)
    for kind, slip in kinds():
        for place, term in enumerate(line.terms):
            for near in neighbours(term, context, axes(term), {kind: slip}):
                names = label_of(near, tokens), label_of(near, {})
                nodes_of = near.place.node, near.changed
                found.append(LineEdit(line, place, kind, told(near), *names, near.formula, *nodes_of))
    return tuple(found)


OF_TERMS = ("term", "term sign", "term factor")


def _of_terms(line: Line, tokens: Mapping[str, str]) -> Iterator[LineEdit]:
    """A term is missing, has the other sign, is doubled or halved."""
    for place, term in enumerate(line.terms):
        zero = sp.ZeroMatrix(*term.shape)
        text = show(term)
        made = [
            ("term", f"the term {text} is missing", zero),
            ("term sign", f"the sign of {text} is wrong", negate(term)),
            ("term factor", f"{text} is doubled", matmul(2, term)),
            ("term factor", f"{text} is halved", matmul(sp.Rational(1, 2), term)),
        ]
        for kind, words, changed in made:
            label, name = (f"{kind}: {abstract(words, some)}" for some in (tokens, {}))
            yield LineEdit(line, place, kind, words, label, name, changed, term, changed)


def told(near: Neighbour) -> str:
    """What a slip did, for a person."""
    before, after = show(near.place.node), show(near.changed)
    node, changed = near.place.node, near.changed
    if near.kind == "bounds" and isinstance(node, nodes.TimeSum) and isinstance(changed, nodes.TimeSum):
        return _bounds(node, changed)
    if near.kind == "one step":
        return near.description.replace("summed", "is summed")
    if near.kind == "drop":
        part = near.description.removesuffix(" dropped")
        return f"{part} is missing in {before}"
    if near.kind == "sign":
        return f"the sign of {near.description.removesuffix(' negated')} is wrong"
    if near.kind in ("factor 2", "power", "repeat"):
        return f"{near.description.replace(' doubled', ' is doubled').replace(' halved', ' is halved')}"
    return f"{after} in place of {before}"


def _bounds(node: nodes.TimeSum, changed: nodes.TimeSum) -> str:
    if changed.lo == node.lo + 1:
        return f"the oldest term ({node.index} = {node.lo}) of the sum is missing"
    if changed.hi == node.hi - 1:
        return f"the last term ({node.index} = {node.hi}) of the sum is missing"
    return f"the sum runs over {changed.lo}..{changed.hi} in place of {node.lo}..{node.hi}"


def label_of(near: Neighbour, tokens: Mapping[str, str]) -> str:
    """A slip's name without the gate's letter and without a shift of its step."""
    if near.kind == "complement":
        member = next(iter(members(near.place.node)), None)
        return f"complement of {'' if member is None else member.name}"
    if near.kind in ("bounds", "one step"):
        return f"{near.kind}: {told(near)}"
    return f"{near.kind}: {abstract(near.description, tokens)}"


def abstract(text: str, tokens: Mapping[str, str]) -> str:
    """U_i δ^i[k+1] as U_· δ^·[k]."""
    text = _TOKEN.sub(lambda match: tokens.get(match[0], match[0]), text)
    return text if "[k]" in text else text.replace("[k+1]", "[k]")


_TOKEN = re.compile(r"[^\s()\[\],+\-'ᵀ⊙/=]+")


@lru_cache(maxsize=64)
def _tokens(formulas: Formulas) -> Mapping[str, str]:
    """The names with a gate's letter, without it; the gates' functions are one f."""
    gates = gates_of(formulas.model)
    if len(gates) < 2:
        return {}
    names = [*formulas.parameters, *formulas.adjoints]
    names += [equation.name for equation in formulas.model.forward]
    found = {"σ": "f", "tanh": "f"}
    for name in names:
        for gate in gates:
            bare = re.sub(rf"(?<![A-Za-z\\]){gate}(?![A-Za-z])", "·", name)
            if bare != name:
                found[show_name(name)] = show_name(bare)
    return found


def gates_of(model: Model) -> tuple[str, ...]:
    """The letters that several parameters carry: i, f, o, g."""
    marks: dict[str, int] = {}
    for parameter in parameters(model):
        match = re.search(r"_\{?([A-Za-z])\}?$", str(parameter.name))
        if match:
            marks[match[1]] = marks.get(match[1], 0) + 1
    return tuple(mark for mark, count in marks.items() if count > 1)


def together(edits: list[LineEdit]) -> list[tuple[LineEdit, ...]]:
    """Edits of one label, or of one name, made at once; those that a single line and term has alone are left out."""
    groups: dict[tuple[str, str], list[LineEdit]] = {}
    for edit in edits:
        groups.setdefault(("label", edit.label), []).append(edit)
        groups.setdefault(("name", edit.name), []).append(edit)
    found = (tuple(group) for group in groups.values() if len({edit.at for edit in group}) > 1)
    return list(dict.fromkeys(found))


def merged(group: tuple[LineEdit, ...]) -> tuple[dict[Place, Any], list[LineEdit]]:
    """The changed terms of a group, and the edits that were made: of two in one term the second one only where it is
    apart from the first."""
    found: dict[Place, Any] = {}
    made: list[LineEdit] = []
    for edit in group:
        before = [one.node for one in made if one.at == edit.at]
        if any(node.has(edit.node) or edit.node.has(node) for node in before):
            continue
        found[edit.at] = replaced(found[edit.at], edit.node, edit.changed) if before else edit.term
        made.append(edit)
    return found, made
