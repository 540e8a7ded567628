"""A module in NumPy that computes a system's outputs and all gradients: `numpy_source(system)`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import indent, wrap
from typing import Any

import sympy as sp

from derive.code import helpers
from derive.code.calls import INDENT, Body, Calls
from derive.code.gradients import Gradients, Pair
from derive.code.homes import Home, Homes, homes_of
from derive.code.identifiers import Identifiers, plain
from derive.code.joined import NARROW, Joined
from derive.code.lowering import Collected, Outer, Unsupported
from derive.code.packing import Buffer, Layout, packed
from derive.code.places import Places
from derive.code.plan import At, Operand, Phase, Planner, Variable
from derive.code.program import Program, program_of
from derive.code.resolved import resolved
from derive.code.values import Read, Times, Value
from derive.language.keys import plain_key
from derive.models.registry import System


def numpy_source(system: System) -> str:
    """The source of a module with `forward`, `backward` and `gradients`. Raises `Unsupported`."""
    return _Module(resolved(program_of(system))).text()


@dataclass(frozen=True)
class Planned:
    """A function's phases, with the operands of what is collected from them."""

    phases: list[Phase]
    layout: Layout


class _Module:
    """Plans both passes, then writes them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.names = Identifiers(str(symbol) for symbol in _size_symbols(program))
        self.matrices = {one.name: self.names.of(one.name, one.key) for one in program.parameters}
        self.inputs = {one.name: self.names.of(("input", one.name), one.key) for one in program.sequences}
        self.planner = Planner()
        self._plan_forward()
        self._plan_backward()
        self._settle()

    # --- planning ------------------------------------------------------------------------------------------------

    def _plan_forward(self) -> None:
        program = self.program
        self.planner.plan(program.definitions)
        self.loss: list[Operand] = []
        if program.loss:
            self.planner.phases.append(Phase(frozenset(), 0))
            for part in program.loss_parts:
                if not isinstance(part, Collected) or part.summand.size != 1:
                    raise Unsupported(f"{program.loss} is no sum over the steps of scalars")
                self.loss.append(self.planner.operand(part.summand))
        self.forward = list(self.planner.phases)

    def _plan_backward(self) -> None:
        program, planner = self.program, self.planner
        planner.phases.clear()
        lines = {line.name: line.value for line in (*program.backward, *program.carried)}
        planner.plan(lines)
        planner.phases.append(Phase(frozenset(), 0))
        self.sums = {key: [self._reduced(part) for part in parts] for key, parts in program.sums.items()}
        self.steps = {key: planner.operand(value) for key, value in program.steps.items()}
        carried = {one.value: Variable(one.name, one.value.size) for one in program.carried}
        self.ends = {
            key: At(carried[value]) if value in carried else planner.operand(value)
            for key, value in program.ends.items()
        }
        self.backward = list(planner.phases)

    def _reduced(self, part: Any) -> tuple[str, Pair]:
        """Σ a bᵀ as (outer, (a, b)), Σ a ⊙ b as (entrywise, (a, b)), Σ a as (plain, (a, None))."""
        operand = self.planner.operand
        if isinstance(part, Outer):
            return "outer", (operand(part.left), operand(part.right))
        summand: Value = part.summand
        if isinstance(summand, Times) and len(summand.factors) == 2 and {f.size for f in summand.factors} == {summand.size}:
            return "entrywise", (operand(summand.factors[0]), operand(summand.factors[1]))
        return "plain", (operand(summand), None)

    def _settle(self) -> None:
        program = self.program
        given = {Variable(one.name, one.size): Home(-1, one.size, True, [Variable(one.name, one.size)], alone=True) for one in program.sequences}
        made = {one.target for one in _instructions(self.forward)}
        later = {o.variable for one in _instructions(self.backward) for o in one.operands if isinstance(o, At)}
        collected = set(self._collected())
        outputs = {Variable(one.name, one.size) for one in program.outputs}
        kept = ((later | collected) & made) | outputs | {o.variable for o in self.loss if isinstance(o, At)}
        multiplied = _multiplied(self.forward) | {Variable(b.name, b.size) for b in program.boundaries if b.side > 0}
        homes = homes_of(self.forward, given, kept, {one for one in multiplied if one in kept and one in outputs})
        self.forward_layout = packed(self.forward, homes, {})
        sizes = {one.name: one.size for one in program.outputs}
        self.cotangents = {direct: self.names.of(("cotangent", direct), f"d_{self._output_key(name)}") for direct, name in program.direct.items()}
        known = {variable: home for variable, home in homes.of.items() if home.stored}
        for direct, name in program.direct.items():
            variable = Variable(direct, sizes[name])
            known[variable] = Home(-1, sizes[name], True, [variable], alone=True)
        backward = homes_of(self.backward, known, collected, ())
        self.backward_layout = packed(self.backward, backward, {h: b for h, b in self.forward_layout.buffers.items() if h.stored})

    def _output_key(self, name: str) -> str:
        return next(one.key for one in self.program.outputs if one.name == name)

    def _collected(self) -> Iterable[Variable]:
        for operand in (*self.steps.values(), *self.ends.values()):
            if isinstance(operand, At) and not operand.variable.name.startswith("sent"):
                yield operand.variable
        for _, pair in (one for pairs in self.sums.values() for one in pairs):
            yield from (one.variable for one in pair if isinstance(one, At))

    # --- writing -------------------------------------------------------------------------------------------------

    def text(self) -> str:
        forward, backward = self._forward(), self._backward()
        used = forward.helpers | backward.helpers
        used |= {"arrays"} | (set() if self.program.loss else {"given"})
        keys = f"KEYS = ({', '.join(repr(key) for key in self._shapes())},)".replace("'", '"') + "\n"
        parts = [self._heading() + "\n" + _imports(used, self.program) + keys]
        parts += [self._pass("forward", forward), self._pass("backward", backward), _GRADIENTS.strip("\n") + "\n"]
        parts += [helpers.text(used)]
        return "\n\n".join(parts)

    def _forward(self) -> Body:
        """Everything of the forward pass but its first and last lines."""
        program, layout = self.program, self.forward_layout
        places = self._places(layout, "kept", self._input_arrays(layout))
        comments = {line.name: line.formula for line in program.forward}
        calls = Calls(layout, places, self.names, self.matrices, frozenset(), comments)
        for phase, before, inside in zip(self.forward, layout.before, layout.inside, strict=True):
            calls.phase(phase, before, inside)
        self.forward_places, self.joined = places, calls.joined
        body = calls.body
        body.prepared = [*self._stored(layout, places, body), *self._boundary_values(places), *body.prepared]
        pairs = [f'"{one.key}": {self._output(one, places)}' for one in program.outputs]
        if program.loss:
            terms = [f"np.sum({places.steps([operand])})" for operand in self.loss]
            pairs.insert(0, f'"{_loss_key(program)}": {" + ".join(terms)}')
        body.lines += [f"outputs = {{{', '.join(pairs)}}}", f"return outputs, ({', '.join(self._saved())})"]
        return body

    def _backward(self) -> Body:
        program, layout = self.program, self.backward_layout
        arrays = dict(self.forward_places.arrays)
        for home in layout.homes.given:
            if home.variables and home.variables[0].name in self.cotangents:
                arrays[home] = self.cotangents[home.variables[0].name]
        places = self._places(layout, "deltas", arrays)
        comments = {line.name: line.formula for line in program.backward}
        calls = Calls(layout, places, self.names, self.matrices, frozenset(self.cotangents), comments)
        calls.zeroed |= {o.variable.name for pairs in self.sums.values() for _, pair in pairs for o in pair if isinstance(o, At)} & set(self.cotangents)
        for phase, before, inside in zip(self.backward, layout.before, layout.inside, strict=True):
            calls.phase(phase, before, inside)
        body = calls.body
        body.prepared = [*self._zeroed(calls.zeroed), *self._stored(layout, places, body), *body.prepared]
        body.lines += ["gradients = {}"]
        body.lines += Gradients(program, places, calls, self.sums, self.steps, self.ends, self.joined).lines()
        return body

    def _places(self, layout: Layout, kind: str, arrays: Mapping[object, str]) -> Places:
        return Places(self.names, layout.homes, layout.buffers, kind, dict(arrays))

    def _input_arrays(self, layout: Layout) -> dict[object, str]:
        """The inputs' homes by the names of their arrays."""
        return {home: self.inputs[home.variables[0].name] for home in layout.homes.given}

    def _stored(self, layout: Layout, places: Places, body: Body) -> list[str]:
        """The arrays of a function: one for all the homes of a buffer."""
        lines: dict[str, list[str]] = {}
        for home in layout.homes.made():
            shared, name = places.buffer(home), places.array(home)
            if not home.stored or name in lines:
                continue
            rows = f"T + {places.rows(home)}" if places.rows(home) else "T"
            if shared:
                body.helpers.add("slots")
                listed = ", ".join(_described(places, one) for one in shared.homes)
                lines[name] = [f"{name} = slots({rows}, {len(shared.homes)}, (*lead, {home.size}), dtype)  # {listed}"]
            else:
                made = f"{name} = np.empty(({rows}, *lead, {home.size}), dtype)"
                lines[name] = self._joined_rows(home, name, rows, made) if places is self.forward_places else [made]
        return [line for found in lines.values() for line in found]

    def _joined_rows(self, home: Home, name: str, rows: str, made: str) -> list[str]:
        """A state's array; where rows are narrow, the first columns of the rows [h | x | 1]."""
        for one in self.joined:
            if self.forward_places.of(one.state) is not home:
                continue
            narrow, joined = self.names.of(("narrow", one.state.variable), "narrow"), self.names.of(("joined", one.state.variable), "joined")
            width = f"{one.size} + {one.width}{' + 1' if one.weights else ''}"
            label = ", ".join([show_text(one), *(["1"] if one.weights else [])])
            return [
                f"{narrow} = one and {one.width} <= {NARROW}  # then a row is [{label}], and a step has one product",
                f"if {narrow}:",
                f"{INDENT}{joined} = np.empty(({rows}, {width}), dtype)",
                f"{INDENT}{name} = {joined}[:, :{one.size}]",
                "else:",
                f"{INDENT}{joined} = None",
                f"{INDENT}{made}",
            ]
        return [made]

    def _boundary_values(self, places: Places) -> list[str]:
        """s_0 and its kin in their rows."""
        lines = []
        for one in self.program.boundaries:
            home = places.homes.of[Variable(one.name, one.size)]
            row = str(home.before - 1) if one.side < 0 else _plus_T(home.before)
            slots = places.slots([At(Variable(one.name, one.size))])
            lines.append(f"{places.array(home)}[{row}{', ' + slots if slots else ''}] = {one.key}.reshape(*lead, {one.size})")
        return lines

    def _zeroed(self, names: Iterable[str]) -> list[str]:
        sizes = {home.variables[0].name: home.size for home in self.backward_layout.homes.given if home.variables}
        lines = []
        for direct in self.cotangents:
            if direct in names:
                array = self.cotangents[direct]
                lines += [f"if {array} is None:", f"{INDENT}{array} = np.zeros((T, *lead, {sizes[direct]}), dtype)"]
        return lines

    def _output(self, one: Any, places: Places) -> str:
        return f"{places.steps([At(Variable(one.name, one.size))])}.reshape(T, B, {one.size})"

    def _saved(self) -> list[str]:
        """What the backward pass needs of the forward pass."""
        sizes = ["T", "B", *map(str, _size_symbols(self.program)), "dtype"]
        stored = [self.forward_places.array(home) for home in self.forward_layout.homes.made() if home.stored]
        rows = [self.names.of(("joined", one.state.variable), "joined") for one in self.joined]
        return list(dict.fromkeys([*sizes, *self.inputs.values(), *self.matrices.values(), *stored, *rows]))

    def _pass(self, name: str, body: Body) -> str:
        """One function: its head, what it prepares, its work."""
        head = self._forward_head() if name == "forward" else self._backward_head()
        local = [f"{INDENT}{name} = np.{name}" for name in sorted(body.functions)]
        if any("matmul(" in line and "np.matmul(" not in line for line in body.lines):
            local.append(f"{INDENT}matmul = np.matmul")
        lines = [*body.prepared, *(line.strip() for line in local), *body.lines]
        return head + indent("\n".join(lines), INDENT) + "\n"

    def _heading(self) -> str:
        program = self.program
        lines = [f"{program.title}: forward pass and backpropagation through time, in NumPy.", ""]
        lines += [f"    {line.formula}" for line in program.forward]
        if program.loss:
            lines.append(f"    {program.loss_formula}")
        lines += ["", "Written by Backproof from the formulas that it derives and proves; T steps, B samples.", ""]
        lines += _wrapped("inputs", self._shapes())
        outputs = {one.key: f"(T, B, {one.size})" for one in program.outputs}
        if program.loss:
            outputs = {_loss_key(program): "()", **outputs}
        lines += _wrapped("outputs", outputs)
        if program.open_functions:
            lines.append(f"{', '.join(program.open_functions)}: tanh here; the model leaves it open")
        return '"""' + "\n".join(lines) + '\n"""\n'

    def _shapes(self) -> dict[str, str]:
        """The shape of every input by its key."""
        program = self.program
        found = {one.key: f"(T, B, {one.size})" for one in program.sequences}
        found |= {one.key: f"(B, {one.size})" for one in program.boundaries}
        return found | {one.key: f"({one.rows}, {one.columns})" if one.columns is not None else f"({one.rows},)" for one in program.parameters}

    def _forward_head(self) -> str:
        program = self.program
        first = program.sequences[0]
        keys = list(self._shapes())
        locals_ = [*self.inputs.values(), *(one.key for one in program.boundaries), *self.matrices.values()]
        lines = ["def forward(inputs):", '"""The outputs, and what `backward` needs; the outputs are views of it."""']
        lines += [f'dtype = np.result_type(inputs["{first.key}"], np.float32)']
        lines += [f"{', '.join(locals_)}{',' if len(locals_) == 1 else ''} = arrays(inputs, KEYS, dtype)"]
        lines += [f"T, B, _ = {self.inputs[first.name]}.shape"]
        lines += self._sizes()
        shapes = {local: shape for local, shape in zip(locals_, self._shapes().values(), strict=True)}
        got, want = ", ".join(f"{one}.shape" for one in shapes), ", ".join(shapes.values())
        lines += [f"if ({got},) != ({want},):", f"{INDENT}raise ValueError(wrong_shapes(inputs, [{want}]))"]
        lines += ["one, lead = B == 1, () if B == 1 else (B,)"]
        lines += [f"{self.inputs[one.name]} = {self.inputs[one.name]}.reshape(T, *lead, {one.size})" for one in program.sequences]
        assert keys
        return _function(lines)

    def _sizes(self) -> list[str]:
        """Each size from the first array that has it as an axis."""
        found: dict[str, str] = {}
        program = self.program
        axes = [(self.inputs[one.name], 2, one.size) for one in program.sequences]
        axes += [(one.key, 1, one.size) for one in program.boundaries]
        for one in program.parameters:
            axes.append((self.matrices[one.name], 0, one.rows))
            if one.columns is not None:
                axes.append((self.matrices[one.name], 1, one.columns))
        for array, axis, size in axes:
            if isinstance(size, sp.Symbol):
                found.setdefault(str(size), f"{size} = {array}.shape[{axis}]")
        missing = {str(symbol) for symbol in _size_symbols(program)} - set(found)
        if missing:
            raise Unsupported(f"no input has an axis of {', '.join(sorted(missing))} entries")
        return list(found.values())

    def _backward_head(self) -> str:
        program = self.program
        lines = ["def backward(saved, cotangents):", '"""The gradients of every input by its key, from the cotangents of outputs; one left out is 0."""']
        lines += [f"{', '.join(self._saved())} = saved", "one, lead = B == 1, () if B == 1 else (B,)"]
        if program.loss:
            lines += [f'scale = cotangents["{_loss_key(program)}"]']
        else:
            sizes = {one.name: one.size for one in program.outputs}
            pairs = [(self.cotangents[direct], self._output_key(name), sizes[name]) for direct, name in program.direct.items()]
            shapes = "{" + ", ".join(f'"{key}": (T, B, {size})' for _, key, size in pairs) + "}"
            lines += [f"{', '.join(local for local, _, _ in pairs)}{',' if len(pairs) == 1 else ''} = given(cotangents, {shapes}, lead, dtype)"]
        return _function(lines)


