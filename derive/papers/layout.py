"""Which lines a derivation is printed on: formulas broken to fit, and the rules beside them by name or by number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from derive.papers.breaking import broken, width
from derive.papers.paper import Display, Displays, Row
from derive.papers.words import filled, words

LINE = 45.5  # ems of text in a line: 160 mm at 10 pt
CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
# of the number at the margin, between columns, of the sign =, and by which a broken line goes in
_NUMBER, _GAP, _RELATION, _INDENT = 3.2, 1.2, 1.4, 0.7
_WIDEST_LEFT = 9.0  # beyond it a left side stands on a line of its own


@dataclass(frozen=True)
class Line:
    """One printed line: what stands left of the sign, the formula or a part of it, and the reason beside it.

    `begins` tells whether a sign = stands before it; a left side that `is_alone` has none.
    """

    left: str
    formula: str
    reason: str = ""
    begins: bool = True
    is_alone: bool = False


def chain(display: Display, language: str) -> Iterator[Line]:
    """The lines of a derivation as they fit on the page."""
    left = width(display.left)
    is_wide = left > _WIDEST_LEFT
    room = LINE - _NUMBER - 2 * _GAP - _RELATION - (1.0 if is_wide else left)
    choices = [[how(row, language) for row in display.rows] for how in (_reason, _short)]
    reasons = min(choices, key=lambda reasons: _cost(display, room, reasons, is_short=reasons is choices[1]))
    room -= max(map(_text_width, reasons))
    if is_wide:
        yield Line("", display.left, "", is_alone=True)
    for place, (row, reason) in enumerate(zip(display.rows, reasons, strict=True)):
        first, *rest = broken(row.formula, room)
        yield Line("" if place or is_wide else display.left, first, "" if rest else reason)
        for number, line in enumerate(rest, start=1):
            yield Line("", line, reason if number == len(rest) else "", begins=False)


def _cost(display: Display, room: float, reasons: list[str], *, is_short: bool) -> float:
    """How many lines a derivation takes with these reasons; names are worth a line, and one more of every four."""
    room -= max(map(_text_width, reasons))
    lines = sum(len(broken(row.formula, room)) for row in display.rows)
    return lines + (1 + len(display.rows) / 4 if is_short else 0)


def below(block: Displays) -> Iterator[tuple[Display, list[Line]]]:
    """Equations below each other with the lines of each."""
    left = max(width(one.left) for one in block.equations)
    room = LINE - 2 * _GAP - _NUMBER - left - _RELATION - _INDENT
    for one in block.equations:
        first, *rest = broken(one.rows[0].formula, room)
        yield one, [Line(one.left, first), *(Line("", line, begins=False) for line in rest)]


def _reason(row: Row, language: str) -> str:
    """The rule by name, or several by their numbers."""
    if len(row.rules) == 1:
        number, name = row.rules[0]
        return filled(words(language)["by"], name=name, number=number)
    return _short(row, language)


def _short(row: Row, language: str) -> str:
    if not row.rules:
        return ""
    say = words(language)
    runs = [filled(say["rule"], number=run[0]) + (f"–R{run[-1]}" if len(run) > 1 else "") for run in _runs(row)]
    numbers = say["by.join"].join(runs)
    return filled(say["by.several"], numbers=numbers)


def _runs(row: Row) -> list[list[int]]:
    """The numbers of the rules, three and more in a row together."""
    runs: list[list[int]] = []
    for number, _ in row.rules:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [part for run in runs for part in ([run] if len(run) > 2 else [[number] for number in run])]


def _text_width(text: str) -> float:
    return sum(1.0 if CHINESE.match(sign) else 0.47 for sign in text)
