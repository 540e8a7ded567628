"""A document as it was written: its prose, with what is known of each equation in the equation's own place."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable

from markupsafe import Markup

from derive.errors import BackproofError
from verify.document.environments import COUNTED
from verify.document.macros import Macros
from verify.document.passages import Piece
from verify.document.source import Part
from verify.document.statements import Document, Statement
from verify.errors import clean
from verify.report.html import prose, tex_prose
from verify.report.html.maths import end_of_row, mathml, render_math

Shown = Callable[[Statement, str], Markup]  # a statement, written so, with all that is known of it
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_COLUMNS = re.compile(r"\s*\{\s*\d+\s*\}")  # of alignat
_CELL = re.compile(r"#cell-([0-9]+)$")


class Written:
    """A document's text, cut where its pieces stand."""

    def __init__(self, document: Document, shown: Shown, link: Callable[[str], Markup | None]) -> None:
        self.document, self.shown, self.link = document, shown, link
        self.pieces = [piece for piece in document.pieces if piece.whole[1] > piece.whole[0]]
        self.pieces.sort(key=lambda piece: piece.whole)
        self.statements = self._by_piece()
        self.tables = _tables(self.pieces)
        self.placed: set[int] = set()

    def html(self) -> Markup:
        """The whole document, its parts (cells, files) one after the other."""
        parts = self.document.source.parts or (Part(self.document.source.path, 0),)
        is_alone = len(parts) == 1 and parts[0].path == self.document.source.path
        found: list[Markup] = []
        before = 0
        for place, part in enumerate(parts):
            end = parts[place + 1].start if place + 1 < len(parts) else len(self.document.source.text)
            if not is_alone:
                label, before = _label(part, before)
                found.append(label)
            found.append(self._part(part, end))
        return Markup("").join(found)

    def _part(self, part: Part, end: int) -> Markup:
        """A part's prose; an equation that Markdown or LaTeX has no place for (a picture's words) comes behind it."""
        text = self._with_signs(part.start, end)
        if self.document.form == "tex":
            shown = tex_prose.rendered(text, self._block, self._inline, self.link)
        else:
            shown = prose.rendered(text, self._block, self._inline)
        here = (number for number in self.statements if part.start <= self.pieces[number].whole[0] < end)
        return shown + Markup("").join(self._block(number) for number in sorted(here) if number not in self.placed)

    def _with_signs(self, start: int, end: int) -> str:
        """The text of a part with a sign in place of each piece."""
        text, found, place = self.document.source.text, [], start
        for number, piece in enumerate(self.pieces):
            low, high = piece.whole
            if place <= low and high <= end:
                found += [prose.without_signs(clean(text[place:low])), prose.sign(number)]
                place = high
        return "".join([*found, prose.without_signs(clean(text[place:end]))])

    def _by_piece(self) -> dict[int, list[Statement]]:
        """The statements by the display in which they begin."""
        starts = [piece.whole[0] for piece in self.pieces]
        found: dict[int, list[Statement]] = {}
        for statement in self.document.statements:
            begin = statement.passage.origin(len(statement.passage.text) - 1)[0]
            found.setdefault(max(0, bisect_right(starts, begin) - 1), []).append(statement)
        return found

    def _block(self, number: int) -> Markup:
        """What is shown in place of a piece."""
        piece = self.pieces[number]
        self.placed.add(number)
        if piece.kind == "block":
            shown = Markup('<details class="declarations"><summary>Declarations</summary>{}</details>')
            return shown.format(Markup(prose.code(clean(piece.text).strip("\n"))))
        if piece.kind != "display":
            return Markup("")
        found = self.statements.get(number, [])
        text = self._as_written(piece, number)
        if len(found) == 1:
            is_whole = mathml(text, display=True) is not None
            return self.shown(found[0], text if is_whole else found[0].passage.text)
        if found:
            return Markup("").join(self.shown(one, one.passage.text) for one in found)
        if not text.strip():
            return Markup("")
        return Markup('<div class="formula aside" tabindex="0" role="group" aria-label="Formula">{}</div>').format(
            render_math(text, display=True)
        )

    def _as_written(self, piece: Piece, number: int) -> str:
        """The formula of a display with the author's own words and rows: what is read of it is a little less."""
        text = _COMMENT.sub("", piece.text)
        if piece.environment in COUNTED:
            text = _COLUMNS.sub("", text, count=1)
        return end_of_row(self._expanded(text, number))

    def _inline(self, latex: str, number: int) -> Markup:
        text = self._expanded(latex, number)
        return render_math(text) if text.strip() else Markup("")

    def _expanded(self, latex: str, number: int) -> str:
        """A formula with the macros in force behind a piece; as written where they cannot be expanded."""
        macros = self.tables[number] if number < len(self.tables) else Macros()
        try:
            for start, found in reversed(list(macros.definitions.within(latex, 0, len(latex)))):
                latex = latex[:start] + latex[found.end :]
            return macros.expand(latex)
        except BackproofError:
            return latex


def _tables(pieces: Iterable[Piece]) -> list[Macros]:
    """The macros in force behind each piece."""
    found = []
    macros = Macros()
    for piece in pieces:
        definitions = list(macros.definitions.within(piece.text, 0, len(piece.text)))
        if piece.kind in ("definition", "display") and definitions:
            changed = Macros()
            changed.table = dict(macros.table)
            changed.left, changed.definitions, changed.count = macros.left, macros.definitions, macros.count
            for _, definition in definitions:
                changed.define(definition, "here")
            macros = changed
        found.append(macros)
    return found


def _label(part: Part, before: int) -> tuple[Markup, int]:
    """What a part is called: a cell by its number, with those that were passed over; a file by its path."""
    cell = _CELL.search(part.path)
    if cell is None:
        return Markup('<p class="part">{}</p>').format(clean(part.path)), before
    number = int(cell[1])
    gap = ""
    if number > before + 1:
        which = f"cell {number - 1}" if number == before + 2 else f"cells {before + 1}–{number - 1}"
        gap = f" ({which}: no text)"
    return Markup('<p class="part">Cell {}{}</p>').format(number, gap), number
