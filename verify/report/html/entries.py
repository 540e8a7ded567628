"""What is shown of one line of a report: everything that is known, ready for the templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from derive.language.show import show_name
from derive.latex.conventions import Conventions
from verify.counterexample import Counterexample
from verify.deciders.outcome import Outcome
from verify.errors import clean
from verify.judge import Entry
from verify.pictures import Picture, pictures_of_entry
from verify.report.html import numbers
from verify.report.html.derivations import OPEN, DerivationView, derived
from verify.report.html.differing import Difference, difference
from verify.report.html.maths import in_one_row
from verify.report.html.proofs import ProofView, proof
from verify.report.model import SIGNS
from verify.verdict import Repair, Verdict

WITNESSES = {
    "equal": "equal",
    "differ": "differ",
    "unknown": "cannot decide it",
    "limit": "reached a limit",
    "failed": "broke",
}
LATEX_LIMIT = 2_000  # characters of a formula in a label


@dataclass(frozen=True)
class RepairView:
    """One edit: in words, the mended line, and both lines with what changes marked."""

    edit: str
    latex: str
    scope: str
    difference: Difference | None


@dataclass(frozen=True)
class ExampleView:
    """A counterexample: where, what goes in, both sides with the differing entries marked."""

    title: str
    summary: str
    inputs: Sequence[Markup]
    functions: Sequence[Markup]
    left: Markup
    right: Markup
    count: int


@dataclass(frozen=True)
class WitnessView:
    """One witness and what it says."""

    name: str
    outcome: str
    words: str
    instances: str
    bound: str
    detail: str


@dataclass(frozen=True)
class EntryView:
    """One line of a report."""

    entry: Entry
    anchor: str
    kind: str  # the verdict, or given, skipped
    sign: str
    is_ok: bool
    headline: str  # one line that says what is known
    place: str
    chain: str = ""  # the anchor of the whole equation, of which this is one relation
    caret: str = ""
    message: str = ""
    hint: str = ""
    repairs: Sequence[RepairView] = ()
    repair_note: str = ""
    example: ExampleView | None = None
    derivation: DerivationView | None = None
    proof: ProofView | None = None
    witnesses: Sequence[WitnessView] = ()
    readings: Sequence[tuple[str, str, str]] = ()
    assumptions: Sequence[str] = ()
    scope: str = ""
    pictures: Sequence[Picture] = ()
    seconds: str = ""

    @property
    def id(self) -> str:
        """The id, without what would reorder text."""
        return clean(self.entry.id)

    @property
    def is_expected(self) -> bool:
        """Whether the document says so itself, of a verdict that is not proved."""
        return self.entry.expected is not None and self.is_ok and self.kind != "proved"

    @property
    def latex(self) -> str:
        """The formula of this line alone."""
        return in_one_row(self.entry.latex)

    @property
    def understood(self) -> str:
        """The formula as it was understood, where it was."""
        entry = self.entry
        return clean(entry.text) if entry.text and entry.text != entry.latex else ""

    @property
    def sought(self) -> str:
        """What a search finds it by."""
        return f"{self.id} {clean(self.entry.latex)} {self.understood} {self.kind}".lower()[:LATEX_LIMIT]


def view(
    entry: Entry, anchor: str, require_proof: bool = False, timings: bool = False, chain: str = "",
    declared: Conventions = OPEN,
) -> EntryView:  # fmt: skip
    """Everything that is known of one line; formulas of ours in the conventions that its document declares."""
    verdict = entry.verdict
    where = f"line {entry.place.line}" if entry.place.line else ""
    if verdict is None:
        words = "taken as given" if entry.role == "given" else "not checked"
        return EntryView(entry, anchor, entry.role, "·", True, words, where, chain)
    is_ok = entry.is_ok(require_proof) if entry.role == "claim" else False
    said = headline(verdict, entry, is_ok)
    return EntryView(
        entry,
        anchor,
        verdict.verdict,
        SIGNS[verdict.verdict],
        is_ok,
        said,
        where,
        chain,
        caret="" if verdict.place is None else verdict.place.caret(),
        message="" if said.startswith(clean(verdict.message)) else clean(verdict.message),
        hint=clean(verdict.advice),
        repairs=[_repair(one, entry, verdict) for one in verdict.repairs],
        repair_note=clean(verdict.repair_note),
        example=None if verdict.counterexample is None else _example(verdict.counterexample, verdict.failing),
        derivation=None if entry.claim is None else derived(entry.claim, declared),
        proof=None if verdict.certificate is None else proof(verdict.certificate, declared),
        witnesses=[_witness(one) for one in verdict.witnesses],
        readings=[_reading(one.choices, one.verdict, one.detail) for one in verdict.readings],
        assumptions=[clean(text) for text in verdict.assumptions],
        scope=with_signs(f"sizes: {clean(verdict.sizes)}; steps: {clean(verdict.times)}")
        if entry.role == "claim"
        else "",
        pictures=pictures_of_entry(entry),
        seconds=f"{verdict.seconds * 1000:.1f} ms" if timings else "",
    )


def with_signs(text: str) -> str:
    """2 <= \\tau as 2 ≤ τ."""
    return show_name(text).replace("<=", "≤").replace(">=", "≥").replace("!=", "≠")


def headline(verdict: Verdict, entry: Entry | None = None, is_ok: bool = True) -> str:
    """One line that says what is known, and whether the document expected it."""
    if verdict.verdict == "proved":
        steps = "" if verdict.times in ("all", "none") else f" and steps {with_signs(verdict.times)}"
        said = f"for {'all sizes' if verdict.sizes == 'all' else f'sizes {verdict.sizes}'}{steps}"
    else:
        said = verdict.message or verdict.reason or verdict.verdict
    if entry is not None and entry.expected is not None:
        said += f" ({'as' if is_ok else 'but'} the document expects {entry.expected})"
    return clean(said)


def _repair(repair: Repair, entry: Entry, verdict: Verdict) -> RepairView:
    scope = verdict.scope_of(repair)
    return RepairView(
        clean(repair.edit),
        repair.latex,
        f"proved for {with_signs(clean(scope))}" if scope else "proved",
        difference(in_one_row(entry.latex), repair.latex),
    )


def _example(example: Counterexample, reading: str) -> ExampleView:
    left, right, count = numbers.sides(example)
    title = example.title.capitalize()
    return ExampleView(
        clean(f"{title} with {reading}" if reading else title),
        clean(example.summary()),
        numbers.inputs(example),
        numbers.functions(example),
        left,
        right,
        count,
    )


def _witness(outcome: Outcome) -> WitnessView:
    return WitnessView(
        clean(outcome.witness),
        outcome.outcome,
        WITNESSES[outcome.outcome],
        str(outcome.instances or ""),
        "" if outcome.bound is None else f"≤ {_power_of_ten(outcome.bound)}",
        clean(outcome.detail),
    )


def _power_of_ten(number: float) -> str:
    """5.8e-21 as 5.8·10⁻²¹."""
    digits, _, power = f"{number:.1e}".partition("e")
    return f"{digits}·10{str(int(power)).translate(_RAISED)}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _reading(choices: object, verdict: str, detail: str) -> tuple[str, str, str]:
    pairs = choices.items() if hasattr(choices, "items") else ()
    return ", ".join(f"{key}: {value}" for key, value in pairs), verdict, clean(detail)
