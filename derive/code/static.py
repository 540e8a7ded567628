"""A module in NumPy for a model without steps (a convolution): each formula is one expression.

Members W_j of a family are arrays (K, …) along its index; sums over the index are sums in Python. The gradients of the
last value come from outside: the loss is an unknown function of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardProduct

from derive.code.identifiers import Identifiers, plain
from derive.code.lowering import OPEN_FUNCTION, Unsupported
from derive.code.prepared import number
from derive.derivation import Derivation
from derive.language.derivatives import Gradient
from derive.language.keys import plain_key
from derive.language.laws import law_of, parts_of_product
from derive.language.nodes import Application, Diag, Elementwise, Member, Scale, TimeSum
from derive.language.show import show
from derive.model import Model, leaves
from derive.models.registry import System
from derive.quantities import Options, quantities_of
from derive.recurrence import the_loss
from derive.rules.elementwise import derivative_rule

FUNCTIONS = {"tanh": "np.tanh({})", "exp": "np.exp({})", "log": "np.log({})", "sqrt": "np.sqrt({})"}
FUNCTIONS |= {"reciprocal": "1 / ({})", "relu": "np.maximum({}, 0)", "identity": "({})"}
FUNCTIONS |= {"sigmoid": "(0.5 + 0.5 * np.tanh(0.5 * ({})))", "softplus": "np.logaddexp({}, 0)"}


def is_static(model: Model) -> bool:
    """Whether no equation of a model runs over steps."""
    return all(equation.index is None for equation in model.forward)


def static_source(system: System) -> str:
    """The source of a module with `forward`, `backward` and `gradients`. Raises `Unsupported`."""
    return _Static(system).text()


@dataclass
class _Static:
    system: System
    names: Identifiers = field(default_factory=Identifiers)

    def __post_init__(self) -> None:
        model = self.system.model
        self.loss = the_loss(model)
        self.values = [e for e in model.forward if e.left != self.loss]
        self.last = self._seen()
        self.inputs = list(
            dict.fromkeys(_symbol(leaf) for e in self.values for leaf in e.leaves if not self._made(leaf))
        )
        asked = [q for q in quantities_of(model, (), self.system.fixed) if q.id.startswith("grad.")]
        self.found = [q.ask(model, Options()).named(q.id) for q in asked]

    def _seen(self) -> Any:
        """The value that the loss is a function of."""
        equation = self.system.model.by_name.get(str(self.loss.name))
        seen = leaves(equation.right) if equation is not None else ()
        if equation is None or not isinstance(equation.right, Application) or len(seen) != 1:
            raise Unsupported("code without steps is for a loss that is an unknown function of one value")
        return seen[0]

    def _made(self, leaf: Any) -> bool:
        return self.system.model.equation_of(leaf) is not None

    def text(self) -> str:
        """The whole module."""
        keys = [plain_key(name) for name, _ in self.inputs]
        listed = ", ".join(f'"{key}"' for key in keys)
        take = f"{', '.join(self.name(name) for name, _ in self.inputs)} = (np.asarray(inputs[key]) for key in KEYS)"
        forward = [take, *(f"{self.name(str(e.left.name))} = {self.value(e.right)}" for e in self.values)]
        kept = ", ".join(
            dict.fromkeys(
                [*map(self.name, (n for n, _ in self.inputs)), *(self.name(str(e.left.name)) for e in self.values)]
            )
        )
        out = str(self.last.name)
        forward += [f'return {{"{plain_key(out)}": {self.name(out)}}}, ({kept})']
        backward = [
            f"{kept} = saved",
            f'{self._bar(self.last)} = np.asarray(cotangents["{plain_key(out)}"], {self.name(out)}.dtype)',
        ]
        backward += [*self._gradients()]
        parts = [self._heading(), f"import numpy as np\n\nKEYS = ({listed},)\n"]
        parts += [_function("forward(inputs)", "The value that the loss sees, and what `backward` needs.", forward)]
        parts += [
            _function(
                "backward(saved, cotangents)", "The gradients by key, from the cotangent of that value.", backward
            )
        ]
        parts += [
            _function(
                "gradients(inputs, cotangents)",
                "The gradients by key.",
                ["return backward(forward(inputs)[1], cotangents)"],
            )
        ]
        return "\n\n".join(parts)

    def _heading(self) -> str:
        lines = [f"{self.system.title}: forward and backward pass, in NumPy.", ""]
        lines += [f"    {show(e.left)} = {show(e.right)}" for e in self.values]
        lines += [
            "",
            "Written by Backproof from the formulas that it derives. Members along an index are arrays (K, ...).",
            "",
        ]
        shapes = ", ".join(f"{plain_key(name)} {shape}" for name, shape in self.inputs)
        lines += [f"inputs: {shapes}", f"outputs: {plain_key(str(self.last.name))} {_shape(self.last)}"]
        return '"""' + "\n".join(lines) + '\n"""\n'

    def _gradients(self) -> list[str]:
        """The gradients of values first, each as the formulas need them, then those of inputs."""
        of_values = {one.left.by: one for one in self.found if self._made(one.left.by)}
        lines = []
        for equation in reversed(self.values):
            if equation.left != self.last and equation.left in of_values:
                lines.append(f"{self._bar(equation.left)} = {self.value(of_values[equation.left].right)}")
        lines.append("gradients = {}")
        for one in self.found:
            if not self._made(one.left.by):
                lines += [
                    f"# {show(one.left)} = {show(one.right)}",
                    f'gradients["{_key(one)}"] = {self._gradient(one)}',
                ]
        return [*lines, "return gradients"]

    def _gradient(self, one: Derivation) -> str:
        variable = one.left.by
        if not isinstance(variable, Member) or not variable.indices:
            text = self.value(one.right)
            return f"({text})[:, 0]" if variable.shape[1] == 1 else text
        letter = str(variable.time)
        members = self.name(variable.name)
        return f"np.stack([{self.value(one.right)} for {letter} in range(1, len({members}) + 1)])"

    def name(self, name: str) -> str:
        """The identifier of a value or an input."""
        return self.names.of(name, plain_key(name))

    def _bar(self, member: Any) -> str:
        return self.names.of(("gradient", str(member.name)), f"d_{plain(str(member.name))}")

    # --- formulas as expressions ---------------------------------------------------------------------------------

    def value(self, expr: Any) -> str:
        """A matrix expression in Python; a column is an array (n, 1)."""
        for kind, rule in _RULES.items():
            if isinstance(expr, kind):
                return rule(self, expr)
        raise Unsupported(f"{show(expr)} has no form as code without steps")

    def symbol(self, expr: Any) -> str:
        name = self.name(str(expr.name))
        return f"{name}[:, None]" if expr.shape[1] == 1 and not self._made(expr) else name

    def member(self, expr: Member) -> str:
        if not expr.indices:
            return self.symbol(expr)
        return f"{self.name(expr.name)}[{expr.time} - 1]"

    def gradient(self, expr: Gradient) -> str:
        return self._bar(expr.by)

    def sum(self, expr: Any) -> str:
        return "(" + " + ".join(map(self.value, expr.args)) + ")"

    def product(self, expr: Any) -> str:
        numbers, factors = parts_of_product(expr)
        text = " @ ".join(map(self.value, factors))
        scalar = sp.Mul(*numbers)
        return f"({text})" if scalar == 1 else f"({number(scalar)} * ({text}))"

    def entrywise(self, expr: Any) -> str:
        return "(" + " * ".join(map(self.value, expr.args)) + ")"

    def transposed(self, expr: Any) -> str:
        return f"{self.value(expr.args[0])}.T"

    def ones(self, expr: Any) -> str:
        return f"np.ones(({', '.join(map(self._size, expr.shape))}), {self.name(self.inputs[0][0])}.dtype)"

    def _size(self, size: Any) -> str:
        """A size as the length of an axis that has it."""
        for name, shape in self.inputs:
            axes = [one.strip() for one in shape.strip("()").split(",") if one.strip()]
            if str(size) in axes:
                return f"{self.name(name)}.shape[{axes.index(str(size))}]"
        if size == 1:
            return "1"
        raise Unsupported(f"no input has an axis of {size} entries")

    def sum_over(self, expr: TimeSum) -> str:
        if expr.lo != 1:
            raise Unsupported(f"{show(expr)} does not begin at 1")
        member = next((one for one in leaves(expr.body) if isinstance(one, Member) and one.indices), None)
        if member is None:
            raise Unsupported(f"{show(expr)} sums nothing that has an index")
        return f"sum({self.value(expr.body)} for {expr.index} in range(1, len({self.name(member.name)}) + 1))"

    def scale(self, expr: Scale) -> str:
        return f"({self.value(expr.scalar)} * {self.value(expr.matrix)})"

    def diag(self, expr: Diag) -> str:
        return f"np.diag({self.value(expr.vector)}[:, 0])"

    def elementwise(self, expr: Elementwise) -> str:
        law = law_of(expr)
        if law is not None:
            raise Unsupported(f"{show(expr)}: functions of one's own have no form as code without steps")
        kind = OPEN_FUNCTION if expr.kind == "opaque" else expr.kind
        if expr.order == 0 and kind in FUNCTIONS:
            return FUNCTIONS[kind].format(self.value(expr.argument))
        if expr.order == 1 and kind == "relu":
            return f"({self.value(expr.argument)} > 0)"
        if expr.order != 1:
            raise Unsupported(f"{show(expr)} has no form as code without steps")
        return self.value(derivative_rule(kind)(Elementwise(expr.args[0], kind, 0, expr.argument), expr.argument))


_RULES: dict[Any, Callable[[_Static, Any], str]] = {
    Member: _Static.member,
    sp.MatrixSymbol: _Static.symbol,
    Gradient: _Static.gradient,
    sp.MatAdd: _Static.sum,
    HadamardProduct: _Static.entrywise,
    sp.MatMul: _Static.product,
    sp.Transpose: _Static.transposed,
    sp.OneMatrix: _Static.ones,
    TimeSum: _Static.sum_over,
    Scale: _Static.scale,
    Diag: _Static.diag,
    Elementwise: _Static.elementwise,
}


def _symbol(leaf: Any) -> tuple[str, str]:
    """An input's name and the shape of its array."""
    return str(leaf.name), _shape(leaf)


def _shape(leaf: Any) -> str:
    rows, columns = leaf.shape
    sizes = [str(rows)] if columns == 1 else [str(rows), str(columns)]
    front = ["K"] if isinstance(leaf, Member) and leaf.indices else []
    joined = ", ".join([*front, *sizes])
    return f"({joined},)" if "," not in joined else f"({joined})"


def _key(one: Derivation) -> str:
    return str(one.name).partition(".")[2]


def _function(head: str, said: str, lines: list[str]) -> str:
    return f"def {head}:\n" + indent("\n".join([f'"""{said}"""', *lines]), "    ") + "\n"
