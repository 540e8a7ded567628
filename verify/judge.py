"""From a document's statements to verdicts, link by link, over every reading that the conventions leave open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from time import perf_counter

from derive.language.show import show
from derive.latex.conventions import OPTIONS
from verify.cache import Cache
from verify.check import settle
from verify.claim import Claim
from verify.deadline import Overtime, deadline
from verify.deciders.normal_form import Session
from verify.document.interpret import Interpreter, Reading
from verify.document.statements import Document, Link, Statement
from verify.errors import Place, WitnessConflict
from verify.hints import hints
from verify.limits import Effort
from verify.repair import Search, is_false_early
from verify.verdict import ReadingVerdict, Verdict

RELATION_SIGNS = {"=": "=", "<=": "≤", ">=": "≥", "<": "<", ">": ">", "!=": "≠"}
IS_GOOD = ("proved", "tested")


@dataclass(frozen=True)
class Entry:
    """One line of a report: a link of a claim, a given, or something skipped."""

    id: str
    role: str
    latex: str
    place: Place
    verdict: Verdict | None
    expected: str | None = None
    statement: str = ""
    text: str = ""  # the formula as it was understood, as plain text; the LaTeX where it was not
    claim: Claim | None = field(default=None, repr=False, compare=False)  # in the first reading that type-checks
    skip: str = ""  # why nothing is claimed, of what is skipped

    def is_ok(self, require_proof: bool = False) -> bool:
        """Whether this is as it should be: as expected, or good where nothing is expected."""
        if self.verdict is None:
            return True
        if self.expected is not None:
            return self.verdict.verdict == self.expected
        return self.verdict.verdict == "proved" or (self.verdict.verdict == "tested" and not require_proof)


class Judge:
    """Settles the claims of one document; equal claims are settled once, those in the cache not at all."""

    def __init__(self, document: Document, effort: Effort, cache: Cache | None = None) -> None:
        self.document = document
        self.effort = effort
        self.cache = cache
        self.settler = settle if cache is None else cache.settle
        self.interpreter = Interpreter(document)
        self.known: dict[Claim, Verdict] = {}
        self.session = Session()

    def entries(self, wanted: Callable[[str], bool] = lambda _: True) -> Iterator[Entry]:
        """The report's lines in the document's order; `wanted` picks claims by id."""
        for statement, link in lines(self.document):
            if statement.role != "claim" or wanted(statement.id) or (link and wanted(link_id(statement, link))):
                yield self.entry(statement, link)

    def claimed(self, statement: Statement, names: Collection[str]) -> Iterator[Entry]:
        """The lines of one claim: its links, as far as `names` has their ids or the statement's own."""
        return (self.entry(statement, link) for link in chosen(statement, names))

    def entry(self, statement: Statement, link: Link | None) -> Entry:
        """One of `lines(document)`, judged. Raises `WitnessConflict`."""
        if statement.role != "claim":
            return unclaimed(statement)
        return _unreadable(statement) if link is None else self._link(statement, link)

    def _link(self, statement: Statement, link: Link) -> Entry:
        if link.skip is not None:
            return _skipped(statement, link)
        expected, name = _expected(statement, link), link_id(statement, link)
        began = perf_counter()
        verdict, text, readings = self._read(statement, link)
        if verdict.verdict == "refuted" and self.effort.repair_seconds > 0:
            verdict = self._with_repairs(verdict, statement, link, readings)
        verdict = replace(verdict, seconds=perf_counter() - began)
        claim = understood(readings)
        return Entry(name, "claim", link.latex, statement.place, verdict, expected, statement.id, text, claim)

    def _read(self, statement: Statement, link: Link) -> tuple[Verdict, str, tuple[Reading, ...]]:
        """The verdict, the formula as it was understood, its readings; what nests too deep is unreadable."""
        try:
            readings = () if link.problem is not None else self.interpreter.readings(statement, link)
            text = _text(link, readings)
        except RecursionError:
            return Verdict("unreadable", "the formula is nested too deep", place=statement.place), link.latex, ()
        return self._guarded(statement, link, readings), text, readings

    def _guarded(self, statement: Statement, link: Link, readings: tuple[Reading, ...]) -> Verdict:
        """The verdict; a witness that breaks costs this claim its verdict and no other."""
        try:
            with deadline(self.effort.seconds):
                return self._with_hint(self.verdict(link, readings), statement, link, readings)
        except Overtime:
            return Verdict("undecided", f"the time limit of {self.effort.seconds:g} s for one claim was reached")
        except WitnessConflict as conflict:
            raise WitnessConflict(f"{statement.place}: {link_id(statement, link)}: {conflict}") from None
        except (Exception, RecursionError) as error:  # any error here is ours, whatever its kind
            return Verdict(
                "undecided", f"a witness broke, which is an error in Backproof: {type(error).__name__}: {error}"
            )

    def _with_hint(self, verdict: Verdict, statement: Statement, link: Link, readings: tuple[Reading, ...]) -> Verdict:
        claim = readings[0].claim if len(readings) == 1 else None
        if verdict.verdict != "refuted" or claim is None:
            return verdict
        return replace(verdict, hint=hints(claim, statement, link, self.interpreter, self._is_good))

    def _with_repairs(
        self, verdict: Verdict, statement: Statement, link: Link, readings: tuple[Reading, ...]
    ) -> Verdict:
        """The proved lines one edit away; what was found before the time limit counts."""
        seconds = self.effort.repair_seconds
        search = Search(statement, link, self.interpreter, self.verdict, seconds, self.effort.seed, cache=self.cache)
        note = ""
        try:
            with deadline(10 * seconds):  # the search counts its computing time itself; this is for a step that hangs
                search.run(readings)
        except Overtime:
            pass
        except WitnessConflict as conflict:
            raise WitnessConflict(f"{statement.place}: a repair of {link_id(statement, link)}: {conflict}") from None
        except (Exception, RecursionError) as error:  # costs the repair, not the verdict
            note = f"the search for a repair broke, which is an error in Backproof: {type(error).__name__}: {error}"
        if not note and not search.is_complete:
            note = f"the search for a repair stopped after {seconds:g} s; --repair-limit gives it longer"
        return replace(verdict, repairs=search.repairs, repair_note=note)

    def verdict(self, link: Link, readings: tuple[Reading, ...]) -> Verdict:
        """The verdict on one link, given all its readings."""
        if link.problem is not None:
            return Verdict("unreadable", link.problem.message, place=link.problem.place)
        typed = [reading for reading in readings if reading.claim is not None or reading.is_order_error]
        if not typed:
            return _ill_typed(readings)
        verdicts = [self._reading_verdict(reading) for reading in typed]
        if len(readings) == 1:
            return verdicts[0]
        return _over_readings(readings, typed, verdicts)

    def _reading_verdict(self, reading: Reading) -> Verdict:
        """A reading whose sides have their entries in different orders is false, not ill-typed."""
        if reading.instances:
            return self._over_layers(reading.instances)
        if reading.claim is not None:
            return self._settle(reading.claim)
        assert reading.problem is not None
        return Verdict("refuted", reading.problem.message, "shape", place=reading.problem.place)

    def _over_layers(self, instances: tuple[tuple[str, Claim], ...]) -> Verdict:
        """A claim over layers and steps: the first layer at which it is not good, else tested for these layers."""
        verdicts, names = [], []
        for which, claim in instances:
            verdict = self._settle(claim)
            if verdict.verdict == "undecided" and verdict.times == "none":
                continue  # nothing exists there: no claim
            if verdict.verdict not in IS_GOOD:
                return replace(verdict, message=f"with {which}: {verdict.message}")
            verdicts.append(verdict)
            names.append(which)
        if not verdicts:
            return Verdict("undecided", "no layer is in scope, so nothing ran", times="none")
        layers = f"{names[0]} to {names[-1]} ({len(names)} in all)"  # a condition may leave some out
        reason = f"for the layers {layers}, each with all sizes; nothing is proved for all layers"
        return replace(
            verdicts[-1], verdict="tested", message=reason, times=f"{verdicts[-1].times}; {layers}",
            is_proved_at_each=all(verdict.verdict == "proved" for verdict in verdicts),
        )  # fmt: skip

    def _is_good(self, claim: Claim) -> bool:
        """For a hint the deciders are asked; the numeric witnesses have enough to do with the claims themselves."""
        known = self.known.get(claim)
        if known is not None and known.verdict == "proved":  # what is less than sure depends on who was asked
            return True
        if claim.relation == "=" and is_false_early(claim, self.effort.seed):
            return False  # most of what a hint asks about; no counterexample of it is shown
        return self.settler(claim, replace(self.effort, examples=0), self.session).verdict in IS_GOOD

    def _settle(self, claim: Claim) -> Verdict:
        if claim not in self.known:
            self.known[claim] = self.settler(claim, self.effort, self.session)
        return self.known[claim]


