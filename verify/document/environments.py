"""The environments and delimiters of display equations, and where each ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_ROWS = ("align", "flalign", "alignat", "xalignat", "gather", "eqnarray")
_WHOLE = ("equation", "multline", "displaymath")
ROWS = frozenset(name + star for name in _ROWS for star in ("", "*"))  # each row may be an equation of its own
DISPLAYS = ROWS | {name + star for name in _WHOLE for star in ("", "*")}
INNER = DISPLAYS | {"aligned", "alignedat", "gathered", "split", "multlined"}  # layout only, within a display
COUNTED = frozenset({"alignat", "alignat*", "xalignat", "xalignat*", "alignedat"})  # their number of columns follows

_STOP = re.compile(r"\\(begin|end)[ \t]*\{([A-Za-z]+\*?)\}|\\[A-Za-z]+|\\.|\$\$|\n[ \t]*(?=\n)", re.DOTALL)
_STOP_OR_COMMENT = re.compile(rf"{_STOP.pattern}|%[^\n]*", re.DOTALL)


class Extent(NamedTuple):
    """Where the inside of a display ends, where reading goes on after it, and what is wrong with it."""

    end: int
    after: int
    fault: str = ""


def extent(
    text: str, start: int, limit: int, opening: str, aliases: Mapping[str, str] | None = None, comments: bool = True
) -> Extent:
    """How far the display reaches whose inside begins at `start`.

    `opening` is `$$`, `\\[` or an environment's name; `aliases` maps macros to the delimiters that they stand for;
    with `comments` a % hides the rest of its line. A display ends at its own closing, and without one before an empty
    line or the next display, so that what follows is read.
    """
    closing = {"$$": "$$", "\\[": "\\]"}.get(opening, f"\\end{{{opening}}}")
    fault = f"the display is not closed: {closing} is expected"
    stops = _STOP_OR_COMMENT if comments else _STOP
    for match in stops.finditer(text, start, limit):
        found = match.group()
        name = match[2]
        word = f"\\{match[1]}{{{name}}}" if name else (aliases or {}).get(found, found)
        if word == closing:
            return Extent(match.start(), match.end())
        if found[0] == "\n":
            return Extent(match.start(), match.end(), f"{fault}, and no display holds an empty line")
        if _opens_another(word, opening):
            return Extent(match.start(), match.start(), f"{fault} before {word}")
    return Extent(limit, limit, f"{fault}, and no display holds an empty line")


def _opens_another(word: str, opening: str) -> bool:
    """Whether a word within a display can only begin another one."""
    if word in ("$$", "\\["):
        return True
    is_display = word.startswith("\\begin{") and word[7:-1] in DISPLAYS
    return is_display and opening not in ("$$", "\\[")
