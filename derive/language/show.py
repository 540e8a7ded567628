"""Formulas as one line of plain text, for messages: `W diag(f'(Net[t-1]))`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.language import nodes
from derive.language.build import is_zero
from derive.language.convolution import Convolution
from derive.language.derivatives import slot_of

_SUM, _HADAMARD, _PRODUCT, _ATOM = range(4)  # how tightly a formula's outermost operator binds


def show(expr: Any) -> str:
    """A formula as plain text."""
    return _show(expr)[0]


def binding(expr: Any) -> int:
    """How tightly the outermost operator of the plain text binds: 0 a sum, 1 ⊙, ⊗ and Σ, 2 a product, 3 a name."""
    return _show(expr)[1]


def show_axes(rows: tuple[Any, ...], cols: tuple[Any, ...]) -> str:
    """Two axes as text: n×m, n×1, n·m×1."""
    return "×".join("·".join(_show_size(size) for size in axis) or "1" for axis in (rows, cols))


def _show_size(size: Any) -> str:
    """A size; a member of a family of sizes as n_{l-1}; n - k + 1 with what is taken away behind, the number last."""
    if isinstance(size, AppliedUndef):
        index = _index(size.args[0])
        return f"{size.func}_{index}" if len(index) == 1 else f"{size.func}_{{{index}}}"
    if not isinstance(size, sp.Add):
        return str(size)
    first, *rest = sorted(size.args, key=lambda one: (one.is_number, one.could_extract_minus_sign(), str(one)))
    return str(first) + "".join(f" - {-one}" if one.could_extract_minus_sign() else f" + {one}" for one in rest)


@lru_cache(maxsize=1024)
def show_name(name: str) -> str:
    """A LaTeX name as plain text: \\mathrm{Net} is Net, \\delta is δ, an accent stands over the last letter."""
    text = name
    for command in ("\\mathrm", "\\mathbf", "\\boldsymbol", "\\text", "\\mathit", "\\operatorname", "\\mathcal"):
        text = text.replace(command, "")
    greek = {"\\" + sp.latex(sp.Symbol(word))[1:]: sp.pretty(sp.Symbol(word), use_unicode=True) for word in _GREEK}
    for command, letter in greek.items():
        text = text.replace(command, letter)
    text = _ACCENTED.sub(lambda match: match[2] + _ACCENTS[match[1]], text)
    return text.replace("{", "").replace("}", "").replace("\\", "")


_ACCENTS = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "overline": "\u0304", "dot": "\u0307", "vec": "\u20d7"}
_ACCENTS |= {"widehat": "\u0302", "widetilde": "\u0303", "overrightarrow": "\u20d7", "overleftarrow": "\u20d6"}
_ACCENTED = re.compile(r"\\(" + "|".join(_ACCENTS) + r")\{+(\w+)\}+")
_GREEK = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "theta",
    "lambda",
    "mu",
    "rho",
    "sigma",
    "tau",
    "phi",
    "psi",
    "omega",
    "Gamma",
    "Delta",
    "Phi",
]


def _wrap(expr: Any, level: int) -> str:
    text, own = _show(expr)
    return text if own >= level else f"({text})"


def _join(args: Any, sign: str, level: int) -> str:
    return sign.join(_wrap(arg, level + 1) for arg in args)


@lru_cache(maxsize=4096)
def _index(index: Any) -> str:
    """t-1, which one formula holds many times over; SymPy's printer takes its time."""
    return str(index).replace(" ", "")