def claim_ids(statement: Statement) -> tuple[str, ...]:
    """What a claim may be asked for by: its own id, and those of its links."""
    return (statement.id, *(name for link in statement.links if (name := link_id(statement, link)) != statement.id))


def chosen(statement: Statement, names: Collection[str]) -> list[Link | None]:
    """The links of a claim that `names` asks for; None stands for a claim that could not be read at all."""
    if statement.problem is not None or not statement.links:
        return [None] if statement.id in names else []
    is_whole = statement.id in names
    return [link for link in statement.links if is_whole or link_id(statement, link) in names]


def unclaimed(statement: Statement) -> Entry:
    """The line of what is given or skipped."""
    problem = statement.problem
    verdict = None
    if statement.role == "given" and problem is not None:
        verdict = Verdict("unreadable", problem.message, place=problem.place)
    skip = statement.directives.skip or ""
    return Entry(
        statement.id, statement.role, statement.latex, statement.place, verdict, statement=statement.id, skip=skip
    )


def unsettled(statement: Statement, names: Collection[str], reason: str) -> Iterator[Entry]:
    """The lines of a claim of which nothing is known, and why."""
    verdict = Verdict("undecided", reason)
    for link in chosen(statement, names):
        if link is None:
            yield _unreadable(statement)
        elif link.skip is not None:
            yield _skipped(statement, link)
        else:
            expected, name = _expected(statement, link), link_id(statement, link)
            yield Entry(name, "claim", link.latex, statement.place, verdict, expected, statement.id, link.latex)


