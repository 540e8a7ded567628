"""Both passes of a module in one form: for one sample, or for many by windows of steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from derive.code import helpers
from derive.code.calls import Calls
from derive.code.gradients import Gradients
from derive.code.homes import Home
from derive.code.identifiers import Identifiers, plain
from derive.code.joined import NARROW
from derive.code.packing import Layout
from derive.code.passes import Passes
from derive.code.places import Places, columns
from derive.code.plan import At, Phase, Variable
from derive.code.prepared import Prepared
from derive.code.program import Program
from derive.code.writing import INDENT, by_windows, function, listed


class Door(Protocol):
    """What the passes need to know of their module."""

    program: Program
    sizes: list[str]
    inputs: dict[str, str]
    boundaries: dict[str, str]
    matrices: dict[str, str]
    locals: list[str]


class Form:
    """Both passes in one form: for one sample, or for many."""

    def __init__(self, module: Door, one: bool) -> None:
        self.module, self.one = module, one
        self.program, self.passes = module.program, Passes(module.program, one)
        self.names = Identifiers([*module.sizes, *helpers.HELPERS, *module.locals])
        self.used: set[str] = set()

    def _calls(
        self,
        layout: Layout,
        kind: str,
        arrays: Mapping[object, str],
        optional: Iterable[str],
        local: frozenset[Home] | None,
    ) -> Calls:
        places = Places(self.names, layout.homes, layout.buffers, kind, dict(arrays), self.one, local)
        prepared = Prepared(self.names, places, self.module.matrices, self.one)
        lines = self.program.backward if kind == "deltas" else self.program.forward
        return Calls(layout, places, prepared, frozenset(optional), {line.name: line.formula for line in lines})

    def forward(self) -> str:
        """The forward pass."""
        layout, program = self.passes.forward_layout, self.program
        inputs: dict[object, str] = {home: self.module.inputs[home.variables[0].name] for home in layout.homes.given}
        calls = self._calls(layout, "kept", inputs, (), self._local(self.passes.forward, layout, self.passes.lasting))
        for phase, before, inside in zip(self.passes.forward, layout.before, layout.inside, strict=True):
            calls.phase(phase, before, inside)
        self.ahead, self.places = calls, calls.places  # the forward pass's, which the backward pass reads
        pairs = [f'"{one.key}": {self._output(one)}' for one in program.outputs]
        if program.loss:
            terms = " + ".join(f"{calls.places.steps([operand])}.sum()" for operand in self.passes.loss)
            pairs.insert(0, f'"{program.loss_key}": {terms}')
        sizes = ["T", "B", *self.module.sizes]
        given = (*self.module.inputs.values(), *self.module.matrices.values())
        self.saved = list(dict.fromkeys([*sizes, "dtype", *given, *self._kept(layout)]))
        first = next(iter(self.module.inputs.values()))
        lines = [f"dtype = {first}.dtype"]
        lines += [f"{name} = {name}[:, 0]" for name in self.module.inputs.values()] if self.one else []
        lines += [*self._windows(calls), *self._made(layout, calls.places), *self._boundary_values()]
        lines += [*self._prepared(calls), *self._by_windows(calls, self.passes.forward, calls.lines)]
        lines += [f"outputs = {{{', '.join(pairs)}}}", *listed("return outputs, (", self.saved, ")")]
        arguments = ", ".join([*sizes, *self.module.locals])
        return function(f"forward_{self._word}({arguments})", f"`forward` for {self._samples}.", lines)

    def backward(self) -> str:
        """The backward pass."""
        layout, program = self.passes.backward_layout, self.program
        keys = {one.name: one.key for one in program.outputs}
        cotangents = {direct: self.names.fresh(f"d_{keys[name]}") for direct, name in program.direct.items()}
        unseen = [name for name in keys if name not in program.direct.values()]
        cotangents |= {f"~ {name}": self.names.fresh(f"d_{keys[name]}") for name in unseen if not program.loss}
        arrays: dict[object, str] = dict(self.places.arrays)
        arrays |= {h: cotangents[h.variables[0].name] for h in layout.homes.given if h.variables[0].name in cotangents}
        local = self._local(self.passes.backward, layout, self.passes.ending)
        calls = self._calls(layout, "deltas", arrays, cotangents, local)
        calls.zeroed |= set(cotangents) & {one.name for one in self.passes.collected()}
        for phase, before, inside in zip(self.passes.backward, layout.before, layout.inside, strict=True):
            calls.phase(phase, before, inside)
        sums, steps, ends_of = self.passes.sums, self.passes.steps, self.passes.ends
        ends = Gradients(program, calls.places, calls, sums, steps, ends_of, self.ahead.joined)
        collected = ends.lines()
        lines = [*listed("", self.saved, " = saved"), *self._given(cotangents, calls.zeroed)]
        lines += [*self._windows(calls), *self._made(layout, calls.places), *self._beyond(layout, calls.places)]
        lines += [*self._prepared(calls), *ends.first]
        lines += [*self._by_windows(calls, self.passes.backward, [*calls.lines, *collected]), *ends.last]
        return function(f"backward_{self._word}(saved, cotangents)", f"`backward` for {self._samples}.", lines)

    def _local(self, phases: Sequence[Phase], layout: Layout, kept: Iterable[Variable]) -> frozenset[Home] | None:
        """For many samples all goes by windows of steps, and what only a window needs has room for one."""
        return None if self.one else self.passes.local(phases, layout, kept)

    def _windows(self, calls: Calls) -> list[str]:
        return ["window = max(1, min(T, ROWS // B))"] if calls.low else []

    def _by_windows(self, calls: Calls, phases: Sequence[Phase], lines: Sequence[str]) -> list[str]:
        """The work of a function, window by window where it goes by windows."""
        if not calls.low:
            return list(lines)
        head = by_windows(up=any(phase.step > 0 for phase in phases))
        size = [f"{INDENT}size = high - low"] if calls.places.local else []
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
            return [f'scale = cotangents["{program.loss_key}"]']
        sizes = {one.name: (one.key, one.size) for one in program.outputs}
        outputs = {direct: program.direct.get(direct, direct[2:]) for direct in cotangents}
        shapes = [f'"{sizes[name][0]}": (T, B, {sizes[name][1]})' for name in outputs.values()]
        taken = ", ".join(cotangents.values()) + ("," if len(cotangents) == 1 else "")
        lines = [f"{taken} = given(cotangents, {{{', '.join(shapes)}}}, dtype)"]
        for direct, array in cotangents.items():
            size = sizes[outputs[direct]][1]
            if direct in zeroed:
                lines += [f"if {array} is None:", f"{INDENT}{array} = np.zeros((T, B, {size}), dtype)"]
            if self.one:
                optional = "" if direct in zeroed else f"None if {array} is None else "
                lines.append(f"{array} = {optional}{array}[:, 0]")
        return lines

    def _output(self, one: Any) -> str:
        array = self.places.steps([At(Variable(one.name, one.size))])
        return f"{array}[:, None]" if self.one else array

    def _kept(self, layout: Layout) -> list[str]:
        """The arrays that the backward pass needs."""
        local = self.places.local or ()
        stored = [self.places.array(home) for home in layout.homes.made() if home.stored and home not in local]
        return [*stored, *map(self.ahead.rows_of, self.ahead.joined)]

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

    def _beyond(self, layout: Layout, places: Places) -> list[str]:
        """Nothing is sent from beyond the steps: the rows there are 0."""
        lines = []
        for home in layout.homes.made():
            if home.stored and home.before + home.after:
                slots = places.slots([At(home.variables[0])])
                rows = [f":{home.before}"] if home.before else []
                rows += [f"T + {home.before}:" if home.before else "T:"] if home.after else []
                lines += [f"{places.array(home)}[{row}{', ' + slots if slots else ''}] = 0" for row in rows]
        return lines

    def _slots(self, places: Places, homes: Sequence[Home], name: str, rows: str) -> list[str]:
        listed = ", ".join(plain(places.label(one)) + (" of the step before" if one.before else "") for one in homes)
        size, count = homes[0].size, len(homes)
        if self.one:
            return [f"{name} = np.empty(({rows}, {columns(count, size)}), dtype)  # {listed}"]
        return [f"{name} = np.empty(({count}, {rows}, B, {size}), dtype).swapaxes(0, 1)  # {listed}"]

    def _array(self, home: Home, name: str, rows: str) -> list[str]:
        """An array of its own; of a state whose rows may be narrow, the first columns of the rows [h | x | 1]."""
        made = f"{name} = np.empty(({rows}, {'' if self.one else 'B, '}{home.size}), dtype)"
        for one in self.ahead.joined:
            if self.places.of(one.state) is not home:
                continue
            narrow, joined = self.ahead.narrow(one), self.ahead.rows_of(one)
            unit = bool(one.weights)
            state, source = (plain(at.variable.name) for at in (one.state, one.source))
            row = f"[{state}[t{one.state.shift:+d}], {source}[t]{', 1' if unit else ''}]"
            width = f"{one.size} + {one.width}{' + 1' if unit else ''}"
            return [
                f"{narrow} = {one.width} <= {NARROW}  # then a step has one product, of the row {row}",
                f"{joined} = np.empty(({rows}, {width}), dtype) if {narrow} else None",
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
