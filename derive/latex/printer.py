"""Formulas as the LaTeX that a textbook prints, in notation that the parser reads back.

Juxtaposition binds tighter than ⊙ and ⊗, these tighter than +; a sum or product sign reaches to the next + or −.
What a derivative looks like depends on the conventions: in the row convention ∂E/∂s is a row, so that the column
`Gradient(E, s)` prints as its transpose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.errors import BackproofError
from derive.language import nodes
from derive.language.convolution import Convolution, Flip
from derive.language.derivatives import (
    BlockJacobian,
    Collect,
    FamilyDerivative,
    Gradient,
    Jacobian,
    slot_of,
    variable_of,
)
from derive.language.shapes import NODE_TYPES, axes, is_coefficient
from derive.language.show import show
from derive.latex import arrays, convolutions, printed_constants
from derive.latex.binding import ATOM, BIG, ENTRY, PRODUCT, SUM, Text, braced, index_text, name_with_index, primed
from derive.latex.conventions import Conventions
from derive.latex.slots import slots_by

Written = Callable[[nodes.Member], "str | None"]  # how a document writes a member, None where it says nothing

TEXTBOOK = Conventions("numerator", "shape", "family", "column", "descending", "total")


def latex(expr: Any, conventions: Conventions | None = None, written: Written | None = None) -> str:
    """A formula as LaTeX under conventions; without them, under the textbook ones as far as the formula allows.

    `written` says how members are written; without it an index is a subscript. Raises `BackproofError` where a
    formula cannot be written under the conventions (a block form beside a family), or is no formula of the language.
    """
    _check_families(expr)
    return Printer(fitting(expr) if conventions is None else conventions, written).text(expr)


def _check_families(expr: Any) -> None:
    """A family of numbers is read as a matrix at the end of a side or term only: no sign says where else it is one."""
    terms = expr.args if isinstance(expr, sp.MatAdd) else (expr,)
    for term in terms:
        matrices = [f for f in term.args if not is_coefficient(f)] if isinstance(term, sp.MatMul) else [term]
        whole = matrices[0] if len(matrices) == 1 else term
        if (whole.family if isinstance(whole, Collect) else whole).has(Collect):
            raise BackproofError(f"{show(term)}: a family of derivatives stands inside a formula; give it a name")


def fitting(*exprs: Any) -> Conventions:
    """The textbook conventions, with `vec: row` or `matrix: block` where the formulas are in these."""
    found = [node for expr in exprs for node in sp.preorder_traversal(expr)]
    orders = {node.order for node in found if isinstance(node, nodes.Vec)}
    matrix = "block" if any(isinstance(node, BlockJacobian) for node in found) else TEXTBOOK.matrix
    ways = {node.direction for node in found if isinstance(node, nodes.TimeProduct)}
    vec = "row" if orders == {"row"} else TEXTBOOK.vec
    products = "ascending" if "ascending" in ways else TEXTBOOK.products
    return Conventions(TEXTBOOK.layout, TEXTBOOK.gradient, matrix, vec, products, TEXTBOOK.partial)


def _factor(row: Text, is_last: bool) -> str:
    """A factor as it stands in a product, where Σ and Π may be last."""
    text, level = row
    return text if level >= PRODUCT or (is_last and level == BIG) else f"\\left({text}\\right)"


def _is_taken(expr: Any) -> bool:
    """Whether a superscript would belong to the name: I^2 is one of its own, c_1^{t-k} the entry 1 of c_{t-k}."""
    at_number = isinstance(expr, nodes.Member) and any(index.is_Integer for index in expr.indices)
    return at_number or isinstance(expr, sp.Identity)


def _open(last: Text) -> int:
    """How a product binds: one that ends in Σ or Π reaches on as that sign does."""
    return BIG if last[1] == BIG else PRODUCT


def _has_two_modes(expr: Any) -> bool:
    """Of a family's member by a parameter: there total and immediate differ, and `partial` says which ∂ is."""
    subject, by = expr.what, variable_of(expr.by)
    while isinstance(subject, nodes.Vec | sp.Transpose):
        subject = subject.args[0]
    return bool(getattr(subject, "indices", ())) and not getattr(by, "indices", ())


