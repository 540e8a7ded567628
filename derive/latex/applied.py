"""Functions applied: declared elementwise ones, known ones, diag, vec, tr."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.errors import NotationError
from derive.language import nodes
from derive.language.build import constant, hadamard, matadd, matmul, negate, transpose
from derive.language.functions import LEAK, ElementwiseFunction
from derive.language.shapes import axes, is_coefficient
from derive.latex import convolutions, syntax
from derive.latex.affine import affine
from derive.latex.constants import ones_like, step
from derive.latex.leaky import leaky_relu
from derive.latex.powers import absolute, reciprocal, signum
from derive.latex.signs import KNOWN_FUNCTIONS
from derive.latex.slots import apply_several
from derive.latex.syntax import Scripts
from derive.latex.transposes import split_transpose
from derive.latex.unsized import fit
from derive.latex.vocabulary import Function

if TYPE_CHECKING:
    from derive.latex.elaborate import Reader

_MAX_ORDER = 4
_LATEX = {"tanh": "\\tanh", "exp": "\\exp", "log": "\\log", "sqrt": "\\sqrt"}


def apply_known(reader: Reader, node: syntax.Apply) -> Any:
    """The application without the scripts behind it."""
    declared, node = _declared(reader, node)
    if declared is not None and declared.several is not None:
        _plain(node)
        return apply_several(reader, node, declared.several)
    kind = KNOWN_FUNCTIONS.get(node.function.lstrip("\\")) if declared is None else declared.kind
    if kind in ("diag", "vec", "tr", "det"):
        _plain(node)
        return _structural(reader, node, kind)
    if kind == "convolution":
        return convolutions.applied(reader, node)
    if kind in ("kron", "max"):
        _plain(node)
        return _of_two(reader, node, kind)
    if kind == "sqrt":
        value = reader.argument(node.argument)
        if is_coefficient(value):
            return sp.sqrt(value)
    value = reader.argument(node.argument)
    if is_coefficient(value):
        raise NotationError(f"{node.function} of a number is not read", node.start, node.end)
    if kind in _WHOLE:
        _plain(node)
        return _WHOLE[kind](value)
    if declared is not None and declared.of_output and node.own.primes == 1:
        return _of_output(node, declared.kind, value, declared.slope)
    if kind is None:
        raise NotationError(f"the function {node.function} is not declared", node.start, node.end)
    label, inside = _at_label(reader, value)
    applied = _elementwise(reader, node, kind, declared, inside)
    return applied if label is None else matmul(label, applied)


def _declared(reader: Reader, node: syntax.Apply) -> tuple[Function | None, syntax.Apply]:
    """The declared function; scripts that belong to its name (f^{l-1}) are taken off."""
    functions = reader.vocabulary.functions
    spelled = node.function + "".join(
        f"{sign}{{{''.join(token.text for token in tokens)}}}"
        for sign, tokens in (("_", node.own.sub), ("^", node.own.sup))
        if tokens
    )
    plain = _unbraced(spelled)
    for name in functions:
        if name != node.function and _unbraced(name) == plain and plain != _unbraced(node.function):
            return functions[name], replace(node, function=name, own=Scripts(primes=node.own.primes))
    return functions.get(node.function), node


def softmax_rows(matrix: Any) -> Any:
    """softmax of each row: exp(S) ⊙ 1/(exp(S) 1 1ᵀ)."""
    shape = axes(matrix)
    e = ElementwiseFunction("\\exp", "exp")(matrix)
    column = constant(sp.OneMatrix, shape.cols, ())
    return hadamard(e, reciprocal(matmul(e, column, transpose(column))))


_WHOLE = {"softmax": nodes.Softmax, "softmax rows": softmax_rows, "abs": absolute, "sgn": signum}


def _of_output(node: syntax.Apply, kind: str, output: Any, slope: str) -> Any:
    """f'(s) written of the output s = f(z): 1 - s² for tanh, s (1 - s) for the sigmoid."""
    ones = ones_like(output)
    table: dict[str, Any] = {
        "tanh": lambda: matadd(ones, negate(hadamard(output, output))),
        "sigmoid": lambda: hadamard(output, matadd(ones, negate(output))),
        "relu": lambda: step(output),
        "leaky relu": lambda: matadd(matmul(LEAK, ones), matmul(1 - LEAK, step(output))),
        "softplus": lambda: matadd(ones, negate(ElementwiseFunction("\\exp", "exp")(negate(output)))),
        "identity": lambda: ones,
        "exp": lambda: output,
    }
    if kind not in table or node.own.sup or node.own.sub or slope:
        raise NotationError(f"the derivative of {kind} is not known from its output", node.start, node.end)
    return table[kind]()


