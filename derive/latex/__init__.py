"""LaTeX: the printer and the parser, a pair."""

from derive.latex.printer import latex

__all__ = ["latex"]
