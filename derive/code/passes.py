"""A system's two passes, planned: what each computes, in which order, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from derive.code.gradients import Pair
from derive.code.homes import Home, homes_of
from derive.code.lowering import Collected, Outer, Unsupported
from derive.code.packing import Layout, packed
from derive.code.plan import At, Operand, Phase, Planner, Variable, instructions
from derive.code.program import Program
from derive.code.resolved import everything
from derive.code.values import Product, Times, Value, parts


class Passes:
    """The phases and layouts of the forward and the backward pass, and the operands of what is collected at the end.

    `one` is the form for one sample.
    """

    def __init__(self, program: Program, one: bool = True) -> None:
        self.program, self.one = program, one
        self.planner = Planner(repeated(everything(replace(program, ends={}))))  # ends are what a step sends
        self._plan_forward()
        self._plan_backward()
        self.forward_layout = self._forward_layout()
        self.backward_layout = self._backward_layout()

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
        lines = {line.name: line.value for line in program.backward}
        planner.plan(lines | {one.name: one.value for one in program.carried})
        planner.phases.append(Phase(frozenset(), 0))
        self.sums = {key: [self._reduced(part) for part in parts] for key, parts in program.sums.items()}
        self.steps = {key: planner.placed(value) for key, value in program.steps.items()}
        carried = {one.value: Variable(one.name, one.value.size) for one in program.carried}
        self.ends = {
            key: At(carried[value]) if value in carried else planner.placed(value)
            for key, value in program.ends.items()
        }
        self.backward = list(planner.phases)

    def _reduced(self, part: Any) -> tuple[str, Pair]:
        """Σ a bᵀ as (outer, (a, b)), Σ a ⊙ b as (entrywise, (a, b)), Σ a as (plain, (a, None))."""
        operand = self.planner.placed
        if isinstance(part, Outer):
            return "outer", (operand(part.left), operand(part.right))
        summand: Value = part.summand
        if isinstance(summand, Times) and len(summand.factors) == 2 and len({f.size for f in summand.factors}) == 1:
            return "entrywise", (operand(summand.factors[0]), operand(summand.factors[1]))
        return "plain", (operand(summand), None)

    # --- places --------------------------------------------------------------------------------------------------

    def _forward_layout(self) -> Layout:
        program = self.program
        given = {variable: _array(variable) for variable in (Variable(one.name, one.size) for one in program.sequences)}
        made = {one.target for one in instructions(self.forward)}
        later = {one.variable for instruction in instructions(self.backward) for one in instruction.reads}
        outputs = {Variable(one.name, one.size) for one in program.outputs}
        summed = {one.variable for one in self.loss if isinstance(one, At)}
        kept = ((later | set(self.collected())) & made) | outputs | summed
        self.lasting = kept
        homes = homes_of(self.forward, given, kept, multiplied(self.forward) & outputs, apart=not self.one)
        return packed(self.forward, homes, {})

    def _backward_layout(self) -> Layout:
        program = self.program
        sizes = {one.name: one.size for one in program.outputs}
        known = {variable: home for variable, home in self.forward_layout.homes.of.items() if home.stored}
        for direct, name in program.direct.items():
            variable = Variable(direct, sizes[name])
            known[variable] = _array(variable)
        homes = homes_of(self.backward, known, set(self.collected()), ())
        stored = {home: buffer for home, buffer in self.forward_layout.buffers.items() if home.stored}
        return packed(self.backward, homes, stored)

    @property
    def ending(self) -> list[Variable]:
        """What the backward pass returns: gradients at every step, and at the ends."""
        return [one.variable for one in (*self.steps.values(), *self.ends.values()) if isinstance(one, At)]

    def local(self, phases: Sequence[Phase], layout: Layout, kept: Iterable[Variable]) -> frozenset[Home] | None:
        """What a function by windows of steps needs of a window only; None where its loops run both ways."""
        steps = {phase.step for phase in phases if phase.step}
        lasting = {layout.homes.of[one] for one in kept if one in layout.homes.of}
        found = {home for home in layout.homes.made() if home.stored and home not in lasting}
        read_apart = {layout.homes.of[o.variable] for one in instructions(phases) for o in one.reads if o.shift}
        if len(steps) != 1 or found & read_apart:
            return None
        shared = {id(layout.buffers[home]) for home in lasting if home in layout.buffers}
        return frozenset(home for home in found if id(layout.buffers.get(home)) not in shared)

    def collected(self) -> Iterable[Variable]:
        """What the gradients read at the end; what a loop carries stays where it is."""
        carried = {one.name for one in self.program.carried}
        for operand in (*self.steps.values(), *self.ends.values()):
            if isinstance(operand, At) and operand.variable.name not in carried:
                yield operand.variable
        for _, pair in (one for pairs in self.sums.values() for one in pairs):
            yield from (one.variable for one in pair if isinstance(one, At))


def _array(variable: Variable) -> Home:
    """The place of an array that a caller gives."""
    return Home(-1, variable.size, True, [variable], alone=True)


def repeated(formulas: Iterable[Value]) -> frozenset[Value]:
    """The products with matrices that stand in several places."""
    count = Counter(part for formula in formulas for part in parts(formula) if isinstance(part, Product))
    return frozenset(value for value, number in count.items() if number > 1)


def multiplied(phases: Sequence[Phase]) -> set[Variable]:
    """What matrices multiply."""
    return {o.variable for one in instructions(phases) if one.op == "products" for o in one.reads}
