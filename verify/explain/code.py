"""Formulas as Python: one method a node, listed in `ROWS`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.errors import BackproofError
from derive.language import nodes
from derive.language.convolution import Convolution, Flip
from derive.language.derivatives import (
    BlockJacobian,
    Collect,
    DerivativeNode,
    FamilyDerivative,
    Gradient,
    Jacobian,
    slot_of,
    variable_of,
)
from derive.language.letters import component_letters
from derive.language.shapes import NODE_TYPES, is_coefficient
from derive.language.show import show, show_name
from derive.model import Equation, Model
from verify.counterexample import Counterexample
from verify.explain.copied import PARTS
from verify.explain.literals import bare, key, quoted

RIDGES = " = q1(w1·a) + q2(w2·a)"  # what the counterexample writes behind the name of a function made concrete


class Code:
    """Prints formulas as Python; one method a node, listed in `ROWS`. `needed` and `unknown` collect what they use."""

    def __init__(self, model: Model, example: Counterexample) -> None:
        self.model, self.example = model, example
        self.numbers = {**example.sizes, **example.times, **example.letters}
        self.is_rounded = _has_balls(example) or any("^(k)(0)" in n or n.endswith(RIDGES) for n in example.functions)
        self.moving: tuple[nodes.Application, nodes.Slot] | None = None  # the slot whose derivative is printed
        self.needed: dict[str, None] = {}
        self.unknown: dict[str, str] = {}

    def __call__(self, expr: Any) -> str:
        """A formula as Python. Raises `BackproofError` for a node that has no exact value."""
        row = ROWS.get(type(expr)) or next((r for kind, r in ROWS.items() if isinstance(expr, kind)), None)
        if row is None:
            raise BackproofError(f"{show(expr)} cannot be computed exactly, so there is no program for it")
        return row(self, expr)

    def letter(self, name: Any) -> str:
        """A size, step or component letter as a Python name."""
        text = re.sub(r"\W", "_", show_name(str(name)))
        return f"{text}_" if text in PARTS or text in ("v", "left", "right", "np", "w", "moved") else text

    def index(self, expr: Any) -> str:
        """An expression in letters as Python."""
        expr = sp.sympify(expr)
        return str(expr.xreplace({s: sp.Symbol(self.letter(s)) for s in expr.free_symbols}))

    # --- equations ---------------------------------------------------------------------------------------------

    def equations(self) -> Iterator[str]:
        """The equations of all names that the sides need, one function each."""
        yield "# the equations"
        lines: dict[str, str] = {}
        while waiting := [name for name in self.needed if name not in lines]:
            for name in waiting:
                lines[name] = self._equation(name)
        yield from (line for line in lines.values() if line)
        pairs = ", ".join(f"{quoted(show_name(name))}: {self._function(name)}" for name, line in lines.items() if line)
        yield f"EQUATIONS = {{{pairs}}}\n"

    def _function(self, name: str) -> str:
        return "of_" + re.sub(r"\W", "_", show_name(name))

    def _equation(self, name: str) -> str:
        equation, loss = self.model.by_name.get(name), self.model.loss_by_name.get(name)
        if equation is not None:
            letter = "" if equation.index is None else f", {self.letter(equation.index)}"
            return f"def {self._function(name)}(v{letter}):\n    return {bare(self(equation.right))}\n"
        if loss is None:
            return ""
        self._unknown(name, "loss")
        seen = " + ".join(self._seen(*part) for part in loss.parts)
        return f"def {self._function(name)}(v):\n    return loss(v, KNOWN[{quoted(show_name(name))}], {seen})\n"

    def _seen(self, name: str, when: str) -> str:
        """What a loss looks at."""
        self.needed.setdefault(name)
        equation: Equation = self.model.by_name[name]
        label, made = quoted(show_name(name)), self.model.produced(name)
        if made is None or equation.index is None:
            return f"[({label},)]"
        last = self.index(self.model.time.last)
        if when == "last":
            return f"[({label}, {last})]"
        return f"[({label}, k) for k in range({self.index(made[0])}, {self.index(made[1])} + 1)]"

    # --- leaves and operations -----------------------------------------------------------------------------------

    def name(self, expr: Any) -> str:
        """v("s", t - 1)."""
        self.needed.setdefault(str(expr.name))
        return f"v({', '.join(self._parts(expr))})"

    def _parts(self, expr: Any) -> list[str]:
        return [quoted(show_name(str(expr.name))), *map(self.index, getattr(expr, "indices", ()))]

    def _sized(self, function: str, expr: Any) -> str:
        return f"{function}({self.index(expr.shape[0])}, {self.index(expr.shape[1])})"

    def _call(self, function: str, *parts: Any) -> str:
        return f"{function}({', '.join(part if isinstance(part, str) else self(part) for part in parts)})"

    def product(self, expr: Any) -> str:
        """c A B."""
        numbers = [factor for factor in expr.args if is_coefficient(factor)]
        factors = [self(factor) for factor in expr.args if not is_coefficient(factor)]
        matrices = f"({' @ '.join(factors)})" if len(factors) > 1 else factors[0]
        return f"({self._coefficient(sp.Mul(*numbers))} * {matrices})" if numbers else matrices

    def _coefficient(self, number: Any) -> str:
        above, below = sp.fraction(sp.together(number))
        if below == 1:
            return self.index(above) if above.is_Atom else f"({self.index(above)})"
        return f"Fraction({self.index(above)}, {self.index(below)})"

    def elementwise(self, expr: nodes.Elementwise) -> str:
        """f'(z)."""
        if expr.kind != "opaque":
            return self._call("known", expr.kind.replace(" ", "_") + "_slopes", str(expr.order), expr.argument)
        label = self._unknown(expr.name, "taylor" if self.is_rounded else "table")
        function = "polynomial" if self.is_rounded else "table_of"
        return self._call(function, f"KNOWN[{quoted(label)}]", str(expr.order), expr.argument)

    def _unknown(self, name: str, kind: str) -> str:
        """The label of an unknown function, whose table the program must hold."""
        label = show_name(name)
        if self.example.is_numeric:
            raise BackproofError(
                f"it was refuted by numeric witnesses alone, which drew {label} at random; the counterexample has "
                f"no table of it, so there is no program to print; with a known function for {label} there is one"
            )
        self.unknown[label] = kind
        return label

    def application(self, expr: nodes.Application) -> str:
        """F(a, b, …); `moved` stands for the argument that a derivative by its slot moves."""
        moved = self.moving[1].number if self.moving is not None and self.moving[0] == expr else None
        outer, self.moving = self.moving, None
        arguments = ["moved" if place == moved else self(part) for place, part in enumerate(expr.arguments, start=1)]
        self.moving = outer
        label = self._unknown(expr.name, "ridges" if self.is_rounded else "application")
        shape = f"({self.index(expr.shape[0])}, {self.index(expr.shape[1])})"
        if self.is_rounded:
            return self._call("ridges", f"KNOWN[{quoted(label)}]", shape, *arguments)
        slots = key([quoted(show_name(name)) for name in expr.names])
        return self._call("application", f"KNOWN[{quoted(label)}]", shape, slots, *arguments)

    def time_sum(self, expr: nodes.TimeSum) -> str:
        """Σ over steps."""
        return f"sum([{self._terms(expr)}], {self._sized('zeros', expr)})"

    def time_product(self, expr: nodes.TimeProduct) -> str:
        """Π over steps, the highest leftmost where it descends."""
        order = "[::-1]" if expr.direction == "descending" else ""
        return f"chain([{self._terms(expr)}]{order}, {self.index(expr.shape[0])})"

    def _terms(self, expr: Any) -> str:
        steps = f"range({self.index(expr.lo)}, {self.index(expr.hi)} + 1)"
        return f"{self(expr.body)} for {self.letter(expr.index)} in {steps}"

    def component(self, expr: nodes.Component) -> str:
        """[A]_ij."""
        letters = ["1" if letter is None else self.letter(letter) for letter in (expr.row, expr.col)]
        return self._call("entry", expr.matrix, *letters)

    def delta(self, expr: nodes.Delta) -> str:
        """δ_ij."""
        i, j = map(self.letter, expr.args)
        return f"(ones(1, 1) * int({i} == {j}))"

    def component_sum(self, expr: nodes.ComponentSum) -> str:
        """Σ_i."""
        length = self.index(nodes.length(component_letters(expr.body)[expr.letter]))
        terms = f"{self(expr.body)} for {self.letter(expr.letter)} in range(1, {length} + 1)"
        return f"sum([{terms}], {self._sized('zeros', expr)})"

    def entries(self, expr: nodes.Entries) -> str:
        """The array of a scalar's values over its letters."""
        loops = [
            f"for {'_' if letter is None else self.letter(letter)} in range(1, {self.index(size)} + 1)"
            for letter, size in ((expr.col, expr.shape[1]), (expr.row, expr.shape[0]))
        ]
        return f"grid([[{self(expr.body)} {loops[0]}] {loops[1]}])"

    def blocks(self, expr: nodes.Blocks) -> str:
        """Blocks side by side."""
        rows = (f"[{', '.join(map(self, row))}]" for row in expr.rows_of_blocks)
        return f"grid([{', '.join(rows)}])"

    # --- derivatives ---------------------------------------------------------------------------------------------

    def jacobian(self, expr: Jacobian) -> str:
        """∂y/∂x."""
        order = expr.by.order if isinstance(expr.by, nodes.Vec) else "row"
        return f"jacobian({self.family(expr)}, {quoted(order)})"

    def family(self, expr: DerivativeNode) -> str:
        """∂Y/∂X, one member for each entry of X."""
        by = variable_of(expr.by)
        if (found := slot_of(expr)) is not None:
            return self._by_slot(expr.what, *found)
        self.needed.setdefault(str(by.name))
        name = key(self._parts(by))
        shape = f"({self.index(by.shape[0])}, {self.index(by.shape[1])})"
        held = self._held(expr, by)
        return f"derivative(v, lambda v: {self(expr.what)}, {name}, {shape}{held})"

    def _by_slot(self, what: Any, applied: nodes.Application, slot: nodes.Slot) -> str:
        """∂F(a, b, …)/∂(slot): one argument moves, whatever it is computed from."""
        argument = self(applied.arguments[slot.number - 1])
        outer, self.moving = self.moving, (applied, slot)
        moved = self(what)
        self.moving = outer
        return f"by_slot(v, lambda moved: {moved}, {argument})"

    def _held(self, expr: DerivativeNode, by: Any) -> str:
        """What an immediate derivative holds: all but the variable, or the members of other steps."""
        if expr.mode == "total":
            return ""
        if isinstance(by, nodes.Member) and by.indices:
            return f", lambda key: key not in ({key(self._parts(by))}, {key(self._parts(expr.what))})"
        inner = expr.what
        while isinstance(inner, nodes.Vec | sp.Transpose):
            inner = inner.args[0]
        is_member = isinstance(inner, nodes.Member) and inner.indices
        return f", lambda key: key[1:] and key[-1] != {self.index(inner.time)}" if is_member else ""


