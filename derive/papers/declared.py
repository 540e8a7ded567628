"""What a document must declare of its derivations, whatever it is printed as: the block, the givens, the directives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from derive.derivation import Derivation, with_definitions
from derive.errors import BackproofError
from derive.language import nodes
from derive.language.build import transpose
from derive.language.derivatives import Gradient
from derive.language.laws import PLACE, laws_in
from derive.language.nodes import Application, AxisSizes, Elementwise, Member
from derive.language.shapes import axes
from derive.latex.binding import name_with_index
from derive.latex.conventions import OPTIONS, Conventions
from derive.latex.printer import fitting
from derive.model import Equation, Loss, Model, leaves


def one_model(derivations: tuple[Derivation, ...]) -> Model:
    """The model of all derivations with all their definitions."""
    if not derivations:
        raise BackproofError("there is nothing to write down: no derivation was given")
    model = derivations[0].model
    for derivation in derivations:
        if derivation.model != model:
            raise BackproofError(f"{derivation.name or derivation} is of another model than {derivations[0].name}")
        if not derivation.name:
            raise BackproofError(f"{derivation} has no id; give it one with .named(…)")
        if not isinstance(derivation.model.time.last, sp.Symbol):
            raise BackproofError("a document needs a letter for the last step")
    definitions = {e.name: e for derivation in derivations for e in derivation.definitions}
    return with_definitions(model, tuple(definitions.values()))


def givens_of(model: Model) -> list[Equation]:
    """The equations with ids: those of the model by number, names for derivatives by the letter."""
    numbered = [e for e in model.equations if not model.is_definition(e)]
    named = [e for e in model.equations if model.is_definition(e)]
    ids = [f"m{place}" for place in range(1, len(numbered) + 1)] + [f"d{place}" for place in range(1, len(named) + 1)]
    return [replace(equation, id=one) for equation, one in zip([*numbered, *named], ids, strict=True)]


def given_sides(equation: Equation, conventions: Conventions) -> tuple[Any, Any]:
    """δ_t = ∂E/∂Net_t, and δ_tᵀ = ∂E/∂Net_t where the row convention makes the bare fraction a row."""
    left, right = equation.left, equation.right
    if isinstance(right, Gradient) and axes(left).cols == () and conventions.gradient == "row":
        return transpose(left), transpose(right)
    return left, right


def formulas_of(model: Model, derivations: tuple[Derivation, ...]) -> list[Any]:
    """Every formula of the model and of the derivations."""
    found = [side for e in model.equations for side in (e.left, e.right)]
    return found + [side for d in derivations for side in (d.left, d.right)]


def own_functions_of(formulas: list[Any]) -> list[tuple[str, Any, Any]]:
    """What is known of functions of the user's own: ids and sides of f(z) = z ⊙ σ(z), and of f'(z) = its rule."""
    place = _place(formulas)
    return [
        (f"f{number}{'.rule' * order}", Elementwise(law.function, law, order, place), law.at(formula, place))
        for number, law in enumerate(laws_in(formulas), start=1)
        for order, formula in enumerate((law.value, law.slope))
        if formula is not None
    ]


def _place(formulas: list[Any]) -> sp.MatrixSymbol:
    """A name for the argument that stands for nothing else."""
    taken = {str(leaf.name)[0] for formula in formulas for leaf in leaves(formula)}
    name = next(letter for letter in ("z", "u", "v", "a", "q", "\\zeta") if letter not in taken)
    return sp.MatrixSymbol(name, *PLACE.shape)


def local_conventions(derivation: Derivation, conventions: Conventions) -> Conventions:
    """The document's conventions, with what this one derivation needs of its own."""
    own = fitting(derivation.left, derivation.right)
    sides = (derivation.left, derivation.right)
    has_vec = any(isinstance(node, nodes.Vec) for side in sides for node in sp.preorder_traversal(side))
    return replace(conventions, matrix=own.matrix, vec=own.vec if has_vec else conventions.vec)


def directives_of(derivation: Derivation, conventions: Conventions) -> list[str]:
    """What one derivation has of its own: conventions, and where its steps may lie."""
    own = local_conventions(derivation, conventions)
    parts = [f"{key}: {getattr(own, key)}" for key in OPTIONS if getattr(own, key) != getattr(conventions, key)]
    if derivation.conditions:
        parts.append("where: " + ", ".join(f"{a} {sign} {b}" for a, sign, b in derivation.conditions))
    return parts


def block_of(model: Model, derivations: tuple[Derivation, ...], conventions: Conventions, ids: list[str]) -> list[str]:
    """The lines of the declaration block, without its fence."""
    declared = [f"  {_quoted(name)}: {_quoted(meaning)}" for name, meaning in _symbols(model, derivations).items()]
    lines = ["symbols:", *declared, *_steps(model, derivations)]
    lines += [f"{key}: {getattr(conventions, key)}" for key in OPTIONS]
    return [*lines, "given: [" + ", ".join(f"'{one}'" for one in ids) + "]"]


