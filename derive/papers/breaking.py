"""Long formulas over several lines: how wide a printed formula is set, and where it is best broken.

Widths are those of Computer Modern at its design size, in ems, close enough to choose a break. A line breaks before a
sign, outside all brackets where it can; a product breaks before a dot; brackets that are broken apart keep one size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from derive.papers.commands import ACCENTS, FONTS, OPERATORS, Sign, signs

SCRIPT = 0.72  # scripts are set smaller
_RELATION, _BINARY, _THIN = 1.33, 1.22, 0.17
_WIDE = {"sum": 1.44, "prod": 1.28, "quad": 1.0, "qquad": 2.0, ",": _THIN, ";": 0.28, ":": 0.22, "!": -_THIN}
_BINARIES = ("cdot", "odot", "otimes", "oplus", "times", "pm", "circ")
_RELATIONS = ("le", "leq", "ge", "geq", "ne", "neq", "in", "to")
_LETTERS = {"W": 0.97, "M": 0.97, "I": 0.48, "J": 0.6, "m": 0.88, "w": 0.72, "i": 0.34, "j": 0.41, "l": 0.3, "t": 0.37}
_NARROW = {"delta": 0.46, "gamma": 0.54, "iota": 0.35, "partial": 0.57, "prime": 0.28, "ell": 0.42}
_LEVELS = {"+": 0, "-": 0, "odot": 1, "otimes": 1}
_DOT = 2  # the level of a break between two factors


def width(formula: str) -> float:
    """How wide a formula is set, in ems."""
    return _Ruler(formula).sequence()


def broken(formula: str, budget: float) -> list[str]:
    """The lines of a formula, each at most `budget` ems wide where its pieces allow that."""
    if width(formula) <= budget:
        return [formula]
    pieces = _pieces(formula)
    ends = _best(pieces, budget)
    lines, open_brackets = [], _torn(pieces, ends)
    for start, end in zip([0, *ends], [*ends, len(pieces)], strict=True):
        texts = [p.text(open_brackets) for p in pieces[start:end]]
        sign = "\\cdot " if start and pieces[start].level == _DOT else ""
        lines.append(sign + "".join(texts).strip())
    return lines


# --- widths --------------------------------------------------------------------------------------------------------


class _Ruler:
    """Adds up the widths of the signs of one formula."""

    def __init__(self, formula: str) -> None:
        self.signs = [sign for sign in signs(formula) if sign.kind != "space"]
        self.place = 0
        self.is_tall = any(sign.text in ("frac", "sum", "prod") for sign in self.signs)

    def sequence(self, stop: Sign | None = None) -> float:
        """The width of what stands up to a closing brace, or the sign that stops it."""
        total = 0.0
        while self.place < len(self.signs):
            sign = self.signs[self.place]
            if sign.kind == "close" or sign == stop:
                break
            if sign.kind == "script":
                total += self._scripts()
                continue
            self.place += 1
            total += self._atom(sign)
        return total

    def _scripts(self) -> float:
        """A sub- and a superscript stand above each other."""
        widest = 0.0
        while self.place < len(self.signs) and self.signs[self.place].kind == "script":
            self.place += 1
            widest = max(widest, SCRIPT * self._argument())
        return widest + 0.03

    def _argument(self) -> float:
        if self.place >= len(self.signs):
            return 0.0
        sign = self.signs[self.place]
        self.place += 1
        if sign.kind != "open":
            return self._atom(sign)
        found = self.sequence()
        self.place += 1
        return found

    def _atom(self, sign: Sign) -> float:
        if sign.kind == "open":
            found = self.sequence()
            self.place += 1
            return found
        if sign.kind == "command":
            return self._command(sign.text)
        if sign.kind == "letter":
            return _LETTERS.get(sign.text, 0.74 if sign.text.isupper() else 0.52)
        if sign.text in "+-":
            return 0.78 + 0.44
        if sign.text in "=<>":
            return _RELATION
        if sign.text == "'":
            return 0.28
        if sign.text in "()[]|,.:;":
            return 0.39
        return 0.5 * len(sign.text) if sign.kind != "foreign" else 1.0

    def _command(self, name: str) -> float:
        if name == "frac":
            return max(self._argument(), self._argument()) + 0.24
        if name == "sqrt":
            return self._argument() + 0.9
        if name in ("sum", "prod"):
            return max(_WIDE[name], self._scripts()) + _THIN
        if name in ("left", "right", "Bigl", "Bigr"):
            self.place += 1
            return 0.74 if self.is_tall else 0.5
        if name in ACCENTS:
            return self._argument()
        if name in FONTS:
            return self._argument() + (_THIN if name == "operatorname" else 0.0)
        if name in OPERATORS:
            return 0.5 * len(name) + _THIN
        if name == "begin":
            return self._matrix()
        if name in _BINARIES:
            return _BINARY
        if name in _RELATIONS:
            return _RELATION
        return _WIDE.get(name, _NARROW.get(name, 0.62))

    def _matrix(self) -> float:
        """Columns as wide as their widest entry."""
        self._argument()
        columns: list[float] = []
        column, end = 0, Sign("command", "end")
        while self.place < len(self.signs):
            entry = self._entry(end)
            columns += [0.0] * (column + 1 - len(columns))
            columns[column] = max(columns[column], entry)
            sign = self.signs[self.place] if self.place < len(self.signs) else end
            self.place += 1
            column = 0 if sign.kind == "row" else column + 1
            if sign == end:
                self._argument()
                break
        return sum(columns) + len(columns) + 1.0

    def _entry(self, end: Sign) -> float:
        total = 0.0
        while self.place < len(self.signs):
            sign = self.signs[self.place]
            if sign in (end, Sign("sign", "&")) or sign.kind in ("row", "close"):
                break
            if sign.kind == "script":
                total += self._scripts()
                continue
            self.place += 1
            total += self._atom(sign)
        return total


# --- breaks --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Piece:
    """What stands between two places at which a line may break; `level` and `depth` are of the place before it."""

    parts: tuple[tuple[str, int], ...]  # texts, each with the number of the pair of brackets that it is one of, or < 0
    level: int
    depth: int

    def text(self, torn: frozenset[int]) -> str:
        """The text, its torn brackets of one size."""
        return "".join(_lone(part) if pair in torn else part for part, pair in self.parts)

    @property
    def pairs(self) -> frozenset[int]:
        return frozenset(pair for _, pair in self.parts if pair >= 0)


def _lone(bracket: str) -> str:
    return bracket.replace("\\left", "\\Bigl").replace("\\right", "\\Bigr")


def _pieces(formula: str) -> list[_Piece]:
    """The formula cut wherever a line may break."""
    found: list[_Piece] = []
    parts: list[tuple[str, int]] = []
    level = depth = 0
    stack: list[int] = []
    for token in _tokens(formula):
        begins = _level(token, parts)
        if begins is not None and _BRACES not in stack:
            found.append(_Piece(tuple(parts), level, depth))
            parts, level, depth = [], begins, len(stack)
        if token.opens:
            stack.append(token.pair)
        if token.closes and stack:
            stack.pop()
        parts.append((token.text, token.pair))
    found.append(_Piece(tuple(parts), level, depth))
    return [piece for piece in found if piece.parts]


_BRACES = -2  # what stands in braces is never broken


@dataclass(frozen=True)
class _Token:
    text: str
    opens: bool = False
    closes: bool = False
    pair: int = -1
    is_factor: bool = False  # whether a factor may begin here
    sign: str = ""


def _tokens(formula: str) -> list[_Token]:
    """The signs of a formula as texts, with brackets in numbered pairs."""
    found: list[_Token] = []
    pairs: list[int] = []
    waiting = ""  # \left or \right, until its bracket comes
    count = 0
    begins = 0
    for sign in signs(formula):
        text = _spelt(sign)
        if waiting:
            if sign.kind == "space":
                continue
            if waiting.endswith("left"):
                pairs.append(count)
                found.append(_Token(waiting + text, opens=True, pair=count, is_factor=True))
                count += 1
            else:
                found.append(_Token(waiting + text, closes=True, pair=pairs.pop() if pairs else -1))
            waiting = ""
        elif sign.kind == "command" and sign.text in ("left", "right"):
            waiting = text
        elif sign.kind == "open" or (sign.kind == "sign" and sign.text in "(["):
            found.append(_Token(text, opens=True, pair=_BRACES))
        elif sign.kind == "close" or (sign.kind == "sign" and sign.text in ")]"):
            found.append(_Token(text, closes=True, pair=_BRACES))
        elif sign.kind == "command" and sign.text in ("begin", "end"):
            begins += 1 if sign.text == "begin" else -1
            found.append(_Token(text, sign.text == "begin", sign.text == "end", _BRACES, sign.text == "begin"))
        else:
            is_sign = sign.text in _LEVELS
            starts = not is_sign and sign.kind in ("letter", "digits", "command", "foreign")
            found.append(_Token(text, is_factor=starts, sign=sign.text if is_sign else ""))
    return found


def _spelt(sign: Sign) -> str:
    if sign.kind == "command":
        return f"\\{sign.text}"
    return "\\\\" if sign.kind == "row" else sign.text


def _level(token: _Token, before: list[tuple[str, int]]) -> int | None:
    """How a line would break before a token: 0 at + and -, 1 at ⊙ and ⊗, 2 between factors; None for not at all."""
    last = before[-1][0] if before else ""
    text = "".join(part for part, _ in before).strip()
    if not text or not last.isspace():
        return None
    if token.sign:
        return _LEVELS[token.sign]
    previous = next((part for part, _ in reversed(before) if not part.isspace()), "")
    if token.is_factor and not _awaits(text, previous):
        return _DOT
    return None


def _awaits(text: str, previous: str) -> bool:
    """Whether what stands there needs what follows it: a sign, an operator, a Σ with its bounds."""
    if previous in ("+", "-", "=", "\\odot", "\\otimes", "\\cdot", ",", "\\,", "\\quad", ":"):
        return True
    if previous.startswith(("\\left", "\\Bigl")) or previous in ("(", "["):
        return True
    if previous.startswith("\\") and previous[1:] in (*OPERATORS, "sum", "prod", "partial", "nabla", "vec"):
        return True
    head = text.rsplit(" ", 1)[-1]
    return head.startswith(("\\sum", "\\prod", "\\operatorname{vec}", "\\partial_"))


def _torn(pieces: list[_Piece], ends: list[int]) -> frozenset[int]:
    """The pairs of brackets whose two sides stand on different lines."""
    where: dict[int, set[int]] = {}
    for place, piece in enumerate(pieces):
        line = sum(end <= place for end in ends)
        for pair in piece.pairs:
            where.setdefault(pair, set()).add(line)
    return frozenset(pair for pair, lines in where.items() if len(lines) > 1)


def _best(pieces: list[_Piece], budget: float) -> list[int]:
    """Where lines end: the breaks with the least cost of which no line is too wide, as far as that is possible."""
    widths = [_piece_width(piece) for piece in pieces]
    costs: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(pieces) + 1):
        best = (float("inf"), 0)
        total = 0.0
        for start in range(end - 1, -1, -1):
            total += widths[start]
            over = max(0.0, total - budget)
            if over and start < end - 1:
                break
            cost = costs[start][0] + _cost(pieces[start], start) + 100 * over + _raggedness(total, budget, end, pieces)
            best = min(best, (cost, start))
        costs.append(best)
    ends, place = [], len(pieces)
    while place:
        place = costs[place][1]
        ends.append(place)
    return sorted(ends)[1:]


def _cost(piece: _Piece, start: int) -> float:
    """What a break before a piece costs: one within brackets or between factors is worse."""
    return 0.0 if start == 0 else 1.0 + 1.2 * piece.level + 2.5 * piece.depth


def _raggedness(total: float, budget: float, end: int, pieces: list[_Piece]) -> float:
    """A short line costs a little, the last one nothing."""
    return 0.0 if end == len(pieces) else max(0.0, 1.0 - total / budget)


@lru_cache(maxsize=4096)
def _plain_width(text: str) -> float:
    return width(text)


def _piece_width(piece: _Piece) -> float:
    """A piece may hold half a pair of brackets, which `width` measures alone."""
    return _plain_width("".join(part for part, _ in piece.parts)) + (_BINARY if piece.level == _DOT else 0.0)
