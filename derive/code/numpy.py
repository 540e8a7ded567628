"""A module in NumPy that computes a system's outputs and all gradients: `numpy_source(system)`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import indent, wrap
from typing import Any

import sympy as sp

from derive.code import helpers
from derive.code.calls import INDENT, Calls
from derive.code.gradients import Gradients
from derive.code.homes import Home
from derive.code.identifiers import Identifiers, plain
from derive.code.joined import NARROW, Joined
from derive.code.lowering import Unsupported
from derive.code.packing import Layout
from derive.code.passes import Passes
from derive.code.places import Places
from derive.code.plan import At, Phase, Variable
from derive.code.prepared import Prepared
from derive.code.program import Program, program_of
from derive.code.resolved import resolved
from derive.language.keys import plain_key
from derive.models.registry import System


def numpy_source(system: System) -> str:
    """The source of a module with `forward`, `backward` and `gradients`. Raises `Unsupported`."""
    return Module(resolved(program_of(system))).text()


class Module:
    """The text of a module: the doors, and each pass for one sample and for many."""

    def __init__(self, program: Program) -> None:
        self.program, self.passes = program, Passes(program)
        self.sizes = [str(symbol) for symbol in _size_symbols(program)]
        self.helpers = {"arrays"} | (set() if program.loss else {"given"})
        names = self._names()
        self.matrices = {one.name: names.of(one.name, one.key) for one in program.parameters}
        self.inputs = {one.name: names.of(("input", one.name), one.key) for one in program.sequences}
        self.boundaries = {one.name: names.of(("boundary", one.name), one.key) for one in program.boundaries}
        self.locals = [*self.inputs.values(), *self.boundaries.values(), *self.matrices.values()]

    def _names(self) -> Identifiers:
        return Identifiers([*self.sizes, *helpers.HELPERS])

    def text(self) -> str:
        """The whole module."""
        bodies = [text for one in (True, False) for text in self._pair(one)]
        parts = [self._heading(), self._imports() + self._keys(), self._forward(), self._backward()]
        return "\n\n".join([*parts, _GRADIENTS, bodies[0], bodies[2], bodies[1], bodies[3], helpers.text(self.helpers)])

    # --- the doors -----------------------------------------------------------------------------------------------

    def _heading(self) -> str:
        program = self.program
        lines = [f"{program.title}: forward pass and backpropagation through time, in NumPy.", ""]
        lines += [f"    {line.formula}" for line in program.forward]
        lines += [f"    {program.loss_formula}"] if program.loss else []
        lines += ["", "Written by Backproof from the formulas that it derives; T steps, B samples, float32 or float64.", ""]
        lines += _wrapped("inputs", self._shapes())
        outputs = {one.key: f"(T, B, {one.size})" for one in program.outputs}
        lines += _wrapped("outputs", {_loss_key(program): "()", **outputs} if program.loss else outputs)
        if program.open_functions:
            lines.append(f"{', '.join(map(plain, program.open_functions))}: tanh, since the model leaves it open")
        return '"""' + "\n".join(lines) + '\n"""\n'

    def _imports(self) -> str:
        lines = ["import math"] if self.helpers & {"normal_cdf", "normal_density"} else []
        lines += ["from itertools import repeat", "", "import numpy as np", ""]
        return "\n".join([*lines, "WINDOW = 1 << 20  # bytes of coefficients that are computed before the steps that use them", "ROWS = 512  # steps times samples that are computed at once, over which the gradients' products contract", ""])

    def _keys(self) -> str:
        text = ", ".join(f'"{key}"' for key in self._shapes())
        return "\n".join(wrap(f"KEYS = ({text}{',' if len(self._shapes()) == 1 else ''})", 110, subsequent_indent=" " * 8)) + "\n"

    def _shapes(self) -> dict[str, str]:
        """The shape of every input by its key."""
        program = self.program
        found = {one.key: f"(T, B, {one.size})" for one in program.sequences}
        found |= {one.key: f"(B, {one.size})" for one in program.boundaries}
        return found | {
            one.key: f"({one.rows},)" if one.columns is None else f"({one.rows}, {one.columns})"
            for one in program.parameters
        }

    def _forward(self) -> str:
        first = self.inputs[self.program.sequences[0].name]
        arguments = ", ".join(["T", "B", *self.sizes, *self.locals])
        shapes = list(self._shapes().values())
        lines = ["found = [inputs.get(key) for key in KEYS]"]
        lines += wrapped_list("", self.locals, " = found")
        lines += ["try:", f"{INDENT}T, B, _ = {first}.shape", *(INDENT + line for line in self._size_lines())]
        fits = [f"len(inputs) == {len(shapes)}", f"{first}.dtype.kind == \"f\""]
        lines += [f"{INDENT}fits = {' and '.join(fits)}"]
        lines += [INDENT + line for line in wrapped_list("fits = fits and [array.shape for array in found] == [", shapes, "]")]
        lines += ["except (AttributeError, IndexError, ValueError):", f"{INDENT}fits = False"]
        letters = [f'"{" ".join(shape.strip("(),").split(", "))}"' for shape in shapes]
        lines += ["if not fits:", *(INDENT + line for line in wrapped_list("found = arrays(inputs, [", letters, "])"))]
        lines += [f"{INDENT}return forward(dict(zip(KEYS, found)))"]
        lines += ["run = forward_one if B == 1 else forward_many", *wrap(f"return run({arguments})", 110, subsequent_indent=INDENT * 3)]
        return _function("forward(inputs)", "The outputs, and what `backward` needs. Do not write to them: they share memory.", lines)

    def _size_lines(self) -> list[str]:
        """Each size from the first array that has it as an axis."""
        program = self.program
        axes: list[tuple[str, int, Any]] = [(self.inputs[one.name], 2, one.size) for one in program.sequences]
        axes += [(self.boundaries[one.name], 1, one.size) for one in program.boundaries]
        for one in program.parameters:
            axes += [(self.matrices[one.name], at, size) for at, size in enumerate((one.rows, one.columns)) if size is not None]
        found: dict[str, str] = {}
        for array, axis, size in axes:
            if isinstance(size, sp.Symbol):
                found.setdefault(str(size), f"{size} = {array}.shape[{axis}]")
        missing = [size for size in self.sizes if size not in found]
        if missing:
            raise Unsupported(f"no input has an axis of {', '.join(missing)} entries")
        return list(found.values())

    def _backward(self) -> str:
        lines = ["run = backward_one if saved[1] == 1 else backward_many", "return run(saved, cotangents)"]
        said = "The gradients of every input by its key, from the cotangents of outputs; one left out counts as 0."
        return _function("backward(saved, cotangents)", said, lines)

    # --- the passes ----------------------------------------------------------------------------------------------

    def _pair(self, one: bool) -> tuple[str, str]:
        """Both passes, for one sample or for many."""
        form = _Form(self, one)
        texts = form.forward(), form.backward()
        self.helpers |= form.used
        return texts


class _Form:
    """Both passes in one form: for one sample, or for many."""

    def __init__(self, module: Module, one: bool) -> None:
        self.module, self.one = module, one
        self.program, self.passes = module.program, module.passes
        self.names = Identifiers([*module.sizes, *helpers.HELPERS, *module.locals])
        self.used: set[str] = set()
        self.joined: list[Joined] = []

    def _calls(
        self, layout: Layout, kind: str, arrays: Mapping[object, str], optional: Iterable[str], local: frozenset[Home] | None
    ) -> Calls:
        places = Places(self.names, layout.homes, layout.buffers, kind, dict(arrays), local)
        prepared = Prepared(self.names, places, self.module.matrices, self.one)
        lines = self.program.backward if kind == "deltas" else self.program.forward
        return Calls(layout, places, prepared, frozenset(optional), {line.name: line.formula for line in lines})

    def forward(self) -> str:
        """The forward pass."""
        layout, program = self.passes.forward_layout, self.program
        inputs = {home: self.module.inputs[home.variables[0].name] for home in layout.homes.given}
        calls = self._calls(layout, "kept", inputs, (), self._local(self.passes.forward, layout, self.passes.lasting))
        for phase, before, inside in zip(self.passes.forward, layout.before, layout.inside, strict=True):
            calls.phase(phase, before, inside)
        self.places, self.joined = calls.places, calls.joined
        pairs = [f'"{one.key}": {self._output(one)}' for one in program.outputs]
        if program.loss:
            terms = " + ".join(f"{calls.places.steps([operand])}.sum()" for operand in self.passes.loss)
            pairs.insert(0, f'"{_loss_key(program)}": {terms}')
        sizes = ["T", "B", *self.module.sizes]
        self.saved = list(dict.fromkeys([*sizes, "dtype", *self.module.inputs.values(), *self.module.matrices.values(), *self._kept(layout)]))
        first = next(iter(self.module.inputs.values()))
        lines = [f"dtype = {first}.dtype"]
        lines += [f"{name} = {name}[:, 0]" for name in self.module.inputs.values()] if self.one else []
        lines += [*self._windows(calls), *self._made(layout, calls.places), *self._boundary_values()]
        lines += [*self._prepared(calls), *self._by_windows(calls, self.passes.forward, calls.lines)]
        lines += [f"outputs = {{{', '.join(pairs)}}}", *wrapped_list("return outputs, (", self.saved, ")")]
        arguments = ", ".join([*sizes, *self.module.locals])
        return _function(f"forward_{self._word}({arguments})", f"`forward` for {self._samples}.", lines)

    def backward(self) -> str:
        """The backward pass."""
        layout, program = self.passes.backward_layout, self.program
        keys = {one.name: one.key for one in program.outputs}
        cotangents = {direct: self.names.fresh(f"d_{keys[name]}") for direct, name in program.direct.items()}
        arrays: dict[object, str] = dict(self.places.arrays)
        arrays |= {h: cotangents[h.variables[0].name] for h in layout.homes.given if h.variables[0].name in cotangents}
        calls = self._calls(layout, "deltas", arrays, cotangents, self._local(self.passes.backward, layout, self.passes.ending))
        calls.zeroed |= set(cotangents) & {one.name for one in self.passes.collected()}
        for phase, before, inside in zip(self.passes.backward, layout.before, layout.inside, strict=True):
            calls.phase(phase, before, inside)
        ends = Gradients(program, calls.places, calls, self.passes.sums, self.passes.steps, self.passes.ends, self.joined)
        collected = ends.lines()
        lines = [*wrapped_list("", self.saved, " = saved"), *self._given(cotangents, calls.zeroed)]
        lines += [*self._windows(calls), *self._made(layout, calls.places), *self._prepared(calls), *ends.first]
        lines += [*self._by_windows(calls, self.passes.backward, [*calls.lines, *collected]), *ends.last]
        return _function(f"backward_{self._word}(saved, cotangents)", f"`backward` for {self._samples}.", lines)

    def _local(self, phases: Sequence[Phase], layout: Layout, kept: Iterable[Variable]) -> frozenset[Home] | None:
        """For many samples all goes by windows of steps, and what only a window needs has room for one."""
        return None if self.one else self.passes.local(phases, layout, kept)

    def _windows(self, calls: Calls) -> list[str]:
        return ["window = max(1, min(T, ROWS // B))"] if calls.low else []

    def _by_windows(self, calls: Calls, phases: Sequence[Phase], lines: Sequence[str]) -> list[str]:
        """The work of a function, window by window where it goes by windows."""
        if not calls.low:
            return list(lines)
        up = any(phase.step > 0 for phase in phases)
        head = ["for low in range(0, T, window):", f"{INDENT}high = min(T, low + window)"]
        if not up:
            head = ["for high in range(T, 0, -window):", f"{INDENT}low = max(0, high - window)"]
        size = [f"{INDENT}size = high - low"] if any("[:size" in line for line in lines) else []
        return [*head, *size, *(INDENT + line for line in lines)]

    @property
    def _word(self) -> str:
        return "one" if self.one else "many"

    @property
    def _samples(self) -> str:
        return "one sample: arrays have no batch axis" if self.one else "several samples"

    def _prepared(self, calls: Calls) -> list[str]:
        """Constants and matrices, then the functions of NumPy by short names."""
        self.used |= calls.prepared.helpers
        found = sorted(calls.functions)
        short = [f"{', '.join(found)} = {', '.join(f'np.{name}' for name in found)}"] if found else []
        return [*calls.prepared.lines, *short]

    def _given(self, cotangents: Mapping[str, str], zeroed: set[str]) -> list[str]:
        """The cotangents as arrays; one that is left out is None, or zero where it is needed as an array."""
        program = self.program
        if program.loss:
            return [f'scale = cotangents["{_loss_key(program)}"]']
        sizes = {one.name: (one.key, one.size) for one in program.outputs}
        shapes = [f'"{sizes[name][0]}": (T, B, {sizes[name][1]})' for name in program.direct.values()]
        lines = [f"{', '.join(cotangents.values())}{',' if len(cotangents) == 1 else ''} = given(cotangents, {{{', '.join(shapes)}}}, dtype)"]
        for direct, array in cotangents.items():
            size = sizes[program.direct[direct]][1]
            if direct in zeroed:
                lines += [f"if {array} is None:", f"{INDENT}{array} = np.zeros((T, B, {size}), dtype)"]
            if self.one:
                lines.append(f"{array} = {array}[:, 0]" if direct in zeroed else f"{array} = None if {array} is None else {array}[:, 0]")
        return lines

    def _output(self, one: Any) -> str:
        array = self.places.steps([At(Variable(one.name, one.size))])
        return f"{array}[:, None]" if self.one else array

    def _kept(self, layout: Layout) -> list[str]:
        """The arrays that the backward pass needs."""
        stored = [self.places.array(home) for home in layout.homes.made() if home.stored]
        return [*stored, *(self.names.of(("joined", one.state.variable), "rows") for one in self.joined)]

    def _made(self, layout: Layout, places: Places) -> list[str]:
        """The arrays of a function: one for all the homes of a buffer."""
        lines: dict[str, list[str]] = {}
        for home in layout.homes.made():
            shared, name = places.buffer(home), places.array(home)
            if not home.stored or name in lines:
                continue
            rows = places.length(home)
            lines[name] = self._slots(places, shared.homes, name, rows) if shared else self._array(home, name, rows)
        return [line for found in lines.values() for line in found]

    def _slots(self, places: Places, homes: Sequence[Home], name: str, rows: str) -> list[str]:
        listed = ", ".join(plain(places.label(one)) + (" of the step before" if one.before else "") for one in homes)
        size, count = homes[0].size, len(homes)
        if self.one:
            return [f"{name} = np.empty(({rows}, {count}, {size}), dtype)  # {listed}"]
        return [f"{name} = np.empty(({count}, {rows}, B, {size}), dtype).swapaxes(0, 1)  # {listed}"]

    def _array(self, home: Home, name: str, rows: str) -> list[str]:
        """An array of its own; of a state whose rows may be narrow, the first columns of the rows [h | x | 1]."""
        made = f"{name} = np.empty(({rows}, {'' if self.one else 'B, '}{home.size}), dtype)"
        for one in self.joined:
            if self.places.of(one.state) is not home or not self.one:
                continue
            narrow = self.names.of(("narrow", one.state.variable), "narrow")
            joined = self.names.of(("joined", one.state.variable), "rows")
            unit = bool(one.weights)
            said = f"{plain(one.state.variable.name)}[t{one.state.shift:+d}], {plain(one.source.variable.name)}[t]"
            return [
                f"{narrow} = {one.width} <= {NARROW}  # then one product serves a step, of the row [{said}{', 1' if unit else ''}]",
                f"{joined} = np.empty(({rows}, {one.size} + {one.width}{' + 1' if unit else ''}), dtype) if {narrow} else None",
                f"{name} = {joined}[:, :{one.size}] if {narrow} else {made.partition(' = ')[2]}",
            ]
        return [made]

    def _boundary_values(self) -> list[str]:
        """s_0 and its kin in their rows."""
        lines = []
        for one in self.program.boundaries:
            variable = Variable(one.name, one.size)
            home = self.places.homes.of[variable]
            row = str(home.before - 1) if one.side < 0 else f"T + {home.before}" if home.before else "T"
            slots = self.places.slots([At(variable)])
            value = self.module.boundaries[one.name] + ("[0]" if self.one else "")
            lines.append(f"{self.places.array(home)}[{row}{', ' + slots if slots else ''}] = {value}")
        return lines


# --- text --------------------------------------------------------------------------------------------------------


def _function(head: str, said: str, lines: Sequence[str]) -> str:
    first = "\n".join(wrap(f"def {head}:", 110, subsequent_indent=INDENT * 2))
    return f"{first}\n" + indent("\n".join([f'"""{said}"""', *lines]), INDENT) + "\n"


def wrapped_list(before: str, items: Sequence[str], after: str) -> list[str]:
    """before a, b, c after, in lines of some length; brackets open where the list has none."""
    joined = ", ".join(items) + ("," if len(items) == 1 and not before.endswith("[") else "")
    text = f"{before}{joined}{after}"
    if len(text) <= 110:
        return [text]
    inner = wrap(joined.replace(" (", " (").replace(", ", ",\u00a0") if False else joined, 100)
    if before:
        return [before, *(INDENT + line for line in inner), after]
    return ["(", *(INDENT + line for line in inner), f"){after}"]


def _wrapped(title: str, shapes: Mapping[str, str]) -> list[str]:
    """Keys with shapes, in lines that break between keys alone."""
    joined = "\u00a0"
    text = ", ".join(f"{key} {shape}".replace(" ", joined) for key, shape in shapes.items())
    lines = wrap(f"{title}: {text}", 110, subsequent_indent=" " * (len(title) + 2), break_long_words=False)
    return [line.replace(joined, " ") for line in lines]


def _loss_key(program: Program) -> str:
    return plain_key(program.loss)


def _size_symbols(program: Program) -> list[sp.Symbol]:
    sizes: list[Any] = [one.size for one in (*program.sequences, *program.boundaries, *program.outputs)]
    sizes += [size for one in program.parameters for size in (one.rows, one.columns) if size is not None]
    return sorted({symbol for size in sizes for symbol in sp.sympify(size).free_symbols}, key=str)


_GRADIENTS = '''def gradients(inputs, cotangents):
    """The gradients of every input by its key, from the cotangents of outputs."""
    return backward(forward(inputs)[1], cotangents)
'''