def _function(lines: Sequence[str]) -> str:
    first, *rest = lines
    return first + "\n" + indent("\n".join(rest), INDENT) + "\n"


def _wrapped(title: str, shapes: Mapping[str, str]) -> list[str]:
    """Keys with shapes, in lines that break between keys alone."""
    joined = "\u00a0"
    text = ", ".join(f"{key} {shape}".replace(" ", joined) for key, shape in shapes.items())
    lines = wrap(f"{title}: {text}", 110, subsequent_indent=" " * (len(title) + 2), break_long_words=False)
    return [line.replace(joined, " ") for line in lines]


def _described(places: Places, home: Home) -> str:
    label = places.label(home)
    return label + (" one step before" if home.before else "")


def show_text(one: Joined) -> str:
    """[h[t-1], x[t]: what a row holds."""
    state, source = plain(one.state.variable.name), plain(one.source.variable.name)
    return f"{state}[t{one.state.shift:+d}], {source}[t]"


def _plus_T(before: int) -> str:
    return f"T + {before}" if before else "T"


def _loss_key(program: Program) -> str:
    return plain_key(program.loss)


def _size_symbols(program: Program) -> list[sp.Symbol]:
    sizes: list[Any] = [one.size for one in (*program.sequences, *program.boundaries, *program.outputs)]
    sizes += [size for one in program.parameters for size in (one.rows, one.columns) if size is not None]
    return sorted({symbol for size in sizes for symbol in sp.sympify(size).free_symbols}, key=str)


def _instructions(phases: Iterable[Phase]) -> Iterable[Any]:
    return (one for phase in phases for one in (*phase.before, *phase.inside))


def _multiplied(phases: Iterable[Phase]) -> set[Variable]:
    """What matrices multiply."""
    return {o.variable for one in _instructions(phases) if one.op == "products" for o in one.operands if isinstance(o, At)}


def _imports(used: set[str], program: Program) -> str:
    lines = ["from itertools import repeat", "", "import numpy as np", "", "WINDOW = 1 << 20  # bytes of coefficients that are computed before the steps that use them"]
    if used & {"normal_cdf", "normal_density"}:
        lines.insert(0, "import math")
    return "\n".join(lines) + "\n"


_GRADIENTS = '''
def gradients(inputs, cotangents):
    """The gradients of every input by its key, from the cotangents of outputs."""
    return backward(forward(inputs)[1], cotangents)
'''
