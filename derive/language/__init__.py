"""The formula language: SymPy's matrix expressions, our nodes beside them, their shapes, plain text and LaTeX."""

from typing import Any

from sympy.printing.precedence import PRECEDENCE

from derive.errors import BackproofError
from derive.language.nodes import Node
from derive.language.show import binding, show


def _plain_text(node: Any, printer: Any) -> str:
    return show(node)


def _latex(node: Any, printer: Any) -> str:
    from derive.latex.printer import latex  # a higher layer, needed only when somebody prints

    return latex(node)


def _repr_latex(node: Any) -> str | None:
    """What Jupyter shows; None, so that it shows the plain text, where no LaTeX says the formula."""
    try:
        return f"$\\displaystyle {_latex(node, None)}$"
    except BackproofError:
        return None


def _precedence(node: Any) -> int:
    """How SymPy's printers bracket our node inside SymPy's: without it A ⊗ B times C is printed as A ⊗ B C."""
    return int(PRECEDENCE[("Add", "Add", "Mul", "Atom")[binding(node)]])


Node._sympystr = _plain_text  # str() of any formula that holds our nodes reads like mathematics
Node._latex = _latex  # and so does sympy.latex()
Node._repr_latex_ = _repr_latex
Node.precedence = property(_precedence)