def _unreadable(statement: Statement) -> Entry:
    problem = statement.problem
    assert problem is not None
    verdict = Verdict("unreadable", problem.message, place=problem.place)
    expected = statement.directives.expect.get("")
    return Entry(statement.id, "claim", statement.latex, statement.place, verdict, expected, statement.id)


def _skipped(statement: Statement, link: Link) -> Entry:
    name, skip = link_id(statement, link), link.skip or ""
    return Entry(name, "skipped", link.latex, statement.place, None, None, statement.id, skip=skip)


def _expected(statement: Statement, link: Link) -> str | None:
    expect = statement.directives.expect
    return expect.get(str(link.position), expect.get(""))


def understood(readings: tuple[Reading, ...]) -> Claim | None:
    """The claim of the first reading that type-checks."""
    return next((reading.claim for reading in readings if reading.claim is not None), None)


def _text(link: Link, readings: tuple[Reading, ...]) -> str:
    """What was understood, as plain text."""
    claim = understood(readings)
    return link.latex if claim is None else told(claim)


def told(claim: Claim) -> str:
    """A claim as plain text."""
    return f"{show(claim.left)} {RELATION_SIGNS[claim.relation]} {show(claim.right)}"


def lines(document: Document) -> Iterator[tuple[Statement, Link | None]]:
    """What becomes a line of a report, in the document's order: a claim link by link, anything else as a whole."""
    for statement in document.statements:
        if statement.role != "claim" or statement.problem is not None or not statement.links:
            yield statement, None
        else:
            yield from ((statement, link) for link in statement.links)