def _show(expr: Any) -> tuple[str, int]:
    name = type(expr).__name__
    match expr:
        case nodes.Member():
            indices = ",".join(map(_index, expr.indices))
            return show_name(expr.name) + (f"[{indices}]" if indices else ""), _ATOM
        case sp.MatrixSymbol():
            return show_name(str(expr.name)), _ATOM
        case sp.Identity():
            return "I", _ATOM
        case sp.ZeroMatrix():
            return "0", _ATOM
        case sp.OneMatrix():
            return "1ᵀ" if expr.shape[0] == 1 and expr.shape[1] != 1 else "1", _ATOM
        case sp.MatAdd():
            return _join(expr.args, " + ", _SUM).replace("+ -", "- "), _SUM
        case sp.MatMul() if expr.args[0] == -1:
            return "-" + _join(expr.args[1:], " ", _HADAMARD), _PRODUCT
        case sp.MatMul():
            return _join(expr.args, " ", _HADAMARD), _PRODUCT
        case sp.Transpose():
            return _wrap(expr.args[0], _ATOM) + "ᵀ", _ATOM
        case HadamardProduct():
            return _join(expr.args, " ⊙ ", _HADAMARD), _HADAMARD
        case HadamardPower():
            return f"{_wrap(expr.args[0], _ATOM)}^∘{expr.args[1]}", _ATOM
        case nodes.Elementwise() if expr.kind == "reciprocal" and expr.order == 0:
            return f"1/{_wrap(expr.argument, _ATOM)}", _PRODUCT
        case nodes.Elementwise():
            return f"{show_name(expr.name)}{chr(39) * expr.order}({show(expr.argument)})", _ATOM
        case nodes.Application():
            return f"{show_name(expr.name)}({', '.join(show(arg) for arg in expr.arguments)})", _ATOM
        case nodes.Slot():
            return f"slot {expr.number}", _ATOM
        case nodes.Kronecker() if is_zero(expr):
            return "0", _ATOM
        case nodes.Kronecker():
            return _join(expr.args, " ⊗ ", _HADAMARD), _HADAMARD
        case nodes.Scale():
            return _join(expr.args, " ", _HADAMARD), _PRODUCT
        case nodes.TimeSum() | nodes.TimeProduct():
            sign = "Σ" if isinstance(expr, nodes.TimeSum) else "Π"
            return f"{sign}_{{{expr.index}={expr.lo}..{expr.hi}}} {_wrap(expr.body, _HADAMARD)}", _HADAMARD
        case nodes.Power():
            return f"{_wrap(expr.base, _ATOM)}^({expr.exponent})", _ATOM
        case sp.MatPow():  # what SymPy makes of W*W
            return f"{_wrap(expr.base, _ATOM)}^({expr.exp})", _ATOM
        case nodes.Component():
            letters = ",".join(str(letter) for letter in (expr.row, expr.col) if letter is not None)
            return f"[{show(expr.matrix)}]_{letters}", _ATOM
        case nodes.Entries():
            letters = ",".join(str(letter) for letter, _ in expr.bound)
            turned = "ᵀ" if expr.row is None and expr.col is not None else ""
            return f"⟨{show(expr.body)}⟩_{letters}{turned}", _ATOM
        case nodes.Blocks():
            return "[" + "; ".join(", ".join(map(show, row)) for row in expr.rows_of_blocks) + "]", _ATOM
        case nodes.ComponentSum():
            return f"Σ_{expr.letter} {_wrap(expr.body, _HADAMARD)}", _HADAMARD
        case nodes.Delta():
            return f"δ_{expr.args[0]}{expr.args[1]}", _ATOM
        case Convolution():
            return f"{expr.kind.replace(' ', '_')}({show(expr.source)}, {show(expr.kernel)})", _ATOM
        case nodes.Inverse():
            return f"{_wrap(expr.matrix, _ATOM)}⁻¹", _ATOM
        case nodes.Norm():
            return f"‖{show(expr.matrix)}‖", _ATOM
    if name in ("Jacobian", "Gradient", "BlockJacobian", "FamilyDerivative"):
        if (slotted := _by_slot(expr)) is not None:
            return slotted, _PRODUCT
        plus = "⁺" if expr.mode == "immediate" else ""
        return f"∂{plus}{_wrap(expr.what, _ATOM)}/∂{_wrap(expr.by, _ATOM)}", _PRODUCT
    if name == "Collect":
        return _show(expr.args[0])
    if isinstance(expr, sp.MatrixExpr):
        inner = ", ".join(show(arg) for arg in expr.args if isinstance(arg, sp.MatrixExpr))
        return f"{name.lower()}({inner})", _ATOM
    return str(expr), _ATOM if getattr(expr, "is_Atom", False) and not str(expr).startswith("-") else _PRODUCT


def _by_slot(expr: Any) -> str | None:
    """∂_h F(x, h), where a derivative is by a slot."""
    found = slot_of(expr)
    if found is None:
        return None
    application, slot = found
    names = application.names
    name = names[slot.number - 1] if slot.number <= len(names) else str(slot.number)
    return f"∂_{show_name(name)} {_wrap(expr.what, _ATOM)}"
