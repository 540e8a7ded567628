"""Names for gradients: which ∂E/∂m gets a name, δ by habit, so that every recursion closes.

A gradient that has a name is written by it and not followed further. Backpropagation ends only if every circle of the
equations passes through a named family: the pre-activations first, since the gradients of all parameters are written
with theirs, then states that several equations read, then whatever circles are left (c_t = f_t ⊙ c_{t-1} + …).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import sympy as sp

from derive.language.derivatives import Gradient
from derive.language.keys import plain_key
from derive.language.nodes import Elementwise, Member
from derive.model import Equation, Model, leaves
from derive.remembered import with_the_model
from derive.rules.dependence import is_recurrent

GRADIENTS = ("\\delta", "\\Delta", "\\lambda", "\\mu")  # letters for what backpropagation names, in this order
DIRECT = ("e", "d", "q", "\\epsilon")
STEPS = ("k", "j", "l", "r", "q")

Names = Mapping[str, str]  # family -> the name of the gradient by its members: \mathrm{Net} -> \delta


@with_the_model
def delta_names(model: Model) -> Names:
    """Families whose gradients get names: pre-activations, states with several readers, what else closes circles.

    Pre-activations are the recurrent families that read a parameter, else all families that read one. A name that
    the model defines itself (δ_t = ∂E/∂Net_t among its equations) is the one used.
    """
    own = {e.right.by.name: e.name for e in model.equations if names_gradient(e)}
    chosen = preactivations(model)
    chosen += [name for name in states(model) if name not in chosen and _is_hub(model, name)]
    chosen += _closing(model, {*chosen, *own})
    return MappingProxyType(_distinct(chosen, _letter(model, GRADIENTS, own)) | own)


def direct_letter(model: Model) -> str:
    """The letter for a loss's direct gradient: e, or another where the model has an e."""
    return _letter(model, DIRECT, direct_names(model))


def direct_names(model: Model) -> Names:
    """The families whose direct gradients the model names itself: e_t = ∂⁺E/∂s_t among its equations."""
    return {e.right.by.name: e.name for e in model.equations if _names(e, "immediate")}


def step_letter(model: Model) -> sp.Symbol:
    """The letter for any step: k, or another where k is the last step or a name or size of the model's."""
    return sp.Symbol(_letter(model, STEPS, {}, str(model.time.last)), integer=True)


def _letter(model: Model, letters: tuple[str, ...], own: Names, *taken: str) -> str:
    """The first of some letters with which no name of the model begins; names of gradients of its own do not count."""
    known = {first_letter(name) for name in (*_named(model) - {*own.values()}, *taken)}
    return next((letter for letter in letters if first_letter(letter) not in known), letters[0])


@with_the_model
def _named(model: Model) -> frozenset[str]:
    """What a model calls its families, symbols, losses, functions and sizes."""
    formulas = [side for e in model.equations for side in (e.left, e.right)]
    found = {leaf for formula in formulas for leaf in leaves(formula)}
    nodes = {node for formula in formulas for node in sp.preorder_traversal(formula)}
    return frozenset(
        {str(leaf.name) for leaf in found}
        | {str(loss.symbol.name) for loss in model.losses}
        | {node.name for node in nodes if isinstance(node, Elementwise)}
        | {str(letter) for leaf in found for size in leaf.shape for letter in sp.sympify(size).free_symbols}
    )


def first_letter(name: str) -> str:
    """A name's letter without font, accent and scripts, capitals apart: e of \\mathbf{e}_t and of \\tilde{e}."""
    return plain_key(name).partition("_")[0].rstrip("0123456789")


def names_gradient(equation: Equation) -> bool:
    """Whether an equation is a name for a gradient: δ_t = ∂E/∂Net_t."""
    return _names(equation, "total")


def _names(equation: Equation, mode: str) -> bool:
    right = equation.right
    is_one = isinstance(right, Gradient) and right.mode == mode
    return is_one and isinstance(right.by, Member) and bool(right.by.indices)


def preactivations(model: Model) -> list[str]:
    """The recurrent families that read a parameter; where there is none, all families that read one."""
    found = [e.name for e in model.forward if e.index is not None and _reads_parameter(model, e)]
    return [name for name in found if is_recurrent(model, name)] or found


def states(model: Model) -> list[str]:
    """The families that equations carry from step to step: produced, and read at another step than the reader's."""
    read = {
        member.name
        for equation in model.forward
        if equation.index is not None
        for member in equation.members
        if member.time != equation.index
    }
    return [equation.name for equation in model.forward if equation.index is not None and equation.name in read]


def readers(model: Model, name: str) -> list[str]:
    """The families whose equations read a family."""
    return [equation.name for equation in model.readers.get(name, ()) if equation.index is not None]


def _is_hub(model: Model, name: str) -> bool:
    """Whether a gradient would be written out again and again: several equations read it, several named ones lead to
    it (h_t of an LSTM, which four gates read, and which o_t and c_t reach)."""
    return len(readers(model, name)) > 1 and len(_operands(model, name)) > 1


def _operands(model: Model, name: str) -> set[str]:
    """The families of its own step that an equation reads."""
    equation = model.by_name[name]
    return {m.name for m in equation.members if model.equation_of(m) is not None and m.time == equation.index}


def _reads_parameter(model: Model, equation: Equation) -> bool:
    return any(isinstance(leaf, sp.MatrixSymbol) and model.equation_of(leaf) is None for leaf in equation.leaves)


def _closing(model: Model, named: set[str]) -> list[str]:
    """The states that must be named besides, so that no circle of equations is without a name."""
    found: list[str] = []
    for name in [*states(model), *(e.name for e in model.forward if e.index is not None)]:
        if name not in named and _is_on_open_circle(model, name, named):
            found.append(name)
            named = named | {name}
    return found


def _is_on_open_circle(model: Model, name: str, named: set[str]) -> bool:
    """Whether a family reads itself through families that have no name."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        equation = model.by_name.get(waiting.pop())
        for member in equation.members if equation is not None else ():
            if member.name == name:
                return True
            if member.name not in seen and member.name not in named:
                seen.add(member.name)
                waiting.append(member.name)
    return False


def _distinct(chosen: Iterable[str], letter: str) -> dict[str, str]:
    """δ for one family; for several δ^{l} of Net^{l}, δ^{c} of c. A name that is taken says its family in brackets.

    Another letter may stand in the place of δ.
    """
    chosen = list(dict.fromkeys(chosen))
    if len(chosen) == 1:
        return {chosen[0]: letter + superscript(chosen[0])}
    marks: dict[str, str] = {}
    for name in chosen:
        mark = superscript(name) or f"^{{{name}}}"
        marks[name] = mark if mark not in marks.values() else f"^{{({name})}}"
    return {name: letter + mark for name, mark in marks.items()}


def superscript(name: str) -> str:
    """The superscript at the end of a name: ^{l} of \\mathrm{Net}^{l}."""
    found = re.search(r"\^(\{[^{}]*\}|.)$", name)
    return found.group() if found else ""
