"""What Jupyter shows: a derivation with its steps, a model as its equations; an extension for SymPy's own nodes.

Formulas show themselves as LaTeX wherever they are. Sums, products and transposes are SymPy's, and SymPy prints them in
its own way ((s_t)^T, A ∘ B); after `%load_ext derive.notebook` they are printed as `derive` prints them (s_tᵀ, A ⊙ B).
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.errors import BackproofError
from derive.language.nodes import Node
from derive.language.show import show
from derive.latex.conventions import Conventions
from derive.latex.mathml import mathml
from derive.latex.printer import Printer, fitting, latex

if TYPE_CHECKING:
    from derive.derivation import Derivation
    from derive.model import Equation, Loss, Model

_SIGNS = {"<": "&lt;", "<=": "≤"}
_WIDE = ' style="overflow-x:auto"'  # a formula wider than the page scrolls by itself
_CELL = ' style="text-align:left;vertical-align:middle"'


def html_of_derivation(derivation: Derivation) -> str:
    """The formula, what its names stand for and where it holds, and its steps with their theorems, to be opened."""
    conventions = fitting(derivation.left, derivation.right)
    count = len(derivation.steps)
    steps = "step" if count == 1 else "steps"
    rows = "".join(_row(one.after, one.rule, conventions) for one in derivation.steps)
    table = f"<table>{_row(derivation.left, '', conventions, sign='')}{rows}</table>"
    return (
        f'<div class="backproof-derivation"><div{_WIDE}>{mathml(derivation.latex())}</div>{_notes(derivation)}'
        f"<details><summary>{count} {steps}</summary><div{_WIDE}>{table}</div></details></div>"
    )


def _row(formula: Any, rule: str, conventions: Conventions, sign: str = "=") -> str:
    """One line of a derivation: what it has become, and by which theorem."""
    try:
        written = mathml(f"\\displaystyle {sign} {Printer(conventions).text(formula)}", display=False)
    except BackproofError:  # what no LaTeX says, plain text does
        written = f"<code>{escape(f'{sign} {show(formula)}')}</code>"
    return f"<tr><td{_CELL}>{written}</td><td{_CELL}>{escape(rule)}</td></tr>"


def _notes(derivation: Derivation) -> str:
    """The names for derivatives, the conditions and the assumptions, one line."""
    names = [mathml(f"{latex(e.left)} = {latex(e.right)}", display=False) for e in derivation.definitions]
    where = [f"{escape(str(a))} {_SIGNS[sign]} {escape(str(b))}" for a, sign, b in derivation.conditions]
    assumed = [mathml(f"{latex(formula)} = {value}", display=False) for formula, value in derivation.assumptions]
    parts = [("with", names), ("for", where), ("assuming", assumed)]
    text = "; ".join(f"{word} {', '.join(found)}" for word, found in parts if found)
    return f"<div>{text}</div>" if text else ""


def latex_of_model(model: Model) -> str:
    """The equations of a model with the steps at which they hold, its losses among them, in one aligned block."""
    rows = [
        f"{latex(equation.left)} &= {latex(equation.right)}{_steps(model, equation)}" for equation in model.equations
    ]
    rows += [f"{loss.symbol.name} &= {loss.symbol.name}({_parts(model, loss)})" for loss in model.losses]
    return "\\begin{aligned} " + " \\\\ ".join(rows) + " \\end{aligned}"


def _steps(model: Model, equation: Equation) -> str:
    """The range of an equation's step: 1 <= t <= T, or t >= 1 where t is the last step's own letter."""
    if equation.index is None:
        return ""
    first, last = model.produced(equation.name) or (model.time.first, model.time.last)
    letter = sp.latex(equation.index)
    if last == equation.index:
        return f" && {letter} \\ge {sp.latex(first)}"
    return f" && {sp.latex(first)} \\le {letter} \\le {sp.latex(last)}"


def _parts(model: Model, loss: Loss) -> str:
    """What a loss looks at: s_T, or s_1, …, s_T."""
    first, last = sp.latex(model.time.first), sp.latex(model.time.last)
    spans = {"last": f"{{0}}_{{{{{last}}}}}", "each": f"{{0}}_{{{{{first}}}}}, \\dots, {{0}}_{{{{{last}}}}}"}
    return ", ".join(spans[place].format(family) for family, place in loss.parts)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext derive.notebook`: SymPy's sums, products and transposes of our formulas, printed as ours are."""
    shell.display_formatter.formatters["text/latex"].for_type(sp.MatrixExpr, latex_in_notebook)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext derive.notebook`: as it was."""
    shell.display_formatter.formatters["text/latex"].pop(sp.MatrixExpr, None)


def latex_in_notebook(expr: Any) -> str | None:
    """A formula with a node of ours in our LaTeX, any other as SymPy prints it; None where there is none."""
    if not expr.has(Node):
        return str(expr._repr_latex_())
    try:
        return f"$\\displaystyle {latex(expr)}$"
    except BackproofError:  # a power, an inverse, …: SymPy's nodes that are no part of our language
        return None if isinstance(expr, Node) else str(expr._repr_latex_())