def _of_two(reader: Reader, node: syntax.Apply, kind: str) -> Any:
    """kron(A, B), and max(0, z), which is relu(z)."""
    parts = node.argument.parts if isinstance(node.argument, syntax.Bracket) else ()
    if len(parts) != 2 or any(part.relations for part in parts):
        raise NotationError(f"{node.function} takes two arguments", node.start, node.end)
    values = [reader.read(part.sides[0]) for part in parts]
    if kind == "kron":
        return nodes.Kronecker(*(fit(value, None) for value in values))
    zero, rest = (0, 1) if is_coefficient(values[0]) else (1, 0)
    if not is_coefficient(values[zero]) or values[zero] != 0 or is_coefficient(values[rest]):
        raise NotationError("max is read as max(0, z) only", node.start, node.end)
    return ElementwiseFunction("\\operatorname{relu}", "relu")(fit(values[rest], None))


def _at_label(reader: Reader, value: Any) -> tuple[Any, Any]:
    """f(yᵀv) = yᵀ f(v) of a label y, which is one-hot: f of the entry at the label is the entry of f there."""
    if isinstance(value, sp.MatMul) and len(value.args) == 2 and isinstance(value.args[0], sp.Transpose):
        label = value.args[0].args[0]
        if str(getattr(label, "name", "")) in reader.vocabulary.labels and axes(value.args[1]).cols == ():
            return value.args
    return None, value


def _unbraced(name: str) -> str:
    return name.replace("{", "").replace("}", "").replace(" ", "")


def _elementwise(reader: Reader, node: syntax.Apply, kind: str, declared: Function | None, value: Any) -> Any:
    """f, f', f'' of an array; tanh^2 z is the square of tanh z."""
    if node.own.primes > _MAX_ORDER:
        raise NotationError(f"more than {_MAX_ORDER} primes", node.start, node.end)
    if node.own.sub:
        raise NotationError(f"{node.function} takes no index", node.start, node.end)
    name = node.function if declared is not None else _LATEX.get(kind, f"\\operatorname{{{node.function}}}")
    if declared is not None and declared.slope:
        applied = leaky_relu(reader, declared.slope, node.own.primes, value, node.start, node.end)
    else:
        applied = ElementwiseFunction(name, kind, node.own.primes)(value)
    if not node.own.sup:
        return applied
    exponent = affine(node.own.sup, {})
    if exponent is None or not 0 <= exponent <= 8:
        raise NotationError("the superscript of a function is a small power", node.start, node.end)
    if axes(value).is_scalar:
        return nodes.Power(applied, exponent)
    return sp.Basic.__new__(sp.HadamardPower, applied, exponent)


def _structural(reader: Reader, node: syntax.Apply, kind: str) -> Any:
    value = reader.argument(node.argument)
    if is_coefficient(value):
        raise NotationError(f"{kind} of a number", node.start, node.end)
    if kind == "vec":
        return nodes.Vec(value, reader.conventions.consult("vec"))
    if kind in ("tr", "det"):
        return nodes.Tr(value) if kind == "tr" else nodes.Det(value)
    shape = axes(value)
    return nodes.Diag(value if shape.cols == () else transpose(value))


def _plain(node: syntax.Apply) -> None:
    rest, _ = split_transpose(node.own.sup)
    if rest or node.own.sub or node.own.primes or node.own != Scripts():
        raise NotationError(f"{node.function} takes no scripts before its argument", node.start, node.end)
