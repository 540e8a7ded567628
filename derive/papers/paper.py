"""What a paper says, block by block, before any form of it is written: headings, sentences, equations, derivations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.derivation import Derivation
from derive.language import nodes
from derive.language.derivatives import BlockJacobian, FamilyDerivative, Gradient, Jacobian
from derive.latex.conventions import Conventions
from derive.latex.printer import TEXTBOOK, Printer
from derive.model import Model
from derive.papers import declared, symbols
from derive.papers.rules import RULES, RuleWords
from derive.papers.words import filled, words


@dataclass(frozen=True)
class Heading:
    """The heading of a section."""

    text: str


@dataclass(frozen=True)
class Prose:
    """A paragraph; formulas stand between dollars."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list, each item like a paragraph; `marks` stand before them in place of dots."""

    texts: tuple[str, ...]
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One line of a derivation: a formula, and the numbers of the rules that give it, with their names."""

    formula: str
    rules: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Display:
    """left = row = row …, numbered and known under an id; `directives` speak to the verifier."""

    id: str
    left: str
    rows: tuple[Row, ...]
    directives: tuple[str, ...] = ()

    def with_fewer_rows(self) -> Display:
        """The same with its longest row joined with the next, which names the rules of both; the result stays."""
        place = max(range(len(self.rows) - 1), key=lambda place: len(self.rows[place].formula))
        first, second = self.rows[place : place + 2]
        joined = Row(second.formula, tuple(sorted({*first.rules, *second.rules})))
        return replace(self, rows=(*self.rows[:place], joined, *self.rows[place + 2 :]))


@dataclass(frozen=True)
class Displays:
    """Equations that stand below each other, aligned."""

    equations: tuple[Display, ...]


Block = Heading | Prose | Items | Display | Displays


@dataclass(frozen=True)
class Paper:
    """A title, the lines of the declaration block, and the rest.

    Formulas are LaTeX as the printer writes it; the names in them come from documents and may hold anything.
    """

    title: str
    language: str
    declaration: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def displays(self) -> Iterator[Display]:
        """All equations, in order."""
        for block in self.blocks:
            if isinstance(block, Display):
                yield block
            elif isinstance(block, Displays):
                yield from block.equations


def paper(
    title: str,
    derivations: Iterable[Derivation],
    layout: str = "numerator",
    vec: str = "column",
    language: str = "en",
    *,
    steps: bool = True,
    declare: bool = True,
) -> Paper:
    """The paper of derivations of one model: its equations, the notation, every derivation, the rules.

    Without `steps` each result stands alone and no rules are listed; without `declare` there is no declaration block,
    for what a document has no word for. Raises `BackproofError` where there is no
    derivation, where models differ, and for names that no paper can hold.
    """
    found = _Author(tuple(derivations), replace(TEXTBOOK, layout=layout, vec=vec), language, steps).paper(title)
    return found if declare else replace(found, declaration=())


class _Author:
    """Writes one paper; `numbers` counts the rules in the order in which they are used."""

    def __init__(
        self, derivations: tuple[Derivation, ...], conventions: Conventions, language: str, steps: bool
    ) -> None:
        self.derivations, self.conventions, self.language, self.steps = derivations, conventions, language, steps
        self.words: Mapping[str, str] = words(language)
        self.model: Model = declared.one_model(derivations)
        self.formulas = declared.formulas_of(self.model, derivations)
        self.numbers: dict[str, int] = {}

    def paper(self, title: str) -> Paper:
        model, named, own = self._givens()
        ids = [one.id for one in (*model, *named, *own)]
        block = declared.block_of(self.model, self.derivations, self.conventions, ids)
        results = [*self._results()]
        blocks: list[Block] = [
            Prose(self.words["intro" if self.steps else "intro.results"]),
            Heading(self.words["model"]),
            Prose(self._lead()),
            Displays(tuple(model)),
            *self._named("own", own),
            *(Prose(text) for text in symbols.sentences(self.model, self.formulas, self.language)),
            Heading(self.words["notation"]),
            *self._named("names", named),
            Items(tuple(self._conventions())),
            *results,
            *(self._rules() if self.steps else []),
        ]
        return Paper(title, self.language, tuple(block), tuple(blocks))

    # --- the model ---------------------------------------------------------------------------------------------------

    def _givens(self) -> tuple[list[Display], list[Display], list[Display]]:
        """The equations of the model, the names for derivatives, and what is known of functions of the user's own."""
        printer = Printer(self.conventions)
        found: tuple[list[Display], list[Display]] = ([], [])
        for given in declared.givens_of(self.model):
            left, right = declared.given_sides(given, self.conventions)
            display = self._equation(given.id, left, right, printer)
            found[self.model.is_definition(given)].append(display)
        own = [self._equation(id, left, right, printer) for id, left, right in declared.own_functions_of(self.formulas)]
        return (*found, own)

    def _equation(self, id: str, left: Any, right: Any, printer: Printer) -> Display:
        return Display(id, printer.text(left), (Row(printer.text(right)),))

    def _lead(self) -> str:
        time, letter = self.model.time, declared.index_letter(self.model)
        if all(equation.index is None for equation in self.model.equations):
            return self.words["model.once"]
        key = "model.last" if letter == str(time.last) else "model.every"
        return filled(self.words[key], letter=letter, first=time.first, last=time.last)

    def _named(self, key: str, equations: list[Display]) -> list[Block]:
        """Equations behind a sentence of their own, nothing where there are none."""
        return [Prose(self.words[key]), Displays(tuple(equations))] if equations else []

    # --- notation ----------------------------------------------------------------------------------------------------

    def _conventions(self) -> Iterator[str]:
        """What a reader must know of the signs that are used, each once."""
        kinds = self._kinds()
        say = self.words.__getitem__
        if Jacobian in kinds or BlockJacobian in kinds:
            yield say(f"layout.{self.conventions.layout}")
        if Gradient in kinds:
            yield say("gradient")
        if "immediate" in kinds:
            yield say("immediate")
            if "total" in kinds:
                yield say("total")
        if FamilyDerivative in kinds:
            yield say("family")
        if nodes.Vec in kinds:
            yield say(f"vec.{self.conventions.vec}")
        for kind, key in ((nodes.Kronecker, "kronecker"), (HadamardProduct, "hadamard"), (nodes.Diag, "diag")):
            if kind in kinds or (kind is HadamardProduct and HadamardPower in kinds):
                yield say(key)
        if sp.OneMatrix in kinds:
            yield say("ones")
        if nodes.TimeProduct in kinds:
            yield say("product")
        if "tangent" in kinds:
            yield say("tangent")
        if "hessian" in kinds:
            yield say("hessian")

    def _kinds(self) -> set[Any]:
        """The types of all nodes of the paper, and the modes of its derivatives by parameters."""
        written = [*self.formulas, *(s.after for d in self.derivations for s in d.steps if self.steps)]
        found: set[Any] = set()
        for node in (node for formula in written for node in sp.preorder_traversal(formula)):
            found.add(type(node))
            if isinstance(node, Jacobian | FamilyDerivative | Gradient):
                by = node.by.matrix if isinstance(node.by, nodes.Vec) else node.by
                is_member = isinstance(by, nodes.Member) and bool(by.indices)
                found |= {"immediate"} if node.mode == "immediate" else set() if is_member else {"total"}
            if isinstance(node, nodes.Member) and str(node.name).startswith("\\dot{"):
                found.add("tangent")
            if isinstance(node, sp.MatrixSymbol) and str(node.name).startswith("\\mathcal{H}_"):
                found.add("hessian")
        return found

    # --- results -----------------------------------------------------------------------------------------------------

    def _results(self) -> Iterator[Block]:
        """The derivations of each kind under one heading, in the order in which they were asked for."""
        groups: dict[str, list[Derivation]] = {key: [] for key in _KINDS}
        for derivation in self.derivations:
            groups[_kind(derivation)].append(derivation)
        for key, found in groups.items():
            if found:
                yield Heading(self.words[key])
            for derivation in found:
                yield from self._derivation(derivation)

    def _derivation(self, derivation: Derivation) -> Iterator[Block]:
        local = declared.local_conventions(derivation, self.conventions)
        printer = Printer(local)
        lead = [*self._said_of(derivation, local, printer)]
        if lead:
            yield Prose(" ".join(lead))
        directives = tuple(declared.directives_of(derivation, self.conventions))
        rows = tuple(Row(printer.text(after), self._rules_of(names)) for after, names in self._lines(derivation))
        yield Display(derivation.name, printer.text(derivation.left), rows, directives)

    def _said_of(self, derivation: Derivation, local: Conventions, printer: Printer) -> Iterator[str]:
        """The conventions, conditions and assumptions of one derivation."""
        if local.vec != self.conventions.vec:
            yield self.words[f"directive.vec.{local.vec}"]
        if local.matrix != self.conventions.matrix:
            yield self.words[f"directive.matrix.{local.matrix}"]
        if derivation.conditions:
            conditions = self.words["where.join"].join(
                f"{sp.latex(a)} {_SIGNS[sign]} {sp.latex(b)}" for a, sign, b in derivation.conditions
            )
            yield filled(self.words["where"], conditions=conditions)
        if derivation.assumptions:
            assumed = self.words["where.join"].join(
                f"{printer.text(formula)} = {sp.latex(value)}" for formula, value in derivation.assumptions
            )
            yield filled(self.words["assuming"], assumptions=assumed)

    def _lines(self, derivation: Derivation) -> list[tuple[Any, tuple[str, ...]]]:
        """The formulas of a derivation with the rules that give each; those that no text can write are passed over."""
        if not self.steps or not derivation.steps:
            return [(derivation.right, ())]
        lines: list[tuple[Any, tuple[str, ...]]] = []
        pending: tuple[str, ...] = ()
        for step in derivation.steps:
            pending = (*pending, *step.names)
            if step is derivation.steps[-1] or not _is_unwritten(step.after):
                lines.append((step.after, tuple(dict.fromkeys(pending))))
                pending = ()
        return lines

    # --- rules -------------------------------------------------------------------------------------------------------

    def _rules_of(self, names: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
        """The numbers and names of rules, sorted by number."""
        numbered = {
            self.numbers.setdefault(name, len(self.numbers) + 1): RULES[name].name(self.language) for name in names
        }
        return tuple(sorted(numbered.items()))

    def _rules(self) -> Iterator[Block]:
        """Every rule that was named, with its number."""
        if not self.numbers:
            return
        yield Heading(self.words["rules"])
        marks = (filled(self.words["rule"], number=number) for number in self.numbers.values())
        yield Items(tuple(self._rule(RULES[name]) for name in self.numbers), tuple(marks))

    def _rule(self, rule: RuleWords) -> str:
        name = rule.name(self.language)
        name = name[:1].upper() + name[1:] if self.language == "en" else name
        parts = [name, f"${rule.formula}$" if rule.formula else ""]
        said = self.words["period"].join(part for part in parts if part) + self.words["period"]
        return (said + rule.note(self.language)).strip()


_SIGNS = {"<": "<", "<=": "\\le"}
_KINDS = ("others", "jacobians", "parameters", "errors", "tangents", "gradients")


def _kind(derivation: Derivation) -> str:
    """Under which heading a derivation stands."""
    left = derivation.left
    while isinstance(left, sp.Transpose | nodes.Vec):
        left = left.args[0]
    if isinstance(left, Gradient):
        return "gradients"
    if isinstance(left, BlockJacobian | FamilyDerivative):
        return "parameters"
    if isinstance(left, Jacobian):
        by = left.by.matrix if isinstance(left.by, nodes.Vec) else left.by
        if _is_number(left.what):
            return "gradients"
        return "jacobians" if isinstance(by, nodes.Member) and by.indices else "parameters"
    if isinstance(left, nodes.Member):
        return "tangents" if str(left.name).startswith("\\dot{") else "errors"
    return "tangents" if isinstance(left, sp.MatrixSymbol) else "others"


def _is_number(expr: Any) -> bool:
    """Whether a formula is a number, as a loss is."""
    return tuple(expr.shape) == (1, 1)


def _is_unwritten(expr: Any) -> bool:
    """Formulas that no text can write; their lines are joined with the next.

    f' of 1/z and of a root have no sign, and the transpose of ones alone says of no size how many they are.
    """
    return any(_has_no_sign(node) or _is_turned_ones(node) for node in sp.preorder_traversal(expr))


def _has_no_sign(node: Any) -> bool:
    return isinstance(node, nodes.Elementwise) and node.order > 0 and node.kind in ("reciprocal", "sqrt")


def _is_turned_ones(node: Any) -> bool:
    is_turned = isinstance(node, sp.Transpose) and node.has(sp.OneMatrix)
    return is_turned and not node.has(sp.MatrixSymbol, nodes.Member, sp.Identity)
