"""The formula language: SymPy's matrix expressions, our nodes beside them, their shapes, plain text and LaTeX."""

from typing import Any

from derive.language.nodes import Node
from derive.language.show import show


def _plain_text(node: Any, printer: Any) -> str:
    return show(node)


def _latex(node: Any, printer: Any) -> str:
    from derive.latex.printer import latex  # a higher layer, needed only when somebody prints

    return latex(node)


def _repr_latex(node: Any) -> str:
    return f"$\\displaystyle {_latex(node, None)}$"


Node._sympystr = _plain_text  # str() of any formula that holds our nodes reads like mathematics
Node._latex = _latex  # and so does sympy.latex()
Node._repr_latex_ = _repr_latex
