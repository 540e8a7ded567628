"""How the places of a layout are written in NumPy: arrays, their slots, and the rows of a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sympy as sp

from derive.code.homes import Home, Homes
from derive.code.identifiers import Identifiers
from derive.code.packing import Buffer
from derive.code.plan import At, Operand
from derive.language.nodes import Size

HIDDEN = ("~", "→")  # what begins the names of values that no family is


@dataclass
class Places:
    """The arrays of a module: the identifier of each home's array, and what stands in which slot."""

    names: Identifiers
    homes: Homes
    buffers: dict[Home, Buffer]
    kind: str  # what the buffers of this function are called
    arrays: dict[object, str] = field(default_factory=dict)
    one: bool = False  # for one sample: the slots of a step are columns of one row
    local: frozenset[Home] | None = None  # what a window of steps has for itself; None where nothing goes by windows

    def buffer(self, home: Home) -> Buffer | None:
        """The buffer of a home that shares one."""
        found = self.buffers.get(home)
        return found if found is not None and len(found.homes) > 1 else None

    def array(self, home: Home) -> str:
        """The identifier of a home's array."""
        shared = self.buffer(home)
        thing: object = shared or home
        if thing not in self.arrays:
            kind = "ahead" if home.passing else self.kind
            wish = kind if shared and home.stored else "scratch" if shared else self.label(home)
            self.arrays[thing] = self.names.fresh(wish)
        return self.arrays[thing]

    def label(self, home: Home) -> str:
        """What lives in a home, in a word: the family that it ends with."""
        named = [one.name for one in home.variables if not one.name.startswith(HIDDEN)]
        return named[-1] if named else home.variables[-1].name.strip("".join(HIDDEN)).partition(" ")[2]

    def rows(self, home: Home) -> int:
        """How many rows the array has beside T."""
        shared = self.buffer(home)
        return max(one.before + one.after for one in (shared.homes if shared else [home]))

    def of(self, operand: Operand) -> Home:
        """The home of an operand that is a variable."""
        assert isinstance(operand, At)
        return self.homes.of[operand.variable]

    def row(self, operand: Operand) -> int:
        """The row of an operand at step 1."""
        assert isinstance(operand, At)
        return self.homes.row(operand)

    def slots(self, operands: Sequence[Operand]) -> str:
        """The slots of neighbours as an index, empty where the array has none."""
        homes = [self.of(one) for one in operands]
        shared = self.buffer(homes[0])
        if shared is None:
            return ""
        first = shared.slot(homes[0])
        if self.one:
            return f"{columns(first, homes[0].size)}:{columns(first + len(homes), homes[0].size)}"
        return f"{first}" if len(homes) == 1 else f"{first}:{first + len(homes)}"

    def steps(self, operands: Sequence[Operand], low: str = "", high: str = "") -> str:
        """All steps of neighbours (or those low … high - 1): an array (T, k, B, n), (T, B, n) of one."""
        home, row, slots = self.of(operands[0]), self.row(operands[0]), self.slots(operands)
        if low and self.local and home in self.local:
            return f"{self.array(home)}[:size{', ' + slots if slots else ''}]"
        if not low and self.rows(home) == 0 and not slots:
            return self.array(home)
        steps = moved(low, high, row) if low else span("T", row, self.rows(home))
        return f"{self.array(home)}[{steps}{', ' + slots if slots else ''}]"

    def length(self, home: Home) -> str:
        """How many rows the home's array has."""
        if self.local and home in self.local:
            return "window"
        return f"T + {self.rows(home)}" if self.rows(home) else "T"

    def order(self, operand: Operand) -> tuple[str, int]:
        """By which neighbours are sorted: their array and slot."""
        home = self.of(operand)
        shared = self.buffer(home)
        return self.array(home), shared.slot(home) if shared else 0

    def is_next(self, left: Operand, right: Operand) -> bool:
        """Whether an operand stands in the slot behind another's, in the same row."""
        ours = self.buffer(self.of(left))
        if ours is None or ours is not self.buffer(self.of(right)) or self.row(left) != self.row(right):
            return False
        return ours.slot(self.of(right)) == ours.slot(self.of(left)) + 1


def columns(slots: int, size: Size) -> str:
    """How many columns so many slots of a size are."""
    if slots == 0:
        return ""
    text = str(size) if sp.sympify(size).is_Symbol else f"({size})"
    return text if slots == 1 else f"{slots} * {text}"


def span(last: str, row: int, extra: int | None = None) -> str:
    """The rows of all steps as a slice: `row` is that of step 1, `extra` how many more than T there are."""
    return f"{row or ''}:{'' if row == extra else _plus(last, row)}"


def moved(low: str, high: str, row: int) -> str:
    """The rows of the steps low + 1 … high as a slice; of all steps without them."""
    return f"{_plus(low, row)}:{_plus(high, row)}" if low else span("T", row)


def _plus(letter: str, number: int) -> str:
    return f"{letter} + {number}" if number else letter