class Printer:
    """Prints under one choice of conventions; one method a node, listed in `ROWS`."""

    def __init__(self, conventions: Conventions, written: Written | None = None) -> None:
        self.conventions = conventions
        self.written = written

    def text(self, expr: Any) -> str:
        """A formula without outer parentheses."""
        return self.row(expr)[0]

    def row(self, expr: Any) -> Text:
        """Text and binding strength."""
        row = ROWS.get(type(expr)) or next((r for kind, r in ROWS.items() if isinstance(expr, kind)), None)
        if row is None:
            if is_coefficient(expr):
                return self._coefficient(expr)
            raise BackproofError(f"{type(expr).__name__} is no node of the formula language")
        return row(self, expr)

    def at_least(self, expr: Any, level: int) -> str:
        """The text, in parentheses where the formula binds more loosely than its place asks."""
        text, own = self.row(expr)
        return text if own >= level else f"\\left({text}\\right)"

    # --- leaves ------------------------------------------------------------------------------------------------

    def symbol(self, expr: Any) -> Text:
        """W."""
        return str(expr.name), ATOM

    def member(self, expr: nodes.Member) -> Text:
        """s_{t-1}, or as the document writes it."""
        text = self.written(expr) if self.written is not None else None
        if text is not None:
            return text, ATOM
        return name_with_index(expr.name, ",".join(index_text(i) for i in expr.indices)), ATOM

    def _coefficient(self, expr: Any) -> Text:
        return sp.latex(expr), SUM if isinstance(expr, sp.Add) else PRODUCT if expr.could_extract_minus_sign() else ATOM

    # --- operations --------------------------------------------------------------------------------------------

    def sum(self, expr: Any) -> Text:
        """A + B - C."""
        first, *rest = (self._term(term) for term in expr.args)
        return " ".join(
            [("-" if first[0] else "") + first[1], *((f"- {t}" if minus else f"+ {t}") for minus, t in rest)]
        ), SUM

    def _term(self, term: Any) -> tuple[bool, str]:
        """Whether a term is subtracted, and what."""
        text, level = self.row(term)
        if level == SUM and text.startswith("-") and isinstance(term, sp.MatMul):
            return True, text[1:]
        return False, f"\\left({text}\\right)" if level == SUM else text

    def product(self, expr: Any) -> Text:
        """A B; a minus in front makes it a term."""
        numbers = [factor for factor in expr.args if is_coefficient(factor)]
        factors = [factor for factor in expr.args if not is_coefficient(factor)]
        number = sp.Mul(*numbers)
        negative = bool(number.could_extract_minus_sign())
        number = -number if negative else number
        front = [] if number == 1 else [self.at_least(number, PRODUCT)]
        if negative and not front and len(factors) == 1:
            text, level = self.row(factors[0])
            return "-" + (f"\\left({text}\\right)" if level == SUM else text), SUM
        rows = [self.row(factor) for factor in factors]
        texts = front + [_factor(row, place == len(rows) - 1) for place, row in enumerate(rows)]
        return ("-" if negative else "") + " ".join(texts), SUM if negative else _open(rows[-1])

    def scale(self, expr: nodes.Scale) -> Text:
        """c A: a composite c in parentheses."""
        row = self.row(expr.matrix)
        return f"{self.at_least(expr.scalar, ATOM)} {_factor(row, True)}", _open(row)

    def transpose(self, expr: Any) -> Text:
        """Aᵀ; of a derivative, what the conventions print without a sign."""
        inner = expr.args[0]
        if self._is_turned(inner):
            return self._fraction(inner), ATOM
        return self.scripted(inner, "\\top"), ATOM

    def scripted(self, expr: Any, script: str) -> str:
        """expr^script, in parentheses unless a bare superscript is plain to read."""
        text, level = self.row(expr)
        bare = level == ATOM and "^" not in text and "\\frac" not in text
        bare = bare and (script == "\\top" or not _is_taken(expr))
        return f"{text}^{script}" if bare else f"\\left({text}\\right)^{script}"

    def hadamard(self, expr: Any) -> Text:
        """A ⊙ B."""
        return " \\odot ".join(self.at_least(factor, PRODUCT) for factor in expr.args), ENTRY

    def hadamard_power(self, expr: Any) -> Text:
        """x^2 of a vector is entry by entry; of a matrix it is written out."""
        base, exponent = expr.args
        if axes(base).is_vector:
            return self.scripted(base, braced(sp.latex(exponent))), ATOM
        return " \\odot ".join([self.at_least(base, PRODUCT)] * int(exponent)), ENTRY

    def power(self, expr: nodes.Power) -> Text:
        """A^e."""
        return self.scripted(expr.base, f"{{{index_text(expr.exponent)}}}"), ATOM

    # --- functions ---------------------------------------------------------------------------------------------

    def elementwise(self, expr: nodes.Elementwise) -> Text:
        """f'(z); 1/z and a root as such."""
        if expr.kind == "reciprocal" and expr.order == 0:
            return f"\\frac{{1}}{{{self.text(expr.argument)}}}", ATOM
        if expr.kind == "sqrt" and expr.order == 0 and expr.name.strip("\\") == "sqrt":
            return f"\\sqrt{{{self.text(expr.argument)}}}", ATOM
        name = f"\\{expr.name}" if expr.name in ("tanh", "exp", "log") else expr.name
        return primed(name, expr.order) + self._argument(expr.argument), ATOM

    def application(self, expr: nodes.Application) -> Text:
        """F(x_t, h_{t-1})."""
        text = ", ".join(self.text(argument) for argument in expr.arguments)
        return f"{expr.name}({text})", ATOM

    def slot(self, expr: nodes.Slot) -> Text:
        """A slot has a name below the line of a derivative only."""
        raise BackproofError("a slot stands below the line of a derivative only")

    def softmax(self, expr: nodes.Softmax) -> Text:
        """softmax(z)."""
        return "\\operatorname{softmax}" + self._argument(expr.argument), ATOM

    def diag(self, expr: nodes.Diag) -> Text:
        """diag[v]."""
        return f"\\operatorname{{diag}}\\left[{self.text(expr.vector)}\\right]", ATOM

    def vec(self, expr: nodes.Vec) -> Text:
        """vec(A)."""
        self._check(expr, "vec", expr.order)
        return "\\operatorname{vec}" + self._argument(expr.matrix), ATOM

    def trace(self, expr: Any) -> Text:
        """tr(A)."""
        return "\\operatorname{tr}" + self._argument(expr.args[0]), ATOM

    def norm(self, expr: nodes.Norm) -> Text:
        """‖A‖, with F for Frobenius."""
        return f"\\left\\|{self.text(expr.matrix)}\\right\\|" + ("_F" if expr.kind == "F" else ""), ATOM

    def _argument(self, expr: Any) -> str:
        text = self.text(expr)
        is_tall = any(sign in text for sign in ("\\frac", "\\left", "\\sum", "\\prod", "("))
        return f"\\left({text}\\right)" if is_tall else f"({text})"

    # --- sums, products, components ----------------------------------------------------------------------------

    def time_sum(self, expr: nodes.TimeSum) -> Text:
        """Σ_{k=1}^{t}."""
        return self._big("\\sum", expr.index, expr.lo, expr.hi, expr.body), BIG

    def time_product(self, expr: nodes.TimeProduct) -> Text:
        """Π_{i=k}^{t-1}, in the declared direction; descending can always be said as Π_{t-1 ≥ i ≥ k}."""
        if expr.direction != self.conventions.products:
            self._check(expr, "products", "ascending" if expr.direction == "ascending" else self.conventions.products)
            bounds = f"{index_text(expr.hi)} \\ge {sp.latex(expr.index)} \\ge {index_text(expr.lo)}"
            return f"\\prod_{{{bounds}}} {self._big_body(expr.body)}", BIG
        return self._big("\\prod", expr.index, expr.lo, expr.hi, expr.body), BIG

    def _big(self, sign: str, index: Any, lo: Any, hi: Any, body: Any) -> str:
        bounds = f"_{{{sp.latex(index)}={index_text(lo)}}}^{{{index_text(hi)}}}"
        return f"{sign}{bounds} {self._big_body(body)}"

    def _big_body(self, body: Any) -> str:
        text, level = self.row(body)
        return f"\\left({text}\\right)" if level == SUM else text

    def component(self, expr: nodes.Component) -> Text:
        """W_{ij}, [s_t]_i, (∂y/∂x)_{ij}."""
        letters = arrays.letters(expr.row, expr.col)
        return f"{self.indexed(expr.matrix)}_{{{letters}}}", ATOM

    def indexed(self, expr: Any) -> str:
        """An array as a subscript of entries may follow it: W, [s_t], (A B)."""
        text, _ = self.row(expr)
        if isinstance(expr, sp.MatrixSymbol) and "_" not in text:
            return text
        return f"\\left[{text}\\right]" if isinstance(expr, nodes.Member) else f"\\left({text}\\right)"

    def component_sum(self, expr: nodes.ComponentSum) -> Text:
        """Σ_i."""
        return f"\\sum_{{{sp.latex(expr.letter)}}} {self._big_body(expr.body)}", BIG

    # --- derivatives -------------------------------------------------------------------------------------------

    def derivative(self, expr: Any) -> Text:
        """∂y/∂x; its transpose where the conventions lay it out the other way."""
        if self._is_turned(expr):
            return f"\\left({self._fraction(expr)}\\right)^\\top", ATOM
        text = self._fraction(expr)
        return text, PRODUCT if text.startswith("\\partial_") else ATOM  # a script behind it would be F's own

    def _is_turned(self, expr: Any) -> bool:
        """Whether a bare fraction means this node's transpose."""
        if isinstance(expr, Gradient):
            return self._turned_gradient(axes(expr))
        if isinstance(expr, Jacobian):
            what, by = axes(expr.what), axes(expr.by)
            if what.is_scalar:
                return not by.is_scalar and self.conventions.gradient == "shape"
            return self.conventions.layout == "denominator" and not by.is_scalar
        return False

    def _turned_gradient(self, shape: Any) -> bool:
        kind = self.conventions.gradient
        return not shape.is_scalar and (kind == "transposed" or (kind == "row" and shape.cols == ()))

    def _fraction(self, expr: Any) -> str:
        self._check_kind(expr)
        if slot_of(expr) is not None:
            return self._by_slot(expr)
        if slots_by(expr.what, expr.by):
            raise BackproofError(f"the total {show(expr)} would be read as the derivative by a slot; name the value")
        if self.conventions.partial == "immediate" and expr.mode == "total" and _has_two_modes(expr):
            self._check(expr, "partial", "total")
        sign = "\\partial^{+}" if expr.mode == "immediate" else "\\partial"
        return f"\\frac{{{sign} {self._differentiated(expr.what)}}}{{\\partial {self._differentiated(expr.by)}}}"

    def _by_slot(self, expr: Any) -> str:
        """∂F(x, h)/∂h where the name h stands in one slot, else \\partial_{h} F(x, W y) by the slot's own name."""
        application, slot = slot_of(expr)  # type: ignore[misc]
        argument = application.arguments[slot.number - 1]
        is_name = isinstance(argument, nodes.Member | sp.MatrixSymbol) and application.arguments.count(argument) == 1
        if is_name and not isinstance(expr.what, sp.Transpose):
            by = nodes.Vec(argument, expr.by.order) if isinstance(expr.by, nodes.Vec) else argument
            return f"\\frac{{\\partial {self._differentiated(expr.what)}}}{{\\partial {self._differentiated(by)}}}"
        if expr.what != application or expr.by != slot:
            raise BackproofError(f"{show(expr)} is written of names only; name its argument")
        return f"\\partial_{{{application.names[slot.number - 1]}}} {self.text(application)}"

    def _differentiated(self, expr: Any) -> str:
        if isinstance(expr, nodes.Vec) and isinstance(expr.matrix, nodes.Member | sp.MatrixSymbol):
            self._check(expr, "vec", expr.order)
            return f"\\operatorname{{vec}} {self.text(expr.matrix)}"
        return self.at_least(expr, PRODUCT)

    def _check_kind(self, expr: Any) -> None:
        if isinstance(expr, BlockJacobian):
            self._check(expr, "matrix", "block")
        if isinstance(expr, FamilyDerivative):
            self._check(expr, "matrix", "family")

    def collect(self, expr: Collect) -> Text:
        """A family of numbers is written as it is."""
        return self.row(expr.family)

    def _check(self, expr: Any, key: str, value: str) -> None:
        declared = getattr(self.conventions, key)
        if declared != value:
            raise BackproofError(f"{show(expr)} cannot be written under {key}: {declared}; it needs {key}: {value}")


