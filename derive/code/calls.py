"""The calls of one function in NumPy: a phase's packs for all steps at once, then its loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import sympy as sp

from derive.code.helpers import HELPERS
from derive.code.identifiers import Identifiers, plain
from derive.code.joined import Joined, joined
from derive.code.packing import Layout, Pack
from derive.code.places import Places
from derive.code.plan import At, Factor, Instruction, Number, Operand, Phase
from derive.code.values import Weight
from derive.language.nodes import Size

View = Callable[..., str]
UFUNCS = ("add", "subtract", "multiply", "tanh", "exp", "log", "sqrt", "reciprocal")
INDENT = "    "


@dataclass
class Body:
    """The lines of a function: what is prepared once, then the work. `helpers` are the functions that they call."""

    prepared: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    helpers: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)  # ufuncs that get a local name


class Calls:
    """Writes the packs of a layout."""

    def __init__(
        self,
        layout: Layout,
        places: Places,
        names: Identifiers,
        matrices: dict[str, str],
        optional: frozenset[str],
        comments: dict[str, str],
    ) -> None:
        self.layout, self.places, self.names = layout, places, names
        self.matrices, self.optional, self.comments = matrices, optional, comments
        self.body = Body()
        self.known: dict[object, str] = {}
        self.joined: list[Joined] = []  # the sums that are one product where there is one sample
        self.views: dict[str, str] = {}  # the sequences of a loop by the names of their members
        self.zeroed = {name for packs in layout.inside for pack in packs for name in self._needed(pack)}
        self.zeroed |= {o.variable.name for packs in layout.before for pack in packs for o in _variables(pack)} & optional

    # --- a phase -------------------------------------------------------------------------------------------------

    def phase(self, phase: Phase, before: Sequence[Pack], inside: Sequence[Pack]) -> None:
        """All steps at once, then the loop; coefficients by windows of steps, just before the steps that use them."""
        cut = max((at + 1 for at, pack in enumerate(before) if pack.first.op not in UFUNCS), default=0)
        whole, windowed = (list(before[:cut]), list(before[cut:])) if phase.step else (list(before), [])
        one = joined(before, inside, self.places) if phase.step else None
        for pack in whole:
            self._whole(pack, one, "", "", "")
        if one is not None:
            self._fill(one)
        if phase.step:
            self._loop(phase, windowed, inside, one)

    def _whole(self, pack: Pack, one: Joined | None, indent: str, low: str, high: str) -> None:
        """A call for all steps; where one product a step stands for it, only if the rows are not narrow."""
        self._comment(pack, indent)
        lines = self.whole(pack, low, high)
        if one is not None and one.replaces(pack):
            lines = [f"if not {self.narrow(one)}:", *(INDENT + line for line in lines)]
        self._lines(lines, indent)

    def _loop(self, phase: Phase, windowed: Sequence[Pack], inside: Sequence[Pack], one: Joined | None) -> None:
        indent, low, high = "", "", ""
        if windowed:
            indent, low, high = INDENT, "low", "high"
            places = sum(len(pack.instructions) for pack in windowed)
            size = windowed[0].first.target.size
            self.body.lines.append(f"window = max(1, WINDOW // (dtype.itemsize * B * {places} * {size}))")
            if phase.step > 0:
                self.body.lines.append("for low in range(0, T, window):")
                self.body.lines.append(f"{INDENT}high = min(T, low + window)")
            else:
                self.body.lines.append("for high in range(T, 0, -window):")
                self.body.lines.append(f"{INDENT}low = max(0, high - window)")
            for pack in windowed:
                self._whole(pack, one, indent, low, high)
        self.views = {}
        inner = self._steps(inside, low, high, phase.step, one)
        names = list(self.views)
        turned = "" if len(names) > 1 else ","
        self.body.lines.append(f"{indent}for {', '.join(names)}{turned} in zip(")
        self.body.lines += [f"{indent}{INDENT}{sequence}," for sequence in self.views.values()]
        self.body.lines.append(f"{indent}):")
        self._lines(inner, indent + INDENT)

    def _steps(self, inside: Sequence[Pack], low: str, high: str, step: int, one: Joined | None) -> list[str]:
        """The calls of one step."""
        lines: list[str] = []
        for pack in inside:
            if one is not None and pack is one.product:
                continue
            made = self.step(pack, low, high, step)
            if one is not None and pack is one.sum:
                made = self._joined_step(one, self.step(one.product, low, high, step) + made, low, high, step)
            lines += [*self._comments(pack), *made]
        return lines

    # --- rows [h | x | 1] ----------------------------------------------------------------------------------------

    def narrow(self, one: Joined) -> str:
        """The name of what says whether the rows are used."""
        return self.names.of(("narrow", one.state.variable), "narrow")

    def rows_of(self, one: Joined) -> str:
        """The name of the array of rows."""
        return self.names.of(("joined", one.state.variable), "joined")

    def _fill(self, one: Joined) -> None:
        rows, row = self.rows_of(one), self.places.row(one.state)
        span = f"{row or ''}:{f'T + {row}' if row else 'T'}"
        columns = f"{one.size}:{one.size} + {one.width}"
        lines = [f"{rows}[{span}, {columns}] = {self.places.steps([one.source])}"]
        if one.weights:
            lines.append(f"{rows}[:, -1] = 1")
        self._lines([f"if {self.narrow(one)}:", *(INDENT + line for line in lines)], "")
        self.joined.append(one)

    def _joined_step(self, one: Joined, apart: list[str], low: str, high: str, step: int) -> list[str]:
        """The product by [W U b] where rows are narrow, else W h + (U x + b)."""
        self.body.helpers.add("beside")
        label = self.names.fresh("_".join(dict.fromkeys(plain(i.factors[0].matrix) for i in one.product.instructions))[:20])
        lists = [self._list(i.factors[0] for i in pack.instructions) for pack in (one.product, one.driven)]
        lists += [f"[{', '.join(map(self._weight, one.weights))}]"] if one.weights else []
        self.body.prepared.append(f"{label} = beside({', '.join(lists)}).dot if {self.narrow(one)} else None")
        row = self.places.row(one.state)
        span = f"{_shifted(low, row)}:{_shifted(high, row)}" if low else f"{row or ''}:{f'T + {row}' if row else 'T'}"
        turned = "[::-1]" if step < 0 else ""
        name = self.names.fresh("row")
        self.views[name] = f"{self.rows_of(one)}[{span}]{turned} if {self.narrow(one)} else repeat(None)"
        targets = [At(i.target) for i in one.sum.instructions]
        flat = self._view(targets, low, high, step, len(targets) > 1)
        return [f"if {self.narrow(one)}:", f"{INDENT}{label}({name}, {flat})", "else:", *(INDENT + line for line in apart)]

    def _lines(self, lines: Iterable[str], indent: str) -> None:
        self.body.lines += [indent + line for line in lines]

    def _comment(self, pack: Pack, indent: str) -> None:
        self._lines(self._comments(pack), indent)

    def _comments(self, pack: Pack) -> list[str]:
        """The formulas that a call begins."""
        found = [self.comments.pop(one.target.name, "") for one in pack.instructions]
        return [f"# {line}" for line in found if line]

    # --- one call for all steps ----------------------------------------------------------------------------------

    def whole(self, pack: Pack, low: str, high: str) -> list[str]:
        """A call on the arrays of all steps, or of a window of them."""
        first = pack.first
        targets = [At(one.target) for one in pack.instructions]
        out = self.places.steps(targets, low, high)
        if first.op == "products":
            return self._whole_products(pack, out)
        operands = []
        for at in range(len(first.operands)):
            column = [one.operands[at] for one in pack.instructions]
            operands.append(self._whole_operand(column, low, high))
        return [self._call(first.op, operands, out)]

    def _whole_operand(self, column: Sequence[Operand], low: str, high: str) -> str:
        first = column[0]
        if not isinstance(first, At):
            return self._constant(column)
        if len(column) > 1 and column[0] == column[1]:
            return f"{self.places.steps([first], low, high)}[:, None]"
        return self.places.steps(column, low, high)

    def _whole_products(self, pack: Pack, out: str) -> list[str]:
        first = pack.first
        if len(first.factors) == 1:
            operand = first.operands[0]
            matrices = self._list(one.factors[0] for one in pack.instructions)
            self.body.helpers.add("driven")
            target = out if len(pack.instructions) > 1 else f"{out}[:, None]"
            return [f"driven({self.places.steps([operand])}, {matrices}, {target}, one)"]
        lines: list[str] = []
        for number, (operands, factors) in enumerate(self._runs(first)):
            self.body.helpers.add("mixed")
            view = self.places.steps(operands)
            view = view if len(operands) > 1 else f"{view}[:, None]"
            if number == 0:
                lines.append(f"mixed({view}, {self._list(factors)}, {out}, one)")
                continue
            part = self._scratch_like(out)
            lines.append(f"mixed({view}, {self._list(factors)}, {part}, one)")
            lines.append(f"np.add({out}, {part}, {out})")
        return lines

    def _scratch_like(self, out: str) -> str:
        key = ("like", out)
        if key not in self.known:
            self.known[key] = self.names.fresh("part")
            self.body.lines.append(f"{self.known[key]} = np.empty_like({out})")
        return self.known[key]

    def _runs(self, one: Instruction) -> list[tuple[list[Operand], list[Factor]]]:
        """The terms of Σ A v by neighbours."""
        def slot(pair: tuple[Operand, Factor]) -> tuple[str, int]:
            home = self.places.of(pair[0])
            shared = self.places.buffer(home)
            return self.places.array(home), shared.slot(home) if shared else 0

        runs: list[tuple[list[Operand], list[Factor]]] = []
        last: tuple[str, int, int, object] | None = None
        for operand, factor in sorted(zip(one.operands, one.factors, strict=True), key=slot):
            name, place = slot((operand, factor))
            row = self.places.row(operand)
            size = self.places.of(operand).size
            if last is not None and last == (name, place - 1, row, size) and self.places.buffer(self.places.of(operand)):
                runs[-1][0].append(operand)
                runs[-1][1].append(factor)
            else:
                runs.append(([operand], [factor]))
            last = (name, place, row, size)
        return runs

    # --- one call of a step --------------------------------------------------------------------------------------

    def step(self, pack: Pack, low: str, high: str, direction: int) -> list[str]:
        """A call on one step's places."""
        first = pack.first
        targets = [At(one.target) for one in pack.instructions]

        def view(operands: Sequence[Operand], flat: bool = False) -> str:
            return self._view(operands, low, high, direction, flat)

        if first.op == "products":
            return self._step_products(pack, view)
        out = view(targets)
        operands = [[one.operands[at] for one in pack.instructions] for at in range(len(first.operands))]
        if len(targets) == 1 and first.op == "add":
            skipped = self._if_given(first, out, view)
            if skipped:
                return skipped
        repeated = [column for column in operands if len(column) > 1 and isinstance(column[0], At) and column[0] == column[1]]
        texts = {id(column): self._step_operand(column, view) for column in operands}
        many = self._call(first.op, [texts[id(column)] for column in operands], out)
        if not repeated:
            return [many]
        copies = self._copies(targets)
        source = texts[id(repeated[0])]
        for column in repeated:
            texts[id(column)] = copies
        single = self._call(first.op, [texts[id(column)] for column in operands], out)
        return ["if one:", f"{INDENT}{copies}[...] = {source}", f"{INDENT}{single}", "else:", f"{INDENT}{many}"]

    def _if_given(self, one: Instruction, out: str, view: View) -> list[str]:
        """A cotangent that is not given is not added."""
        at = self._optional_term(one)
        if at is None or self._name(one.operands[at]) in self.zeroed:
            return []
        given = view([one.operands[at]])
        return [f"if {given} is not None:", f"{INDENT}{self._call('add', [view([one.operands[1 - at]]), given], out)}"]

    def _name(self, operand: Operand) -> str:
        return operand.variable.name if isinstance(operand, At) else ""

    def _step_operand(self, column: Sequence[Operand], view: View) -> str:
        if not isinstance(column[0], At):
            return self._constant(column)
        return str(view([column[0]] if len(column) > 1 and column[0] == column[1] else column))

    def _step_products(self, pack: Pack, view: View) -> list[str]:
        first = pack.first
        targets = [At(one.target) for one in pack.instructions]
        if len(first.factors) == 1:
            operand = view(first.operands)
            single, many = self._matrix([one.factors[0] for one in pack.instructions], axis=0)
            out = view(targets)
            flat = view(targets, flat=True) if len(targets) > 1 else out
            return ["if one:", f"{INDENT}{single}({operand}, {flat})", "else:", f"{INDENT}matmul({operand}, {many}, {out})"]
        lines: list[str] = []
        out = view(targets)
        for number, (operands, factors) in enumerate(self._runs(first)):
            target = out if number == 0 else self._part(first)
            lines += self._mixed(first, operands, factors, target, view)
            if number:
                lines.append(self._call("add", [out, target], out))
        return lines

    def _mixed(
        self, first: Instruction, operands: list[Operand], factors: list[Factor], out: str, view: View
    ) -> list[str]:
        """out = Σ A v over neighbours."""
        single, many = self._matrix(factors, axis=1 if len(factors) > 1 else 0)
        if len(operands) == 1:
            operand = view(operands)
            return ["if one:", f"{INDENT}{single}({operand}, {out})", "else:", f"{INDENT}matmul({operand}, {many}, {out})"]
        parts = self._parts(len(operands), first.target.size)
        return [
            "if one:",
            f"{INDENT}{single}({view(operands, flat=True)}, {out})",
            "else:",
            f"{INDENT}matmul({view(operands)}, {many}, {parts})",
            f"{INDENT}np.add.reduce({parts}, 0, None, {out})",
        ]

    # --- what is prepared once -----------------------------------------------------------------------------------

    def _view(self, operands: Sequence[Operand], low: str, high: str, direction: int, flat: bool) -> str:
        """The name of neighbours' place at one step."""
        home = self.places.of(operands[0])
        if not home.stored:
            return self._scratch(operands, flat)
        label = "_".join(dict.fromkeys(plain(self.places.label(self.places.of(one))) for one in operands))
        operand = operands[0]
        assert isinstance(operand, At)
        when = {-1: "_before", 1: "_after"}.get(operand.shift, "_t") + ("_row" if flat else "")
        sequence = self.places.steps(operands, low, high)
        if flat:
            self.body.helpers.add("rows")
            sequence = f"(rows({sequence}) if one else {sequence})"
        if operand.variable.name in self.optional - self.zeroed:
            turned = f"{sequence}[::-1]" if direction < 0 else sequence
            sequence = f"repeat(None) if {self.places.array(home)} is None else {turned}"
        elif direction < 0:
            sequence += "[::-1]"
        key = ("view", sequence, low, id(self.views))
        if key not in self.known:
            self.known[key] = self.names.fresh(label + when)
            self.views[self.known[key]] = sequence
        return self.known[key]

    def _scratch(self, operands: Sequence[Operand], flat: bool) -> str:
        """A place that all steps share."""
        home = self.places.of(operands[0])
        array = self.places.array(home)
        shared = self.places.buffer(home)
        if array not in self.known:
            self.known[array] = array
            make = "np.zeros" if home.carried else "np.empty"
            count = f"{len(shared.homes)}, " if shared else ""
            self.body.prepared.append(f"{array} = {make}(({count}*lead, {home.size}), dtype)")
        slots = self.places.slots(operands)
        whole = not shared or len(operands) == len(shared.homes)
        if whole and not flat:
            return array
        text = array if whole else f"{array}[{slots}]"
        text = f"{text}.reshape(-1) if one else {text}" if flat else text
        if text not in self.known:
            self.known[text] = self.names.fresh(f"{array}_row" if flat else "_".join(plain(self.places.label(self.places.of(o))) for o in operands) + "_part")
            self.body.prepared.append(f"{self.known[text]} = {text}")
        return self.known[text]

    def _copies(self, targets: Sequence[At]) -> str:
        key = ("copies", len(targets), targets[0].variable.size)
        if key not in self.known:
            self.known[key] = self.names.fresh("copies")
            self.body.prepared.append(
                f"{self.known[key]} = np.empty(({len(targets)}, *lead, {targets[0].variable.size}), dtype)"
            )
        return self.known[key]

    def _part(self, one: Instruction) -> str:
        key = ("part", one.target.size)
        if key not in self.known:
            self.known[key] = self.names.fresh("part")
            self.body.prepared.append(f"{self.known[key]} = np.empty((*lead, {one.target.size}), dtype)")
        return self.known[key]

    def _parts(self, count: int, size: Size) -> str:
        key = ("parts", count, size)
        if key not in self.known:
            self.known[key] = self.names.fresh("parts")
            self.body.prepared.append(f"{self.known[key]} = np.empty(({count}, *lead, {size}), dtype)")
        return self.known[key]

    def _constant(self, column: Sequence[Operand]) -> str:
        """Numbers and parameters: numbers as arrays without axes, which ufuncs take fastest."""
        first = column[0]
        if isinstance(first, Number):
            key = ("number", first.number)
            if key not in self.known:
                words = {sp.S.One: "unit", sp.Rational(1, 2): "half", sp.S.NegativeOne: "minus"}
                self.known[key] = self.names.fresh(words.get(first.number, "constant"))
                self.body.prepared.append(f"{self.known[key]} = np.array({_number(first.number)}, dtype)")
            return self.known[key]
        weights = [one for one in column if isinstance(one, Weight)]
        texts = [self._weight(one) for one in weights]
        if len(texts) == 1:
            text = texts[0]
        else:
            text = f"np.stack([{', '.join(texts)}]).reshape({len(texts)}, *(1 for _ in lead), {weights[0].size})"
        if text.isidentifier():
            return text
        if text not in self.known:
            self.known[text] = self.names.fresh("_".join(plain(one.name) for one in weights))
            self.body.prepared.append(f"{self.known[text]} = {text}")
        return self.known[text]

    def _weight(self, one: Weight) -> str:
        name = self.matrices[one.name]
        return name if one.number == 1 else f"{_number(one.number)} * {name}"

    def _list(self, factors: Iterable[Factor]) -> str:
        return "[" + ", ".join(self._factor(one) for one in factors) + "]"

    def _factor(self, one: Factor) -> str:
        name = self.matrices[one.matrix] + (".T" if one.transposed else "")
        return name if one.number == 1 else f"({_number(one.number)} * {name})"

    def _matrix(self, factors: Sequence[Factor], axis: int) -> tuple[str, str]:
        """For one sample the product by the matrices joined, as a bound method; for many their transposes."""
        self.body.helpers.add("blocks")
        key = ("matrix", tuple(factors), axis)
        if key not in self.known:
            label = "_".join(dict.fromkeys(plain(one.matrix) for one in factors))
            label += "_T" if factors[0].transposed else ""
            name = self.names.fresh(label if len(label) < 24 else label[:20].rstrip("_"))
            text = f"blocks({self._list(factors)}, one, {axis})"
            if len(factors) == 1:
                factor = factors[0]
                across = self._factor(Factor(factor.number, factor.matrix, not factor.transposed))
                across += ".copy()" if not factor.transposed else ""
                text = f"{self._factor(factor)} if one else {across}"
            self.body.prepared.append(f"{name} = {text}")
            self.body.prepared.append(f"{name}_dot = {name}.dot")
            self.known[key] = name
        return f"{self.known[key]}_dot", self.known[key]

    def _call(self, op: str, operands: Sequence[str], out: str) -> str:
        name = op.replace(" ", "_")
        if op in UFUNCS:
            self.body.functions.add(op)
        elif name in HELPERS:
            self.body.helpers.add(name)
        else:
            raise AssertionError(f"nothing computes {op}")
        return f"{name}({', '.join(operands)}, {out})"

    def _needed(self, pack: Pack) -> set[str]:
        """The cotangents that a call of a step needs as arrays, zero where none is given."""
        if len(pack.instructions) == 1 and self._optional_term(pack.first) is not None:
            return set()
        return {one.variable.name for one in _variables(pack)} & self.optional

    def _optional_term(self, one: Instruction) -> int | None:
        """Which operand of an addition in place may be left out: a cotangent."""
        if one.op != "add":
            return None
        for at in (0, 1):
            term, other = one.operands[at], one.operands[1 - at]
            if isinstance(term, At) and term.variable.name in self.optional and isinstance(other, At):
                if self.places.of(other) is self.places.homes.of[one.target]:
                    return at
        return None


def _number(number: object) -> str:
    """A number in Python."""
    value = sp.sympify(number)
    return str(value.p) if value.is_Integer else str(value)


def _variables(pack: Pack) -> Iterable[At]:
    return (o for one in pack.instructions for o in one.operands if isinstance(o, At))


def _shifted(letter: str, number: int) -> str:
    return f"{letter} + {number}" if number else letter
