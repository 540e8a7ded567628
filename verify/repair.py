"""The one edit that would mend a refuted line: of all single edits of `verify.edits`, those after which it is proved.

Nothing is offered on sight. An edited claim is first tried at one choice of small steps, where the prime field throws
most of them out. What is left is printed under the document's conventions, read again as if the author had written
it, and offered only if that line is `proved` in every reading that type-checks. A line over layers and steps can be
`tested` at best, since nothing is proved for all layers: it is offered if at each layer that is tried it is proved.

Best is what changes fewest signs; then the side, right before left (what is derived is wrong more often than what it
is derived of); then the kind, as often as hands slip that way. Two right sides that are both proved equal to one left
side say the same, and so with two left sides: so one edit of the right side is offered, the best, and one of the left
side beside it only where that changes fewer signs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from time import process_time
from typing import Any

from derive.errors import BackproofError
from derive.latex.conventions import OPTIONS, Conventions
from derive.latex.parser import parse
from derive.latex.printer import TEXTBOOK, latex
from derive.latex.syntax import Chain
from derive.latex.written import as_declared
from derive.model import Model
from verify import blocks
from verify.cache import Cache
from verify.claim import Claim
from verify.deciders.prime_field.decide import differs_at
from verify.document.interpret import Interpreter, Reading
from verify.document.statements import Link, Statement
from verify.document.words import Choices
from verify.edits import Draft, Edit, edits_of
from verify.times import Times, instances
from verify.untyped import UntypedReader
from verify.verdict import Repair, Verdict

Settle = Callable[[Link, tuple[Reading, ...]], Verdict]

# kinds by how often published formulas are wrong that way (27 wrong ones were read: a name for another six times, a
# lost transpose and a lost term four times each, and so on); the kinds that none of them showed come last
FREQUENT = (
    "name", "transpose", "term", "index", "swap", "sign", "derivative order", "partial", "put in", "drop", "factor 2",
    "regroup", "bounds", "wrap", "unwrap", "scale", "entrywise", "convolution", "rearrange",
    "repeat",
)  # fmt: skip

SMALL = 3  # the last step of the first trial


@dataclass
class Search:
    """Looks for repairs of one link; `found` holds what is proved so far, also after an interruption.

    `text` is where the link stands, if not in the document; `seconds` is computing time. A search that came to its end
    is kept in the cache. What is kept are lines, and they are read and settled again: at worst a better one is missed.
    """

    statement: Statement
    link: Link
    interpreter: Interpreter
    settle: Settle
    seconds: float
    seed: int = 0
    text: str | None = None
    cache: Cache | None = None
    found: dict[str, tuple[Edit, Repair]] = field(default_factory=dict)
    recalled: tuple[Repair, ...] = ()
    is_complete: bool = False

    def run(self, readings: tuple[Reading, ...]) -> None:
        """What was found before, else a search."""
        reading = next((reading for reading in readings if reading.claim is not None), readings[0])
        if self._recall(reading):
            return
        self._search(reading)
        if self.is_complete:
            self._keep(reading)

    def _search(self, reading: Reading) -> None:
        """Try every single edit of one reading, best first, until the right side has a repair or time is over."""
        end = process_time() + self.seconds
        draft = self.draft(reading) if self.link.chain.relations == ("=",) else None
        candidates = []
        for edit in () if draft is None else edits_of(draft):
            candidates.append(edit)
            if process_time() > end:
                return
        for edit in sorted(candidates, key=_rank):
            if process_time() > end:
                return
            if edit.side not in self.found and not _is_trivial(edit.claim) and self._may_hold(edit.claim, reading):
                self._try(edit, reading.choices)
            if "right" in self.found:
                break
        self.is_complete = True

    @property
    def repairs(self) -> tuple[Repair, ...]:
        """What is proved, best first."""
        ranked = sorted(self.found.values(), key=lambda pair: _rank(pair[0]))
        return self.recalled or tuple(repair for _, repair in ranked)

    def _recall(self, reading: Reading) -> bool:
        """Whether the cache knows the end of this search, and each of its lines is proved today."""
        lines = None
        if self.cache is not None and reading.claim is not None:
            lines = self.cache.recall(reading.claim, self._about())
        if lines is None:
            return False
        try:
            read = [self._readings(line) for line, _, _ in lines]
        except BackproofError:
            return False
        verdicts = [self.settle(*one) for one in read]
        self.is_complete = all(map(_is_proved, verdicts))
        if self.is_complete:
            told = zip(lines, verdicts, strict=True)
            self.recalled = tuple(Repair(line, edit, kind, verdict) for (line, edit, kind), verdict in told)
        return self.is_complete

    def _keep(self, reading: Reading) -> None:
        if self.cache is not None and reading.claim is not None:
            lines = [[repair.latex, repair.edit, repair.kind] for repair in self.repairs]
            self.cache.keep(reading.claim, self._about(), lines)

    def _about(self) -> Any:
        """What a search rests on beside the claim: the line as written, and what lines are read and printed by."""
        declared = self.statement.declarations
        words = [(name, str(value.value)) for name, (_, value) in declared.symbols.items()]
        signs = [declared.mixed, declared.transpose, sorted(declared.operators.items())]
        return ["repairs", self.seed, self._written(0), self._written(1), words, signs, asdict(declared.conventions)]

    def draft(self, reading: Reading) -> Draft | None:
        """The claim of a reading, or its sides read without the shape check, None where even that fails.

        Over layers it is the sides as written: at one layer they hold names that nobody wrote. No model fits these.
        """
        if reading.instances:
            left, right = self.interpreter.sides(self.statement, self.link, reading.choices)
            return Draft.of(Claim(left, right, Model(())))
        if reading.claim is not None:
            return Draft.of(reading.claim)
        choices = reading.choices
        conventions = self.statement.declarations.conventions.reading(choices)
        try:
            reader = UntypedReader(self.statement.meaning.vocabulary, conventions)
            left, right = reader.sides(self.link.chain)
            model = self.interpreter.model(self.statement, (left, right), choices)
        except BackproofError:
            return None

        def make(a: object, b: object) -> Claim:
            link = self.read(f"{self._text(a, conventions)} = {self._text(b, conventions)}")
            return self.interpreter.claim(self.statement, link, choices)

        return Draft(left, right, model, make)

    def _may_hold(self, claim: Claim, reading: Reading) -> bool:
        """Whether small steps show no difference, at each layer of a claim over layers."""
        if not reading.instances:
            return _may_hold(claim, self.seed)
        try:
            found = list(self.interpreter.at_layers(self.statement, (claim.left, claim.right), reading.choices))
        except BackproofError:
            return False
        return all(_may_hold(instance, self.seed) for _, instance in found)

    def _try(self, edit: Edit, choices: Choices) -> None:
        """Print, read again, settle; nothing happens where one of these fails."""
        try:
            line = self._line(edit, choices)
            read = self._readings(line)
        except BackproofError:
            return
        verdict = self.settle(*read)
        if _is_proved(verdict):
            self.found[edit.side] = edit, Repair(line, edit.words, edit.kind, verdict)

    def _readings(self, line: str) -> tuple[Link, tuple[Reading, ...]]:
        """A line read as the author's. Raises `BackproofError` where it cannot be read."""
        link = self.read(line)
        return link, self.interpreter.readings(self.statement, link)

    def _line(self, edit: Edit, choices: Choices) -> str:
        """The mended line: the edited side as printed, the other as the author wrote it."""
        conventions = self.statement.declarations.conventions.reading(choices)
        sides = {"left": self._written(0), "right": self._written(1)}
        sides[edit.side] = self._text(getattr(edit.claim, edit.side), conventions)
        return f"{sides['left']} = {sides['right']}"

    def _text(self, formula: Any, conventions: Conventions) -> str:
        """A formula under the conventions of a reading, its names as declared."""
        return latex(formula, _full(conventions), as_declared(self.statement.meaning.vocabulary))

    def _written(self, position: int) -> str:
        side = self.link.chain.sides[position]
        text = self.statement.passage.text if self.text is None else self.text
        return " ".join(text[_with_opening(text, side.start) : side.end].split())

    def read(self, line: str) -> Link:
        """A line as a link of the document, by the same words."""
        words = self.statement.meaning.vocabulary
        chains: tuple[Chain, ...] = parse(line, words.lexicon)
        return replace(self.link, chain=chains[0], latex=line)


