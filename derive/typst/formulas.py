"""Formulas in Typst's notation, read sign by sign from the LaTeX that the printer writes.

One printer decides what a formula looks like; here its signs get their Typst names from the tables of
`derive.papers.commands`. Brackets and commas are written as signs, never as Typst's own syntax, and words as strings:
a name from a document can call no function.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from derive.errors import BackproofError
from derive.papers.commands import (
    ACCENTS,
    DELIMITERS,
    ENVIRONMENTS,
    FONTS,
    OPERATORS,
    SYMBOLS,
    Sign,
    check_formula,
    signs,
)

_SIGNS = {
    "(": "\\(",
    ")": "\\)",
    "[": "\\[",
    "]": "\\]",
    "|": "bar.v",
    "/": "slash",
    ",": "comma",
    ";": "semi",
    ":": "colon",
    ".": '"."',
    "!": "excl",
    "?": "quest",
    "*": "ast.op",
    "@": "at",
    "&": "&",
}
_FENCES = {"(": "\\(", ")": "\\)", "[": "\\[", "]": "\\]", "|": "bar.v", "||": "bar.v.double", "{": "\\{", "}": "\\}"}
_BIG = "1.8em"  # the size of a bracket that stands alone on its line


def typst(formula: str) -> str:
    """A printed formula as Typst mathematics, without the dollars. Raises `BackproofError` for what no paper holds."""
    reader = _Reader(check_formula(formula))
    text = reader.sequence()
    if reader.place < len(reader.signs):
        raise BackproofError(f"{formula}: its brackets do not match")
    return text


def quoted(text: str) -> str:
    """A string of Typst."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class _Reader:
    """Goes through the signs of one formula."""

    def __init__(self, formula: str) -> None:
        self.formula = formula
        self.signs = list(signs(formula))
        self.place = 0

    def sequence(self, ends: Callable[[Sign], bool] = lambda sign: sign.kind == "close") -> str:
        """Atoms with their scripts up to the sign that ends them, which is left for the caller."""
        found: list[str] = []
        while self.place < len(self.signs) and not ends(self.signs[self.place]):
            sign = self._next()
            if sign.kind == "space":
                continue
            if sign.kind == "script":
                base = found.pop() if found else '""'
                found.append(f"{base}{sign.text}({self._argument() or 'zws'})")
            elif sign == Sign("sign", "'"):
                found.append(f"{found.pop() if found else ''}'")
            else:
                found.append(self._atom(sign))
        return " ".join(part for part in found if part)

    def _next(self) -> Sign:
        if self.place >= len(self.signs):
            raise BackproofError(f"{self.formula}: it ends too early")
        self.place += 1
        return self.signs[self.place - 1]

    def _argument(self) -> str:
        """What a script or a command takes: a group or one sign."""
        self._skip_space()
        sign = self._next()
        return self._group() if sign.kind == "open" else self._atom(sign)

    def _skip_space(self) -> None:
        while self.place < len(self.signs) and self.signs[self.place].kind == "space":
            self.place += 1

    def _group(self) -> str:
        """The inside of the braces that are open, and beyond them."""
        text = self.sequence()
        if self._next().kind != "close":
            raise BackproofError(f"{self.formula}: its braces do not match")
        return text

    def _atom(self, sign: Sign) -> str:
        if sign.kind == "open":
            return self._group()
        if sign.kind == "command":
            return self._command(sign.text)
        if sign.kind == "sign":
            return _SIGNS.get(sign.text, sign.text)
        if sign.kind == "foreign":
            return quoted(sign.text)
        if sign.kind in ("close", "row", "script"):
            raise BackproofError(f"{self.formula}: {sign.text!r} is out of place")
        return sign.text

    def _command(self, name: str) -> str:
        if name in SYMBOLS:
            return SYMBOLS[name]
        if name in OPERATORS:
            return f"op({quoted(name)})"
        if name in FONTS:
            return self._dressed(FONTS[name])
        if name in ACCENTS:
            return f"{ACCENTS[name]}({self._argument()})"
        if name in "{}":
            return f"\\{name}"
        return _STRUCTURES[name](self)

    def _dressed(self, font: str) -> str:
        """Letters in a font; several upright ones are a word."""
        start = self.place
        inside = self._argument()
        plain = "".join(sign.text for sign in self.signs[start : self.place]).strip("{}")
        is_word = re.fullmatch(r"[\w ()-]+", plain) is not None and "_" not in plain
        if font == "op":
            return f"op({quoted(plain)})" if is_word else f"upright({inside})"
        if font == "text":
            return quoted(plain) if is_word else f"upright({inside})"
        word = quoted(plain) if is_word and len(plain) > 1 else inside
        return f"bold(upright({word}))" if font == "bold-upright" else f"{font}({word})"

    # --- structures ------------------------------------------------------------------------------------------------

    def fraction(self) -> str:
        """\\frac{a}{b}."""
        return f"frac({self._argument()}, {self._argument()})"

    def root(self) -> str:
        """\\sqrt{a}."""
        return f"sqrt({self._argument()})"

    def fenced(self) -> str:
        """\\left( … \\right), grown to what it holds."""
        opening = self._delimiter()
        inside = self.sequence(lambda sign: sign.kind == "close" or sign == Sign("command", "right"))
        if self._next() != Sign("command", "right"):
            raise BackproofError(f"{self.formula}: \\left without \\right")
        return f"lr({opening} {inside} {self._delimiter()})"

    def lone(self) -> str:
        """A large bracket whose partner stands on another line."""
        return f"lr({self._delimiter()}, size: #{_BIG})"

    def closing(self) -> str:
        """\\right without \\left."""
        raise BackproofError(f"{self.formula}: \\right without \\left")

    def environment(self) -> str:
        """A bmatrix."""
        name = self._argument_text()
        if name not in ENVIRONMENTS:
            raise BackproofError(f"{self.formula}: a paper holds no {name} inside a formula")
        rows = [[""]]
        while True:
            rows[-1][-1] = self.sequence(lambda s: s.kind in ("close", "row") or s in (_END, Sign("sign", "&")))
            sign = self._next()
            if sign == _END:
                self._argument_text()
                return f'mat(delim: "[", {"; ".join(", ".join(cell or "zws" for cell in row) for row in rows)})'
            if sign.kind == "row":
                rows.append([""])
            elif sign.kind == "sign":
                rows[-1].append("")
            else:
                raise BackproofError(f"{self.formula}: \\begin{{{name}}} is not closed")

    def _argument_text(self) -> str:
        start = self.place
        self._argument()
        return "".join(sign.text for sign in self.signs[start : self.place]).strip("{} ")

    def _delimiter(self) -> str:
        self._skip_space()
        sign = self._next()
        text = f"\\{sign.text}" if sign.kind == "command" else sign.text
        if text not in DELIMITERS:
            raise BackproofError(f"{self.formula}: {text!r} is no bracket")
        return _FENCES.get(DELIMITERS[text], "")


_END = Sign("command", "end")
_STRUCTURES: dict[str, Callable[[_Reader], str]] = {
    "frac": _Reader.fraction,
    "sqrt": _Reader.root,
    "left": _Reader.fenced,
    "right": _Reader.closing,
    "Bigl": _Reader.lone,
    "Bigr": _Reader.lone,
    "begin": _Reader.environment,
    "end": _Reader.closing,
}