def _has_balls(example: Counterexample) -> bool:
    return any(isinstance(value, dict) for value in _flat([example.left, example.right, *example.values.values()]))


def _flat(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _flat(item)] if isinstance(value, list) else [value]


def _calling(function: str) -> Callable[[Code, Any], str]:
    """A function of all matrix parts."""
    return lambda code, expr: code._call(function, *expr.args)


ROWS: dict[type, Callable[[Code, Any], str]] = {
    sp.MatrixSymbol: Code.name,
    sp.Identity: lambda code, expr: f"eye({code.index(expr.shape[0])})",
    sp.ZeroMatrix: lambda code, expr: code._sized("zeros", expr),
    sp.OneMatrix: lambda code, expr: code._sized("ones", expr),
    sp.MatAdd: lambda code, expr: f"({' + '.join(map(code, expr.args))})",
    sp.MatMul: Code.product,
    sp.Transpose: _calling("turned"),
    HadamardProduct: lambda code, expr: f"({' * '.join(map(code, expr.args))})",
    HadamardPower: lambda code, expr: code._call("entry_power", expr.args[0], code.index(expr.args[1])),
    nodes.Member: Code.name,
    nodes.Elementwise: Code.elementwise,
    nodes.Application: Code.application,
    nodes.Softmax: _calling("softmax"),
    nodes.Diag: _calling("diag"),
    nodes.Vec: lambda code, expr: code._call("vec", expr.matrix, quoted(expr.order)),
    nodes.Commutation: lambda code, expr: f"commutation({', '.join(map(code.index, expr.args))})",
    nodes.Kronecker: _calling("kron"),
    nodes.Scale: lambda code, expr: f"({code(expr.scalar)} * {code(expr.matrix)})",
    nodes.Tr: _calling("trace"),
    nodes.Norm: lambda code, expr: code._call("norm" if expr.kind == "F" else "spectral", expr.matrix),
    nodes.Inverse: _calling("inverse"),
    nodes.Det: _calling("determinant"),
    nodes.Power: lambda code, expr: code._call("power", expr.base, code.index(expr.exponent)),
    nodes.TimeSum: Code.time_sum,
    nodes.TimeProduct: Code.time_product,
    nodes.Component: Code.component,
    nodes.Delta: Code.delta,
    nodes.Entries: Code.entries,
    nodes.Blocks: Code.blocks,
    nodes.ComponentSum: Code.component_sum,
    Convolution: lambda code, expr: code._call("slide", quoted(expr.kind), expr.source, expr.kernel),
    Flip: _calling("flip"),
    Jacobian: Code.jacobian,
    Gradient: lambda code, expr: f"gradient({code.family(expr)})",
    BlockJacobian: lambda code, expr: f"block({code.family(expr)})",
    FamilyDerivative: Code.family,
    Collect: _calling("gradient"),
}


def missing_rows() -> tuple[type, ...]:
    """The node types without a row: slots, which are places and have no value."""
    return tuple(kind for kind in NODE_TYPES if kind not in ROWS)
