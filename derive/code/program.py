"""What generated code has to compute: a system's forward equations, its δ recursions and its gradients, as values.

The formulas are those that `derive` prints, under a loss that sees every output at every step: the cotangent of an
output is its direct gradient e_t. A loss that a formula gives (E = …) is an output itself, and the only one with a
cotangent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derive.code.adjoints import Carried, Sent, gathered, with_carried
from derive.code.lowering import OPEN_FUNCTION, Reduction, Unsupported, column, reductions
from derive.code.named import Names
from derive.code.values import Value
from derive.derivation import Derivation, with_definitions
from derive.known import applied, open_functions
from derive.language.derivatives import Gradient
from derive.language.functions import OPAQUE
from derive.language.keys import plain_key
from derive.language.nodes import Member, Size
from derive.language.show import show
from derive.model import Equation, Loss, Model
from derive.models.registry import System
from derive.naming import delta_names, states
from derive.quantities import Options, parameters, quantities_of
from derive.recurrence import definition_of, the_loss


@dataclass(frozen=True)
class Sequence:
    """An input (or output) with a member at every step: an array (T, B, size)."""

    key: str
    name: str
    size: Size


@dataclass(frozen=True)
class Boundary:
    """The member of a state outside the steps: before the first (side -1, s_0) or behind the last (side 1)."""

    key: str
    name: str
    size: Size
    side: int


@dataclass(frozen=True)
class Parameter:
    """A matrix (rows, columns), or a column (rows,) where `columns` is None."""

    key: str
    name: str
    rows: Size
    columns: Size | None

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The lengths of its axes."""
        return (self.rows,) if self.columns is None else (self.rows, self.columns)

    @property
    def shape(self) -> str:
        """Its shape in Python."""
        return f"({self.rows},)" if self.columns is None else f"({self.rows}, {self.columns})"


@dataclass(frozen=True)
class Line:
    """A definition: what a family is at each step, and the formula that says so."""

    name: str
    value: Value
    formula: str