ROWS: dict[type, Callable[[Printer, Any], Text]] = {
    sp.MatrixSymbol: Printer.symbol,
    sp.Identity: printed_constants.identity,
    sp.ZeroMatrix: printed_constants.zero,
    sp.OneMatrix: printed_constants.ones,
    sp.MatAdd: Printer.sum,
    sp.MatMul: Printer.product,
    sp.Transpose: Printer.transpose,
    HadamardProduct: Printer.hadamard,
    HadamardPower: Printer.hadamard_power,
    nodes.Member: Printer.member,
    nodes.Elementwise: Printer.elementwise,
    nodes.Application: Printer.application,
    nodes.Slot: Printer.slot,
    nodes.Softmax: Printer.softmax,
    nodes.Diag: Printer.diag,
    nodes.Vec: Printer.vec,
    nodes.Commutation: printed_constants.commutation,
    nodes.Kronecker: printed_constants.kronecker,
    nodes.Scale: Printer.scale,
    nodes.Tr: Printer.trace,
    nodes.Norm: Printer.norm,
    nodes.Inverse: arrays.inverse,
    nodes.Det: arrays.det,
    nodes.Power: Printer.power,
    nodes.TimeSum: Printer.time_sum,
    nodes.TimeProduct: Printer.time_product,
    nodes.Component: Printer.component,
    nodes.Delta: printed_constants.delta,
    nodes.Entries: arrays.entries,
    nodes.Blocks: arrays.blocks,
    nodes.ComponentSum: Printer.component_sum,
    Convolution: convolutions.convolution,
    Flip: convolutions.flipped,
    Jacobian: Printer.derivative,
    Gradient: Printer.derivative,
    BlockJacobian: Printer.derivative,
    FamilyDerivative: Printer.derivative,
    Collect: Printer.collect,
}


def missing_rows() -> tuple[type, ...]:
    """The node types that have no row: none."""
    return tuple(kind for kind in NODE_TYPES if kind not in ROWS)
