"""LaTeX as MathML, which browsers and notebooks lay out by themselves: no script, no network."""

from __future__ import annotations

from html import escape


def mathml(latex: str, display: bool = True) -> str:
    """A formula as a `<math>` element; where it is beyond MathML the LaTeX itself, escaped, in `<code>`.

    Nothing in the formula can become markup.
    """
    import math_core  # here, so that whoever prints no HTML does not load it

    converter = math_core.LatexToMathML(fancy_error=False)
    try:
        return converter.convert_with_local_state(latex, displaystyle=display)
    except math_core.LatexError:
        return f"<code>{escape(latex)}</code>"