@dataclass(frozen=True)
class Program:
    """All that the code of a system computes. `loss` is the name of the scalar that a formula gives, else empty."""

    title: str
    sequences: tuple[Sequence, ...]
    boundaries: tuple[Boundary, ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[Sequence, ...]
    forward: tuple[Line, ...]
    loss: str
    loss_formula: str
    loss_parts: tuple[Reduction, ...]
    functions: Mapping[str, str]  # what each function is whose name does not say so
    direct: Mapping[str, str]  # the cotangent's name in formulas -> the output's name
    backward: tuple[Line, ...]
    carried: tuple[Carried, ...]
    sums: Mapping[str, tuple[Reduction, ...]]  # by a parameter's key
    steps: Mapping[str, Value]  # gradients by a sequence's key
    ends: Mapping[str, Value]  # gradients by a boundary's key: values at the step next to it
    formulas: Mapping[str, str]  # how each gradient is written, by key

    @property
    def definitions(self) -> dict[str, Value]:
        """What each family of the forward computation is."""
        return {line.name: line.value for line in self.forward}

    @property
    def loss_key(self) -> str:
        """The loss's key among the outputs, empty where no formula gives it."""
        return plain_key(self.loss)

    @property
    def sizes(self) -> list[sp.Symbol]:
        """The letters of all sizes, in order."""
        columns = (*self.sequences, *self.outputs)
        found = [one.size for one in columns] + [one.size for one in self.boundaries]
        found += [size for one in self.parameters for size in one.sizes]
        return sorted({symbol for size in found for symbol in sp.sympify(size).free_symbols}, key=str)


def interface(system: System) -> tuple[dict[str, str], dict[str, str]]:
    """The shapes of the inputs and of the outputs that code has, by key. Raises `Unsupported`."""
    model, scalar = opened(system.model)
    outputs = {one.key: f"(T, B, {one.size})" for one in (_sequence(model, name) for name in _outputs(model, scalar))}
    loss = {} if scalar is None else {plain_key(str(scalar.name)): "()"}
    return input_shapes(_inputs(model), _boundaries(model), map(_parameter, parameters(model))), loss | outputs


def input_shapes(
    sequences: Iterable[Sequence], boundaries: Iterable[Boundary], parameters: Iterable[Parameter]
) -> dict[str, str]:
    """The shape of every input by its key."""
    found = {one.key: f"(T, B, {one.size})" for one in sequences}
    found |= {one.key: f"(B, {one.size})" for one in boundaries}
    return found | {one.key: one.shape for one in parameters}


def program_of(system: System) -> Program:
    """The program of a system. Raises `Unsupported` for what has no form as code over a batch."""
    model, scalar = opened(system.model)
    forward = tuple(_line(equation) for equation in model.forward if equation is not scalar)
    outputs = tuple(_sequence(model, name) for name in _outputs(model, scalar))
    sequences, boundaries = _inputs(model), _boundaries(model)
    model, found = _derived(model, system.fixed)
    gradients = [one for one in found if str(one.name).startswith("grad.")]
    names, direct = _names(found)
    adjoints = frozenset({*names, *direct})
    sent = Sent(adjoints, frozenset((one.name, one.side) for one in boundaries))
    deltas = _deltas(found, sent)
    families = Names({line.name: line.value for line in forward})
    linear = {name: families.named_as_sent(gathered(value, adjoints), adjoints) for name, (value, _) in deltas.items()}
    lines, carried = with_carried(linear, sent)
    sums, steps, ends = _gradients(model, gradients, adjoints)
    program = Program(
        title=system.title,
        sequences=sequences,
        boundaries=boundaries,
        parameters=tuple(map(_parameter, parameters(model))),
        outputs=outputs,
        forward=forward,
        loss="" if scalar is None else str(scalar.name),
        loss_formula="" if scalar is None else f"{show(scalar.left)} = {show(scalar.right)}",
        functions=_functions(model),
        loss_parts=() if scalar is None else tuple(reductions(scalar.right, _steps(model))),
        direct=direct,
        backward=tuple(Line(name, lines[name], deltas[name][1]) for name in lines),
        carried=carried,
        sums=sums,
        steps=steps,
        ends=ends,
        formulas={_key(one): f"{show(one.left)} = {show(one.right)}" for one in gradients},
    )
    _check_keys(program)
    return program


def _derived(model: Model, fixed: tuple[str, ...]) -> tuple[Model, list[Derivation]]:
    """The δ recursions and the gradients, each one formula for all steps.

    Where one differs at some steps because it writes out the gradient of a state, all states' gradients are named.
    """
    for one in (model, _with_named_states(model)):
        asked = [q for q in quantities_of(one, (), fixed) if q.id.startswith(("delta.", "grad."))]
        found = [q.ask(one, Options()).named(q.id) for q in asked]
        apart = [derivation for derivation in found if not _is_for_all_steps(derivation)]
        if not apart:
            return one, found
    raise Unsupported(f"{show(apart[0].left)} = {show(apart[0].right)} is not one formula for all steps")


def _is_for_all_steps(one: Derivation) -> bool:
    """Whether a gradient has one formula, or a recursion one formula with what comes from the next step left out."""
    kind, _, mark = str(one.name).partition(".")
    is_open = any(isinstance(node, Gradient) for node in sp.preorder_traversal(one.right))
    return not is_open and not (re.search(r"\.(last-|first\+)", mark) if kind == "delta" else one.conditions)


def _with_named_states(model: Model) -> Model:
    loss, names = the_loss(model), delta_names(model)
    unnamed = [model.by_name[name].left for name in states(model) if name not in names]
    named = [definition_of(model, Gradient(loss, one, "total"), rf"\delta^{{[{one.name}]}}") for one in unnamed]
    return with_definitions(model, tuple(named))


def _check_keys(program: Program) -> None:
    """Names that code cannot tell apart are refused: W and \\mathbf{W} have one key."""
    named = [(one.key, one.name) for one in program.sequences]
    named += [(one.key, one.name) for one in program.parameters]
    named += [(one.key, f"{one.name} beyond the steps") for one in program.boundaries]
    for group in (named, [(one.key, one.name) for one in program.outputs]):
        taken: dict[str, str] = {}
        for key, name in group:
            if taken.setdefault(key, name) != name:
                raise Unsupported(f"{taken[key]} and {name} are both called {key} in code: give one another name")


def opened(model: Model) -> tuple[Model, Equation | None]:
    """The model under a loss that sees its outputs at every step, and the equation of a loss that a formula gives."""
    scalars = [e for e in model.forward if e.index is None]
    if any(e.left.shape != (1, 1) for e in scalars) or len(scalars) > 1:
        raise Unsupported("generated code runs over steps; this model has equations without a step")
    if scalars:
        return replace_loss(model, None), scalars[0]
    bare = replace_loss(model, None)
    return replace_loss(model, Loss.every(*(bare.by_name[name].left for name in _outputs(model, None)))), None


def replace_loss(model: Model, loss: Loss | None) -> Model:
    """The model's forward equations under another opaque loss."""
    return Model(model.forward, loss, model.time)


def _outputs(model: Model, scalar: Equation | None) -> list[str]:
    """What the loss sees, what no equation reads, and the states that are carried from step to step."""
    seen = {family for loss in model.losses for family, _ in loss.parts}
    own = [e.name for e in model.forward if e.index is not None]
    read = {member.name for e in model.forward if e is not scalar for member in e.members}
    carried = set(states(model))
    return [name for name in own if name in carried or (scalar is None and (name in seen or name not in read))]


def _line(equation: Equation) -> Line:
    if len(equation.left.indices) > 1 or (equation.first, equation.last) != (None, None):
        raise Unsupported(f"{show(equation.left)} is not defined at every step by one index")
    formula = f"{show(equation.left)} = {show(equation.right)}"
    return Line(equation.name, column(equation.right, equation.index), formula)


def _sequence(model: Model, name: str) -> Sequence:
    member = model.by_name[name].left
    return Sequence(plain_key(name), name, member.shape[0])


def _steps(model: Model) -> tuple[Any, Any]:
    return sp.Integer(model.time.first), model.time.last


def _functions(model: Model) -> dict[str, str]:
    """The kinds of functions called f, g, …; of one about which the model says nothing what code takes for it."""
    found = {plain_key(name): f"{OPEN_FUNCTION}, since the model leaves it open" for name in open_functions(model)}
    kinds = {plain_key(one.name): one.kind for one in applied(model) if one.kind != OPAQUE}
    return found | {name: kind for name, kind in kinds.items() if len(name) == 1}


# --- inputs ------------------------------------------------------------------------------------------------------


def _inputs(model: Model) -> tuple[Sequence, ...]:
    found: dict[str, Member] = {}
    for equation in model.forward:
        for member in equation.members:
            if model.equation_of(member) is None and member.indices:
                if equation.index is not None and member.time != equation.index:
                    raise Unsupported(f"the input {show(member)} is not read at its own step")
                found.setdefault(member.name, member)
    if not found:
        raise Unsupported("no equation reads an input that has a member at every step: nothing says how many steps")
    return tuple(Sequence(plain_key(name), name, member.shape[0]) for name, member in found.items())


def _boundaries(model: Model) -> tuple[Boundary, ...]:
    found: dict[str, Boundary] = {}
    for equation in model.forward:
        for member in equation.members if equation.index is not None else ():
            shift = member.time - equation.index
            if model.equation_of(member) is None or shift == 0:
                continue
            if shift not in (-1, 1):
                raise Unsupported(f"{show(member)} is read more than one step away from {show(equation.left)}")
            side = int(shift)
            key = plain_key(member.name) + ("0" if side < 0 else "_end")
            if found.setdefault(member.name, Boundary(key, member.name, member.shape[0], side)).side != side:
                raise Unsupported(f"{member.name} is read from both sides")
    return tuple(found.values())


def _parameter(leaf: Any) -> Parameter:
    rows, columns = leaf.shape
    return Parameter(plain_key(str(leaf.name)), str(leaf.name), rows, None if columns == 1 else columns)


# --- backwards ---------------------------------------------------------------------------------------------------


def _key(one: Derivation) -> str:
    return str(one.name).partition(".")[2]


def _deltas(found: Iterable[Derivation], sent: Sent) -> dict[str, tuple[Value, str]]:
    """What each δ is at any step; at the ends of time what comes from beyond them is 0, which is checked."""
    general: dict[str, tuple[Value, str]] = {}
    ends: list[Derivation] = []
    for one in found:
        if not str(one.name).startswith("delta."):
            continue
        if one.name.count(".") > 1:  # delta.s.last, where a state may be called last
            ends.append(one)
            continue
        general[one.left.name] = column(one.right, one.left.time), f"{show(one.left)} = {show(one.right)}"
    for one in ends:
        beyond = 1 if one.name.endswith(".last") else -1
        value, _ = general[one.left.name]
        if sent.without(value, beyond) != column(one.right, one.left.time):
            raise Unsupported(f"{show(one.left)} = {show(one.right)} is no case of the recursion at other steps")
    return general


def _names(found: Iterable[Derivation]) -> tuple[frozenset[str], dict[str, str]]:
    """The names of the gradients, and those of the outputs' cotangents with the outputs."""
    named, direct = set(), {}
    for definition in (one for derivation in found for one in derivation.definitions):
        assert isinstance(definition.right, Gradient)
        if definition.right.mode == "immediate":
            direct[definition.name] = definition.right.by.name
        else:
            named.add(definition.name)
    return frozenset(named), direct


def _gradients(
    model: Model, found: Iterable[Derivation], adjoints: frozenset[str]
) -> tuple[dict[str, tuple[Reduction, ...]], dict[str, Value], dict[str, Value]]:
    sums: dict[str, tuple[Reduction, ...]] = {}
    steps: dict[str, Value] = {}
    ends: dict[str, Value] = {}
    for one in found:
        variable = one.left.by
        if not isinstance(variable, Member) or not variable.indices:
            parts = reductions(one.right, _steps(model))
            sums[_key(one)] = tuple(part.changed(lambda value: gathered(value, adjoints)) for part in parts)
        elif model.is_outside(variable):
            first = model.time.first
            step = sp.Integer(first) if variable.time == first - 1 else model.time.last
            ends[_key(one)] = gathered(column(one.right, step), adjoints)
        else:
            steps[_key(one)] = gathered(column(one.right, variable.time), adjoints)
    return sums, steps, ends