def link_id(statement: Statement, link: Link) -> str:
    """2.3 where the equation is one relation, else 2.3/1, 2.3/2."""
    return statement.id if len(statement.links) == 1 else f"{statement.id}/{link.position}"


def _ill_typed(readings: tuple[Reading, ...]) -> Verdict:
    """No reading type-checks: refuted by shape, unless something could not even be read."""
    problems = [(reading, reading.problem) for reading in readings if reading.problem is not None]
    unread = next((problem for reading, problem in problems if not reading.is_shape_error), None)
    if unread is not None:
        return Verdict("unreadable", unread.message, place=unread.place)
    message = problems[0][1].message
    if len(problems) > 1:
        message = f"ill-typed in every reading; in the first: {message}"
    return Verdict("refuted", message, "shape", place=problems[0][1].place)


def _over_readings(readings: tuple[Reading, ...], typed: list[Reading], verdicts: list[Verdict]) -> Verdict:
    """One verdict where the readings agree, conditional where they differ."""
    table = tuple(
        ReadingVerdict(reading.choices, verdict.verdict, verdict.message)
        for reading, verdict in zip(typed, verdicts, strict=True)
    )
    kinds = {verdict.verdict for verdict in verdicts}
    if len(kinds) == 1 or kinds <= set(IS_GOOD):
        weakest = min(verdicts, key=lambda v: (v.verdict == "proved", v.is_proved_at_each))
        return _surviving(readings, typed, weakest)
    if "undecided" in kinds and not kinds & set(IS_GOOD):
        return replace(next(v for v in verdicts if v.verdict == "undecided"), readings=table)
    good = next((r for r, v in zip(typed, verdicts, strict=True) if v.verdict in IS_GOOD), None)
    keys = _deciding_keys(typed, verdicts)
    names = ", ".join(keys)
    message = f"depends on {names}, which the document leaves open"
    hint = "; ".join(f"declare `{key}: {good.choices[key]}`" for key in keys if key in good.choices) if good else ""
    hint = f"{hint} for the reading in which it holds" if hint else ""
    shown = next(v for v in verdicts if v.verdict not in IS_GOOD)
    return Verdict(
        "conditional", message, hint=hint, times=verdicts[0].times, readings=table,
        witnesses=verdicts[0].witnesses, counterexample=shown.counterexample, claim=shown.claim,
        assumptions=verdicts[0].assumptions,
    )  # fmt: skip


def _surviving(readings: tuple[Reading, ...], typed: list[Reading], verdict: Verdict) -> Verdict:
    """Where other readings do not type-check, the surviving one is named."""
    if len(typed) == len(readings):
        return verdict
    fixed = {key: {r.choices[key] for r in typed if key in r.choices} for key in OPTIONS}
    names = [f"{key}: {next(iter(values))}" for key, values in fixed.items() if len(values) == 1]
    note = f" (read with {', '.join(names)}; the other readings do not type-check)" if names else ""
    return replace(verdict, message=verdict.message + note)


def _deciding_keys(typed: list[Reading], verdicts: list[Verdict]) -> list[str]:
    """The open conventions on which the verdict really depends: two readings that differ in it alone disagree."""
    found = []
    good = [verdict.verdict in IS_GOOD for verdict in verdicts]
    for key in OPTIONS:
        for first, is_good in zip(typed, good, strict=True):
            for second, other_good in zip(typed, good, strict=True):
                rest = {k: v for k, v in first.choices.items() if k != key}
                same = {k: v for k, v in second.choices.items() if k != key}
                if is_good and not other_good and rest == same and key in first.choices and key not in found:
                    found.append(key)
    return found or [key for key in OPTIONS if any(key in reading.choices for reading in typed)]