_OPENING = re.compile(r"\\(?:left|[bB]igg?l?)\s*$")


def _with_opening(text: str, start: int) -> int:
    """The start with a \\left before it, which no token keeps."""
    match = _OPENING.search(text, max(0, start - 10), start)
    return match.start() if match else start


def _full(conventions: Conventions) -> Conventions:
    """Conventions for printing: what the line did not consult as in a textbook.

    The direction of products stays open: a descending one then has bounds that run down, and every reading agrees.
    """
    rest = (key for key in OPTIONS if key != "products")
    return replace(conventions, **{key: getattr(conventions, key) or getattr(TEXTBOOK, key) for key in rest})


def _is_proved(verdict: Verdict) -> bool:
    return verdict.verdict == "proved" or verdict.is_proved_at_each


def _is_trivial(claim: Claim) -> bool:
    """x = x mends nothing."""
    return bool(claim.left == claim.right)


def _may_hold(claim: Claim, seed: int) -> bool:
    """Whether the prime field sees no difference at the latest small steps; certain if it does see one."""
    try:
        return not _differs(claim, seed)
    except (BackproofError, RecursionError):  # what it cannot decide is never proved
        return False


def is_false_early(claim: Claim, seed: int) -> bool:
    """Whether the prime field sees a difference at the latest small steps, which costs little; False says nothing."""
    try:
        return _differs(claim, seed)
    except (BackproofError, RecursionError):
        return False


def _differs(claim: Claim, seed: int) -> bool:
    claims = [piece.claim for piece in blocks.split(claim)] if blocks.is_blocked(claim) else [claim]
    return any(differs_at(one, times, seed=seed) for one in claims for times in _latest(one))


def _latest(claim: Claim) -> list[Times]:
    """The first and the last choice of the other steps at the last step tried; that none exists is an error."""
    found = list(instances(claim, SMALL))
    if not found:
        raise BackproofError("the edited claim is made at no step")
    last = claim.model.time.last
    latest: list[Times] = [times for times in found if times.get(last) == found[-1].get(last)]
    return latest[:1] if claim.is_timeless or len(latest) == 1 else [latest[0], latest[-1]]


_SIGN = re.compile(r"\w+|[^\w\s()\[\]{}]")


def _rank(edit: Edit) -> tuple[int, bool, int, int, str]:
    """Fewest changed signs, right before left, fewest new signs, the kind by its frequency, then by name."""
    before, after = (Counter(_SIGN.findall(text)) for text in (edit.before, edit.after))
    gone, new = (before - after).total(), (after - before).total()
    changed = max(gone, new, 1)  # a change of order or direction counts as one
    return changed, edit.side == "left", new, FREQUENT.index(edit.kind), edit.name
