"""The calls of one function in NumPy: a phase's packs for all steps at once, then its loop over the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby

import sympy as sp

from derive.code.helpers import HELPERS
from derive.code.identifiers import UFUNCS, Identifiers, plain
from derive.code.joined import Joined, joined
from derive.code.packing import Layout, Pack
from derive.code.places import Places, columns, moved, span
from derive.code.plan import At, Factor, Instruction, Operand, Phase, Variable
from derive.code.prepared import Entry, Prepared, joint, number
from derive.code.writing import INDENT, by_windows

View = Callable[..., str]


class Calls:
    """Writes the packs of a layout, in the form for one sample or for many.

    `optional` are the cotangents by their names in formulas; `zeroed` those that are needed as arrays.
    """

    def __init__(
        self,
        layout: Layout,
        places: Places,
        prepared: Prepared,
        optional: frozenset[str],
        comments: dict[str, str],
    ) -> None:
        self.layout, self.places, self.prepared = layout, places, prepared
        self.optional, self.comments = optional, dict(comments)
        self.low, self.high = ("", "") if places.local is None else ("low", "high")  # all goes by windows of steps
        self.lines: list[str] = []
        self.functions: set[str] = set()  # the functions of NumPy that get a local name
        self.joined: list[Joined] = []  # the sums that are one product of rows
        self.views: dict[str, str] = {}  # the sequences of a loop by the names of their members
        self.zeroed = {name for packs in layout.inside for pack in packs for name in self._needed(pack)}
        self.zeroed |= {v.name for packs in layout.before for pack in packs for v in _read(pack)} & optional

    @property
    def names(self) -> Identifiers:
        """The identifiers of the function."""
        return self.prepared.names

    # --- a phase -------------------------------------------------------------------------------------------------

    def phase(self, phase: Phase, before: Sequence[Pack], inside: Sequence[Pack]) -> None:
        """All steps at once, then the loop; coefficients by windows of steps, just before the steps that use them."""
        if not phase.step or self.low:
            for pack in before:
                self._add([*self._comments(pack), *self.whole(pack, self.low, self.high)])
            if phase.step:
                self._loop(phase, (), inside, None)
            return
        rows = joined(before, inside, self.places) if self.prepared.one else None
        cut = max((at + 1 for at, pack in enumerate(before) if pack.first.op not in UFUNCS), default=0)
        for pack in before[:cut]:
            self._before(pack, rows, "", "", "")
        if rows is not None:
            self._fill(rows)
        self._loop(phase, before[cut:], inside, rows)

    def _add(self, lines: Iterable[str], indent: str = "") -> None:
        self.lines += [indent + line for line in lines]

    def _before(self, pack: Pack, rows: Joined | None, indent: str, low: str, high: str) -> None:
        """A call for all steps; not where a product of rows stands for it."""
        replaced = rows is not None and rows.replaces(pack)
        self.prepared.guard = f"not {self.narrow(rows)}" if rows is not None and replaced else ""
        lines = [*self._comments(pack), *self.whole(pack, low, high)]
        self.prepared.guard = ""
        if rows is not None and replaced:
            lines = [f"if not {self.narrow(rows)}:", *(INDENT + line for line in lines)]
        self._add(lines, indent)

    def _loop(self, phase: Phase, windowed: Sequence[Pack], inside: Sequence[Pack], rows: Joined | None) -> None:
        indent, low, high = "", self.low, self.high
        if windowed and not all(rows is not None and rows.replaces(pack) for pack in windowed):
            indent, low, high = INDENT, "low", "high"
            self._add(self._window(phase, windowed))
        for pack in windowed:
            self._before(pack, rows, indent, low, high)
        self.views = {}
        steps = self._steps(inside, low, high, phase.step, rows)
        self._add(self._zip(), indent)
        self._add(steps, indent + INDENT)

    def _window(self, phase: Phase, windowed: Sequence[Pack]) -> list[str]:
        """The loop over windows of steps whose coefficients stay in the cache."""
        places = sum(len(pack.instructions) for pack in windowed)
        size = windowed[0].first.target.size
        samples = "" if self.prepared.one else "B * "
        width = f"window = max(1, WINDOW // (dtype.itemsize * {samples}{places} * {size}))"
        return [width, *by_windows(up=phase.step > 0)]

    def _zip(self) -> list[str]:
        """The head of a loop: the places of each step."""
        names, sequences = list(self.views), list(self.views.values())
        if len(names) == 1:
            return [f"for {names[0]} in {sequences[0]}:"]
        return [f"for {', '.join(names)} in zip(", *(f"{INDENT}{one}," for one in sequences), "):"]

    def _steps(self, inside: Sequence[Pack], low: str, high: str, step: int, rows: Joined | None) -> list[str]:
        """The calls of one step."""
        lines: list[str] = []
        for pack in inside:
            if rows is not None and pack is rows.product:
                continue
            if rows is not None and pack is rows.sum:
                lines += [*self._comments(pack), *self._joined_step(rows, low, high, step)]
            else:
                lines += [*self._comments(pack), *self.step(pack, low, high, step)]
        return lines

    def _comments(self, pack: Pack) -> list[str]:
        """The formulas that a call begins."""
        found = [self.comments.pop(one.target.name, "") for one in pack.instructions]
        return [f"# {line}" for line in found if line]

    # --- rows [h | x | 1] ----------------------------------------------------------------------------------------

    def narrow(self, one: Joined) -> str:
        """The name of what says whether the rows are used."""
        return self.names.of(("narrow", one.state.variable), "narrow")

    def rows_of(self, one: Joined) -> str:
        """The name of the array of rows."""
        return self.names.of(("joined", one.state.variable), "rows")

    def _fill(self, one: Joined) -> None:
        rows = self.rows_of(one)
        steps = span("T", self.places.row(one.state))
        lines = [f"{rows}[{steps}, {one.columns}] = {self.places.steps([one.source])}"]
        if one.weights:
            lines.append(f"{rows}[:, -1] = 1")
        self._add([f"if {self.narrow(one)}:", *(INDENT + line for line in lines)])
        self.joined.append(one)

    def _joined_step(self, one: Joined, low: str, high: str, step: int) -> list[str]:
        """The product by [W U b] where rows are narrow, else W h + (U x + b)."""
        outer, self.views = self.views, {}
        self.prepared.guard = f"not {self.narrow(one)}"
        apart = [*self.step(one.product, low, high, step), *self.step(one.sum, low, high, step)]
        self.prepared.guard = ""
        out = self._view([At(i.target) for i in one.sum.instructions], low, high, step)
        for name, sequence in self.views.items():  # what only the wide form reads is no view where rows are narrow
            outer[name] = sequence if name == out else f"repeat(None) if {self.narrow(one)} else {sequence}"
        self.views = outer
        name = self.names.fresh("row")
        steps = moved(low, high, self.places.row(one.state))
        turned = "[::-1]" if step < 0 else ""
        self.views[name] = f"{self.rows_of(one)}[{steps}]{turned} if {self.narrow(one)} else repeat(None)"
        call = f"{self._joined_matrix(one)}({name}, {out})"
        return [f"if {self.narrow(one)}:", INDENT + call, "else:", *(INDENT + line for line in apart)]

    def _joined_matrix(self, one: Joined) -> str:
        """[W U b], gate below gate, as a bound method; columns lie together where there are few."""
        name, matrix = self.names.fresh("by_rows"), self.names.fresh("matrices")
        gates = len(one.product.instructions)
        width = f"{one.size} + {one.width}{' + 1' if one.weights else ''}"
        rows = one.product.first.target.size
        lines = [f'{matrix} = np.empty(({columns(gates, rows)}, {width}), dtype, "F" if {one.size} < 32 else "C")']
        numbers = []
        for at, (product, driven) in enumerate(zip(one.product.instructions, one.driven.instructions, strict=True)):
            span = f"{columns(at, rows)}:{columns(at + 1, rows)}" if gates > 1 else ":"
            parts = [product.factors[0], driven.factors[0]]
            own = {part.number for part in parts} | {weight.number for weight in one.weights[at : at + 1]}
            numbers.append(own.pop() if len(own) == 1 else sp.S.One)
            parts = [replace(part, number=part.number / numbers[-1]) for part in parts]
            lines.append(f"{matrix}[{span}, :{one.size}] = {self.prepared.factor(parts[0])}")
            lines.append(f"{matrix}[{span}, {one.columns}] = {self.prepared.factor(parts[1])}")
            if one.weights:
                weight = replace(one.weights[at], number=one.weights[at].number / numbers[-1])
                lines.append(f"{matrix}[{span}, -1] = {self.prepared.weight(weight)}")
        for factor, run in groupby(range(gates), key=numbers.__getitem__):
            places = list(run)
            if factor != 1:
                span = f"{columns(places[0], rows)}:{columns(places[-1] + 1, rows)}"
                lines.append(f"{matrix}[{span}] *= {number(factor)}")
        self.prepared.entries[name] = Entry(self.narrow(one), [*lines, f"{name} = {matrix}.dot"])
        return name

    # --- one call for all steps ----------------------------------------------------------------------------------

    def whole(self, pack: Pack, low: str, high: str) -> list[str]:
        """A call on the arrays of all steps, or of a window of them."""
        first = pack.first
        if self.prepared.one and first.op != "products" and any(map(is_shared, pack.columns)):
            return [line for one in pack.instructions for line in self.whole(Pack((one,)), low, high)]
        out = self.places.steps([At(one.target) for one in pack.instructions], low, high)
        if first.op == "products":
            return self._whole_products(pack, out, low, high)
        return [self._call(first.op, [self._whole_operand(column, low, high) for column in pack.columns], out)]

    def _whole_operand(self, column: Sequence[Operand], low: str, high: str) -> str:
        if not isinstance(column[0], At):
            return self.prepared.constant(column)
        if is_shared(column):
            return f"{self.places.steps(column[:1], low, high)}[:, None]"
        return self.places.steps(column, low, high)

    def _whole_products(self, pack: Pack, out: str, low: str, high: str) -> list[str]:
        """A_a v at all steps for neighbours, or one sum of products."""
        first, many = pack.first, len(pack.instructions) > 1
        if len(first.factors) == 1:
            factors = [one.factors[0] for one in pack.instructions]
            operand = self.places.steps(first.operands, low, high)
            if not many:
                return [self._whole_product(operand, factors[0], out, self._is_alone(first))]
            return [f"{self._helper('driven')}({operand}, {self.prepared.across(factors, summed=False)}, {out})"]
        lines: list[str] = []
        for place, (operands, terms) in enumerate(self.runs(first)):
            target = out if place == 0 else self.names.fresh("part")
            if place:
                lines.append(f"{target} = np.empty_like({out})")
            view = self.places.steps(operands, low, high)
            if len(operands) > 1:
                lines.append(f"{self._helper('mixed')}({view}, {self.prepared.across(terms, summed=True)}, {target})")
            else:
                lines.append(self._whole_product(view, terms[0], target, place > 0))
            if place:
                lines.append(f"np.add({out}, {target}, {out})")
        return lines

    def _is_alone(self, one: Instruction) -> bool:
        """Whether a target's array is contiguous."""
        return self.places.buffer(self.places.of(At(one.target))) is None

    def _whole_product(self, operand: str, factor: Factor, out: str, is_alone: bool) -> str:
        """A v at all steps."""
        across = self.prepared.factor(factor, across=True)
        if self.prepared.one:
            return f"np.{'dot' if is_alone else 'matmul'}({operand}, {across}, {out})"
        self.prepared.helpers.add("matrix")
        if not across.isidentifier():
            across = self.prepared.make(("across", factor), plain(factor.matrix), f"np.ascontiguousarray({across})")
        return f"np.matmul(matrix({operand}), {across}, matrix({out}))"

    def _helper(self, name: str) -> str:
        """The name of a helper in the form for one sample or for many."""
        full = f"{name}_{'one' if self.prepared.one else 'many'}"
        self.prepared.helpers.add(full)
        return full

    def runs(self, one: Instruction) -> list[tuple[list[Operand], list[Factor]]]:
        """The terms of Σ A v by neighbours."""
        found: list[tuple[list[Operand], list[Factor]]] = []
        pairs = sorted(zip(one.operands, one.factors, strict=True), key=lambda pair: self.places.order(pair[0]))
        for operand, factor in pairs:
            operands, factors = found[-1] if found else ([], [])
            if found and self.places.is_next(operands[-1], operand) and factor.transposed == factors[-1].transposed:
                operands.append(operand)
                factors.append(factor)
            else:
                found.append(([operand], [factor]))
        return found

    # --- one call of a step --------------------------------------------------------------------------------------

    def step(self, pack: Pack, low: str, high: str, direction: int) -> list[str]:
        """A call on one step's places."""
        first = pack.first
        targets = [At(one.target) for one in pack.instructions]

        def view(operands: Sequence[Operand]) -> str:
            return self._view(operands, low, high, direction)

        if first.op == "products":
            return self._step_products(pack, view)
        out = view(targets)
        if len(targets) == 1 and (skipped := self._if_given(first, out, view)):
            return skipped
        shared = [column for column in pack.columns if is_shared(column)]
        if not shared or not self.prepared.one:
            return [self._call(first.op, [self._step_operand(column, view) for column in pack.columns], out)]
        copies = self.prepared.copies(targets)
        texts = [copies if column in shared else self._step_operand(column, view) for column in pack.columns]
        return [f"{copies}_each[...] = {view(shared[0][:1])}", self._call(first.op, texts, out)]

    def _step_operand(self, column: Sequence[Operand], view: View) -> str:
        if not isinstance(column[0], At):
            return self.prepared.constant(column)
        return view(column[:1] if is_shared(column) else column)

    def _if_given(self, one: Instruction, out: str, view: View) -> list[str]:
        """A cotangent that is not given is not added."""
        at = self._optional_term(one)
        if at is None or self.zeroed & {o.variable.name for o in one.reads}:
            return []
        given = view([one.operands[at]])
        return [f"if {given} is not None:", f"{INDENT}{self._call('add', [view([one.operands[1 - at]]), given], out)}"]

    def _step_products(self, pack: Pack, view: View) -> list[str]:
        first = pack.first
        targets = [At(one.target) for one in pack.instructions]
        if len(first.factors) == 1:
            name = self.prepared.product([one.factors[0] for one in pack.instructions], summed=False)
            return [self._by(name, view(first.operands), view(targets))]
        lines: list[str] = []
        out = view(targets)
        for place, (operands, factors) in enumerate(self.runs(first)):
            target = out if place == 0 else self.prepared.part(first.target.size)
            lines += self._summed(first, operands, factors, target, view)
            if place:
                lines.append(self._call("add", [out, target], out))
        return lines

    def _summed(
        self, first: Instruction, operands: list[Operand], factors: list[Factor], out: str, view: View
    ) -> list[str]:
        """out = Σ A v over neighbours."""
        name = self.prepared.product(factors, summed=len(factors) > 1)
        if self.prepared.one or len(operands) == 1:
            return [self._by(name, view(operands), out)]
        parts = self.prepared.part(first.target.size, len(operands))
        return [self._by(name, view(operands), parts), f"np.add.reduce({parts}, 0, None, {out})"]

    def _by(self, name: str, operand: str, out: str) -> str:
        if self.prepared.one:
            return f"{name}({operand}, {out})"
        self.functions.add("matmul")
        return f"matmul({operand}, {name}, {out})"

    def _view(self, operands: Sequence[Operand], low: str, high: str, direction: int) -> str:
        """The name of neighbours' place at one step."""
        home, first = self.places.of(operands[0]), operands[0]
        assert isinstance(first, At)
        if not home.stored:
            return self.prepared.scratch(operands)
        sequence = self.places.steps(operands, low, high)
        sequence += "[::-1]" if direction < 0 else ""
        if first.variable.name in self.optional - self.zeroed:
            sequence = f"repeat(None) if {self.places.array(home)} is None else {sequence}"
        if sequence not in self.views.values():
            label = joint(self.places.label(self.places.of(one)) for one in operands)
            when = {-1: "before", 1: "after"}.get(first.shift, "t")
            self.views[self.names.fresh(f"{plain(label)}_{when}")] = sequence
        return next(name for name, one in self.views.items() if one == sequence)

    # --- cotangents that may be left out -------------------------------------------------------------------------

    def _needed(self, pack: Pack) -> set[str]:
        """The cotangents that a call of a step needs as arrays, zero where none is given."""
        if len(pack.instructions) == 1 and self._optional_term(pack.first) is not None:
            return set()
        return {one.name for one in _read(pack)} & self.optional

    def _optional_term(self, one: Instruction) -> int | None:
        """Which operand of an addition in place may be left out: a cotangent."""
        if one.op != "add":
            return None
        for at in (0, 1):
            term, other = one.operands[at], one.operands[1 - at]
            if not isinstance(term, At) or not isinstance(other, At) or term.variable.name not in self.optional:
                continue
            if self.places.of(other) is self.places.of(At(one.target)):
                return at
        return None

    def _call(self, op: str, operands: Sequence[str], out: str) -> str:
        name = op.replace(" ", "_")
        if op in UFUNCS:
            self.functions.add(op)
        elif name in HELPERS:
            self.prepared.helpers.add(name)
        else:
            raise AssertionError(f"nothing computes {op}")
        return f"{name}({', '.join(operands)}, {out})"


def is_shared(column: Sequence[Operand]) -> bool:
    """Whether neighbours have an operand in common."""
    return len(column) > 1 and column[0] == column[1] and isinstance(column[0], At)


def _read(pack: Pack) -> set[Variable]:
    return {one.variable for instruction in pack.instructions for one in instruction.reads}
