"""LaTeX as MathML, which browsers and notebooks lay out by themselves: no script, no network."""

from __future__ import annotations

from html import escape

MAX_SIGNS = 5_000  # of one formula: math-core recurses with its depth, and has no limit but the process's stack


def mathml(latex: str, display: bool = True) -> str:
    """A formula as a `<math>` element; where it is beyond MathML or very long the LaTeX itself, escaped, in `<code>`.

    Nothing in the formula can become markup.
    """
    import math_core  # here, so that whoever prints no HTML does not load it

    converter = math_core.LatexToMathML(fancy_error=False, allow_unreliable_rendering=True)  # \widetilde
    try:
        if len(latex) <= MAX_SIGNS:
            return converter.convert_with_local_state(latex, displaystyle=display)
    except math_core.LatexError:
        pass
    return f"<code>{escape(latex)}</code>"