def _steps(model: Model, derivations: tuple[Derivation, ...]) -> list[str]:
    """The letters for steps: `time: 1..t` with others like t, or each with its range where the last has its own."""
    range_, last = f"{model.time.first}..{model.time.last}", str(model.time.last)
    free = sorted({str(bound[0]) for d in derivations for bound in d.indices})
    if index_letter(model) == last != "t":  # `time` alone speaks of t
        return ["indices: {" + ", ".join([f"{last}: {range_}", *(f"{one}: {last}" for one in free)]) + "}"]
    if index_letter(model) == last:
        return [f"time: {range_}"] + (
            ["indices: {" + ", ".join(f"{one}: {last}" for one in free) + "}"] if free else []
        )
    letters = sorted({index_letter(model), *free})
    return ["indices: {" + ", ".join(f"{one}: {range_}" for one in letters) + "}"]


def index_letter(model: Model) -> str:
    """The letter with which families are written: the equations', or that of their sums."""
    own = [str(equation.index) for equation in model.equations if equation.index is not None]
    bound = [
        str(n.index) for e in model.equations for n in sp.preorder_traversal(e.right) if isinstance(n, nodes.TimeSum)
    ]
    return str(model.time.last) if str(model.time.last) in own or not own + bound else (own + bound)[0]


def _quoted(text: str) -> str:
    """A YAML scalar: plain where it is a plain word, in single quotes otherwise; a line break is refused."""
    if not text.isprintable():
        raise BackproofError(f"{text!r} holds signs that cannot be printed; give it another name")
    return text if text.replace("_", "").replace(" ", "").isalnum() else "'" + text.replace("'", "''") + "'"


def _symbols(model: Model, derivations: tuple[Derivation, ...]) -> dict[str, str]:
    """Every name that the document writes, with its size or kind."""
    losses = {str(loss.symbol.name): loss for loss in model.losses}
    sums = {
        leaf.name
        for d in derivations
        for formula, _ in d.assumptions
        for leaf in leaves(formula)
        if isinstance(leaf, Member)
    }
    formulas = formulas_of(model, derivations)
    formulas += [side for _, *sides in own_functions_of(formulas) for side in sides]
    found: dict[str, str] = {}
    for leaf in (leaf for formula in formulas for leaf in leaves(formula)):
        name = str(leaf.name)
        if name in losses:
            found[name] = _loss_text(losses[name])
        else:
            found[written_name(leaf, model)] = _size(axes(leaf).rows, axes(leaf).cols) + (
                ", sum 1" if name in sums else ""
            )
    return found | _functions_of(formulas)


def written_name(leaf: Any, model: Model) -> str:
    """A leaf as the block declares it: a family with the letter of the equations as its index."""
    if not isinstance(leaf, Member) or not leaf.indices:
        return str(leaf.name)
    return name_with_index(leaf.name, ",".join([*map(str, leaf.indices[:-1]), index_letter(model)]))


def _size(rows: AxisSizes, cols: AxisSizes) -> str:
    """n for a column, 1 for a scalar, n x m for a matrix."""
    first, second = ("*".join(map(str, axis)) or "1" for axis in (rows, cols))
    return first if second == "1" else f"{first} x {second}"


def _loss_text(loss: Loss) -> str:
    return "loss(" + ", ".join(f"{place} {family}" for family, place in loss.parts) + ")"


def _functions_of(formulas: list[Any]) -> dict[str, str]:
    """The elementwise functions that are declared: all but those that go by their own name."""
    found: dict[str, str] = {}
    for node in (node for formula in formulas for node in sp.preorder_traversal(formula)):
        if isinstance(node, Elementwise) and not _goes_by_its_own_name(node):
            found[node.name] = "elementwise" if node.kind == "opaque" else f"elementwise {node.kind}"
        if isinstance(node, Application):
            found[node.name] = _function_text(node)
    return found


def _function_text(node: Application) -> str:
    """function(x: m, h: n) -> n."""
    shapes = [axes(argument) for argument in node.arguments]
    slots = [f"{name}: {_size(*shape.plain)}" for name, shape in zip(node.names, shapes, strict=True)]
    return f"function({', '.join(slots)}) -> {_size(node.row_axis, node.col_axis)}"


def _goes_by_its_own_name(node: Elementwise) -> bool:
    """tanh that is called \\tanh, relu that is called \\operatorname{relu}."""
    name = node.name.lstrip("\\")
    return name in (node.kind, f"operatorname{{{node.kind}}}")
