"""A refuted claim as a program: NumPy alone, the inputs of the smallest counterexample, and both sides computed anew.

The formulas are printed as Python from the claim and the model's equations; the functions that they use are copied
from `verify.snippet`. Derivatives are computed by the program, exactly, with numbers that carry an ε.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.errors import BackproofError
from derive.language import nodes
from derive.language.derivatives import BlockJacobian, Collect, DerivativeNode, FamilyDerivative, Gradient, Jacobian
from derive.language.letters import component_letters
from derive.language.shapes import NODE_TYPES, is_coefficient
from derive.language.show import show, show_name
from derive.model import Equation, Model
from verify import snippet
from verify.claim import Claim
from verify.counterexample import Counterexample

_FILE = inspect.getsource(snippet)
_BLOCKS = {name: ast.get_source_segment(_FILE, node) or "" for node in ast.parse(_FILE).body
           for name in ([node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else [])}  # fmt: skip
_HEAD = """from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import exp, factorial, log, prod, sqrt
from typing import Any
import sys

import numpy as np
"""


def program(claim: Claim, example: Counterexample, name: str) -> str:
    """The program for one claim and one counterexample. Raises `BackproofError` for what it cannot compute."""
    if not example.functions and any("." in text or "e" in text for text in _texts(example.left)):
        raise BackproofError(f"{name} was refuted by rounded numbers alone; only exact counterexamples are explained")
    body = "\n".join(_body(claim, example))
    used = _used(body)
    imports = "\n".join(line for line in _HEAD.splitlines() if _is_needed(line, "\n\n".join(used) + body))
    says = f'"""{name}: {show(claim.left)} = {show(claim.right)} is false: {example.summary()}."""'
    return "\n\n".join([says, imports.strip(), *(f"\n{text}" for text in used), f"\n{body}"]) + "\n"


def _is_needed(line: str, text: str) -> bool:
    """An import of which something is used; names inside one import line are harmless."""
    names = re.findall(r"\w+", line.partition("import")[2])
    return not line or "__future__" in line or any(re.search(rf"\b{name}\b", text) for name in names)


def _used(body: str) -> list[str]:
    """The functions of the fixed part that a text needs, in their own order."""
    needed: set[str] = set()
    waiting = [body]
    while waiting:
        names = {node.id for node in ast.walk(ast.parse(waiting.pop())) if isinstance(node, ast.Name)}
        new = (names & set(_BLOCKS)) - needed
        needed |= new
        waiting += [_BLOCKS[name] for name in new]
    return [block for name, block in _BLOCKS.items() if name in needed]


def _body(claim: Claim, example: Counterexample) -> Iterator[str]:
    code = Code(claim.model, example)
    sides = {side: code(getattr(claim, side)) for side in ("left", "right")}
    yield "# sizes, steps and components (these count from 1)"
    yield from (f"{code.letter(key)} = {value}" for key, value in code.numbers.items())
    yield "\n# inputs"
    yield "INPUTS = {"
    for name, value in example.values.items():
        family, *steps = name.split("@")
        yield f"    {_key([_quoted(family), *steps])}: exact({_array(value)}),"
    yield "}\n"
    equations = list(code.equations())
    yield from _tables(code, example)
    yield from equations
    yield "v = Values(INPUTS, EQUATIONS)"
    yield from (f"{side} = {_bare(text)}" for side, text in sides.items())
    yield "compare(left, right)"


def _tables(code: Code, example: Counterexample) -> Iterator[str]:
    """Unknown functions by their values, slopes and so on at the points that occur, unknown losses by their slopes."""
    if not code.unknown:
        return
    yield "# what is known of the unknown: f, f', … at the points that occur, a loss by its derivatives here"
    yield "KNOWN = {"
    for label, kind in code.unknown.items():
        orders = range(1 + max((_order(name, label) for name in example.functions), default=0))
        tables = [dict(example.functions.get(label + "'" * order, {})) for order in orders]
        if kind == "taylor":
            taylor = example.functions.get(f"{label}^(k)(0)", {})
            yield f"    {_quoted(label)}: [{', '.join(_number(taylor.get(str(j), '0')) for j in range(6))}],"
        elif kind == "loss":
            yield f"    {_quoted(label)}: {_table({k: c for table in tables for k, c in table.items()})},"
        else:
            yield f"    {_quoted(label)}: [{', '.join(map(_table, tables))}],"
    yield "}\n"


def _order(name: str, label: str) -> int:
    """How often a table's function is differentiated, 0 for another function."""
    return len(name) - len(label) if name.rstrip("'") == label else 0


def _table(pairs: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{_point(point)}: {_number(value)}" for point, value in pairs.items()) + "}"


