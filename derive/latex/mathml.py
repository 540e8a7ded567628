"""LaTeX as MathML, which browsers and notebooks lay out by themselves: the one seam behind which math-core stands."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import Any

MAX_SIGNS = 5_000  # of one formula: math-core recurses, and the stack of the process ends before Python's would
MAX_DEPTH = 100  # of braces
MAX_ELEMENTS = 200  # inside one another; a browser flattens what is nested deeper than some 500

_TAG = re.compile(r"<(/?)[a-z][^<>]*?(/?)>")


def mathml(latex: str, display: bool = True) -> str:
    """A formula as a `<math>` element; where it cannot be laid out the LaTeX itself, escaped, in `<code>`.

    Nothing in the formula can become markup.
    """
    found = laid_out(latex, display)
    return f"<code>{escape(latex)}</code>" if found is None else found


def laid_out(latex: str, display: bool = True) -> str | None:
    """A formula as a `<math>` element, None where it is empty, beyond MathML, very long or nested very deep."""
    if not latex.strip() or len(latex) > MAX_SIGNS or _depth(latex) > MAX_DEPTH:
        return None
    from math_core import LatexError

    try:
        found: str = _reader().convert_with_local_state(latex, displaystyle=display)
    except LatexError:
        return None
    return None if _nested(found) > MAX_ELEMENTS else found


@cache
def _reader() -> Any:
    from math_core import LatexToMathML  # here, so that whoever prints no HTML does not load it

    # widetilde and its like are drawn a little differently from browser to browser, which beats not being drawn
    return LatexToMathML(fancy_error=False, allow_unreliable_rendering=True)


def _depth(text: str) -> int:
    level = deepest = 0
    for sign in text:
        level += (sign == "{") - (sign == "}")
        deepest = max(deepest, level)
    return deepest


def _nested(markup: str) -> int:
    """How many elements stand inside one another, at most."""
    level = deepest = 0
    for closes, stands_alone in _TAG.findall(markup):
        level += -1 if closes else 0 if stands_alone else 1
        deepest = max(deepest, level)
    return deepest
