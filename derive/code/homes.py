"""Where values live: a value that dies as another is made gives it its place, so that steps are computed in place.

A *home* is a place of (B, size) entries, at every step (`stored`) or one for all steps (scratch). Stored homes of a
phase that share a size become the slots of one buffer, so that neighbours are contiguous and one call serves them all;
their order is chosen in `packing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from derive.code.identifiers import UFUNCS
from derive.code.plan import At, Instruction, Phase, Variable, instructions
from derive.language.nodes import Size

IN_PLACE = frozenset({*UFUNCS, "step", "copy"})


@dataclass(eq=False)
class Home:
    """A place for values: what lives there, in order; at every step or not; the steps read outside of 1 … T."""

    phase: int
    size: Size
    stored: bool
    variables: list[Variable] = field(default_factory=list)
    before: int = 0  # members in front of step 1
    after: int = 0
    alone: bool = False  # an array of its own: an input, an output, what a matrix multiplies
    carried: bool = False  # what one step leaves for the next: zero before the first
    passing: bool = False  # of no use behind the loop


@dataclass
class Homes:
    """The homes of the variables of one function; `given` are places that exist already."""

    of: dict[Variable, Home] = field(default_factory=dict)
    given: frozenset[Home] = frozenset()

    def made(self) -> list[Home]:
        """The homes of this function, each once, in the order in which they are filled."""
        return [home for home in dict.fromkeys(self.of.values()) if home not in self.given]

    def row(self, operand: At) -> int:
        """How many rows of its array after the row of step 1 an operand's stands at step 1."""
        home = self.of[operand.variable]
        return home.before + operand.shift if home.stored else 0


def homes_of(
    phases: Sequence[Phase],
    given: Mapping[Variable, Home],
    kept: Iterable[Variable],
    alone: Iterable[Variable],
    apart: bool = False,
) -> Homes:
    """A home for each variable: `kept` are read after the function, `alone` have arrays of their own.

    `apart`: what is kept does not share a place with what all steps compute at once. A step then works in the cache,
    and what is kept is written once.
    """
    return _Settler(phases, given, frozenset(kept), frozenset(alone), apart).settled()


class _Settler:
    """Gives homes in the order of the instructions."""

    def __init__(
        self,
        phases: Sequence[Phase],
        given: Mapping[Variable, Home],
        kept: frozenset[Variable],
        alone: frozenset[Variable],
        apart: bool,
    ) -> None:
        self.phases, self.kept, self.alone, self.apart = phases, kept | _read_later(phases), alone, apart
        self.whole = {one.target for phase in phases if phase.step for one in phase.before}
        self.found = Homes(dict(given), frozenset(given.values()))
        self.last: dict[Variable, int] = {}  # the place of the last reader
        self.written: dict[Variable, int] = {}  # the place of the last writer
        self.elsewhere: set[Variable] = set()  # read at another step than the reader's
        for place, instruction in enumerate(instructions(phases)):
            self.written[instruction.target] = place
            for operand in instruction.reads:
                self.last[operand.variable] = place
                if operand.shift:
                    self.elsewhere.add(operand.variable)

    def settled(self) -> Homes:
        place = 0
        for number, phase in enumerate(self.phases):
            self._carried(number, phase)
            for at, instruction in enumerate((*phase.before, *phase.inside)):
                self._settle(instruction, place, number, is_whole=at < len(phase.before))
                place += 1
        self._pad()
        for home in self.found.made():
            home.passing = self.kept.isdisjoint(home.variables)
        return self.found

    def _carried(self, number: int, phase: Phase) -> None:
        """What one step sends to the next and nobody keeps has one place, which is read before it is written."""
        for instruction in phase.inside:
            target = instruction.target
            if target in self.elsewhere and target not in self.kept:
                self._give(Home(number, target.size, stored=False, carried=True), target)

    def _settle(self, instruction: Instruction, place: int, phase: int, is_whole: bool) -> None:
        target = instruction.target
        if target in self.found.of:
            return
        home = self._dying(instruction, place, phase)
        if home is None:
            is_stored = is_whole or target in self.kept
            home = Home(phase, target.size, is_stored, alone=target in self.alone)
        self._give(home, target)

    def _give(self, home: Home, target: Variable) -> None:
        if target not in self.found.of:
            home.variables.append(target)
            self.found.of[target] = home

    def _dying(self, instruction: Instruction, place: int, phase: int) -> Home | None:
        """The home of an operand that nobody reads any more, where the result may be written."""
        target = instruction.target
        if instruction.op not in IN_PLACE:
            return None
        operands = sorted(instruction.reads, key=lambda one: self.apart and one.variable in self.whole)
        for operand in operands:
            home = self.found.of.get(operand.variable)
            if home is not None and self.apart and target in self.kept and self.whole & {*home.variables}:
                continue
            if home is None or not self._is_free(operand, home, place, phase) or home.size != target.size:
                continue
            if home.carried and self.last.get(target, place) > self.written[operand.variable]:
                continue
            if home.stored or target not in self.kept | self.elsewhere | self.alone:
                home.alone |= target in self.alone
                return home
        return None

    def _is_free(self, operand: At, home: Home, place: int, phase: int) -> bool:
        """Whether an operand is read here for the last time."""
        variable = operand.variable
        if home in self.found.given or home.phase != phase or home.alone or variable in self.kept:
            return False
        if variable in self.elsewhere and not home.carried:
            return False
        return self.last[variable] <= place

    def _pad(self) -> None:
        """Room for the members outside the steps of what is read at other steps."""
        for instruction in instructions(self.phases):
            for operand in instruction.reads:
                home = self.found.of.get(operand.variable)
                if home is not None and home.stored and home not in self.found.given:
                    home.before, home.after = max(home.before, -operand.shift), max(home.after, operand.shift)


def _read_later(phases: Sequence[Phase]) -> frozenset[Variable]:
    """What a loop makes and a later phase reads: it is needed at every step."""
    found: set[Variable] = set()
    for number, phase in enumerate(phases):
        made = {instruction.target for instruction in phase.inside}
        read = {operand.variable for one in instructions(phases[number + 1 :]) for operand in one.reads}
        found |= made & read
    return frozenset(found)