def _bare(text: str) -> str:
    """A formula without parentheses around all of it."""
    if not text.startswith("("):
        return text
    depth = 0
    for place, sign in enumerate(text):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return text[1:-1] if place == len(text) - 1 else text
    return text


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _key(parts: list[str]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _point(point: str) -> str:
    try:
        return _number(point)
    except ValueError:
        return _quoted("" if point == "value" else point)


def _number(value: Any) -> str:
    """An exact number as Python, a ball by its middle."""
    if isinstance(value, dict):
        return repr(float(value["mid"]))
    exact = Fraction(value)
    return str(exact) if exact.denominator == 1 else f"Fraction({exact.numerator}, {exact.denominator})"


def _array(value: Any) -> str:
    return f"[{', '.join(map(_array, value))}]" if isinstance(value, list) else _number(value)


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [] if isinstance(value, dict) else [str(value)]


class Code:
    """Prints formulas as Python; one method a node, listed in `ROWS`. `needed` and `unknown` collect what they use."""

    def __init__(self, model: Model, example: Counterexample) -> None:
        self.model, self.example = model, example
        self.numbers = {**example.sizes, **example.times, **example.letters}
        self.is_rounded = any("^(k)(0)" in name for name in example.functions) or _has_balls(example)
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
        return f"{text}_" if text in _BLOCKS or text in ("v", "left", "right", "np", "w") else text

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
        pairs = ", ".join(f"{_quoted(show_name(name))}: {self._function(name)}" for name, line in lines.items() if line)
        yield f"EQUATIONS = {{{pairs}}}\n"

    def _function(self, name: str) -> str:
        return "of_" + re.sub(r"\W", "_", show_name(name))

    def _equation(self, name: str) -> str:
        equation, loss = self.model.by_name.get(name), self.model.loss_by_name.get(name)
        if equation is not None:
            letter = "" if equation.index is None else f", {self.letter(equation.index)}"
            return f"def {self._function(name)}(v{letter}):\n    return {_bare(self(equation.right))}\n"
        if loss is None:
            return ""
        self.unknown[show_name(name)] = "loss"
        seen = " + ".join(self._seen(*part) for part in loss.parts)
        return f"def {self._function(name)}(v):\n    return loss(v, KNOWN[{_quoted(show_name(name))}], {seen})\n"

    def _seen(self, name: str, when: str) -> str:
        """What a loss looks at."""
        self.needed.setdefault(name)
        equation: Equation = self.model.by_name[name]
        label, made = _quoted(show_name(name)), self.model.produced(name)
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
        return [_quoted(show_name(str(expr.name))), *map(self.index, getattr(expr, "indices", ()))]

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
            return self._call("known", f"{expr.kind}_slopes", str(expr.order), expr.argument)
        label = show_name(expr.name)
        self.unknown[label] = "taylor" if self.is_rounded else "table"
        function = "polynomial" if self.is_rounded else "table_of"
        return self._call(function, f"KNOWN[{_quoted(label)}]", str(expr.order), expr.argument)

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

    # --- derivatives ---------------------------------------------------------------------------------------------

    def jacobian(self, expr: Jacobian) -> str:
        """∂y/∂x."""
        order = expr.by.order if isinstance(expr.by, nodes.Vec) else "row"
        return f"jacobian({self.family(expr)}, {_quoted(order)})"

    def family(self, expr: DerivativeNode) -> str:
        """∂Y/∂X, one member for each entry of X."""
        by = expr.by.matrix if isinstance(expr.by, nodes.Vec) else expr.by
        self.needed.setdefault(str(by.name))
        key = _key(self._parts(by))
        shape = f"({self.index(by.shape[0])}, {self.index(by.shape[1])})"
        held = self._held(expr, by)
        return f"derivative(v, lambda v: {self(expr.what)}, {key}, {shape}{held})"

    def _held(self, expr: DerivativeNode, by: Any) -> str:
        """What an immediate derivative holds: all but the variable, or the members of other steps."""
        if expr.mode == "total":
            return ""
        if isinstance(by, nodes.Member) and by.indices:
            return f", lambda key: key not in ({_key(self._parts(by))}, {_key(self._parts(expr.what))})"
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
    nodes.Softmax: _calling("softmax"),
    nodes.Diag: _calling("diag"),
    nodes.Vec: lambda code, expr: code._call("vec", expr.matrix, _quoted(expr.order)),
    nodes.Commutation: lambda code, expr: f"commutation({', '.join(map(code.index, expr.args))})",
    nodes.Kronecker: _calling("kron"),
    nodes.Scale: lambda code, expr: f"({code(expr.scalar)} * {code(expr.matrix)})",
    nodes.Tr: _calling("trace"),
    nodes.Power: lambda code, expr: code._call("power", expr.base, code.index(expr.exponent)),
    nodes.TimeSum: Code.time_sum,
    nodes.TimeProduct: Code.time_product,
    nodes.Component: Code.component,
    nodes.Delta: Code.delta,
    nodes.ComponentSum: Code.component_sum,
    Jacobian: Code.jacobian,
    Gradient: lambda code, expr: f"gradient({code.family(expr)})",
    BlockJacobian: lambda code, expr: f"block({code.family(expr)})",
    FamilyDerivative: Code.family,
    Collect: _calling("gradient"),
}


def missing_rows() -> tuple[type, ...]:
    """The node types without a row: norms, which have no exact value."""
    return tuple(kind for kind in NODE_TYPES if kind not in ROWS)
