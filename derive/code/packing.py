"""Which instructions become one call: those that do the same to neighbours (superword-level parallelism).

Larsen & Amarasinghe, Exploiting superword level parallelism with multimedia instruction sets, PLDI 2000. Instructions
of a step that do not depend on one another and do the same are one call where the places of their operands and of
their targets are neighbours. The order of the places is chosen so that a step has as few calls as possible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, permutations

from derive.code.homes import Home, Homes
from derive.code.plan import At, Instruction, Operand, Phase, instructions
from derive.code.values import Number, Weight

EXHAUSTIVE = 6  # slots up to which all orders are tried
WORK = 1 << 20  # pairs of instructions that are looked at for all orders of one group: what a search may cost
BROADCAST = 3  # so many neighbours are multiplied by one operand in one call: a broadcast costs as much as two calls
WHOLE = 0.1  # what a call for all steps counts beside a call a step


@dataclass(eq=False)
class Buffer:
    """Homes side by side: slots of one array."""

    homes: list[Home]

    def slot(self, home: Home) -> int:
        """The place of a home."""
        return self.homes.index(home)


@dataclass(frozen=True)
class Pack:
    """Instructions that are one call, in the order of their places."""

    instructions: tuple[Instruction, ...]

    @property
    def first(self) -> Instruction:
        """The instruction that stands for all."""
        return self.instructions[0]

    @property
    def columns(self) -> list[list[Operand]]:
        """The first operands of all, their second ones, and so on."""
        return [list(column) for column in zip(*(one.operands for one in self.instructions), strict=True)]


@dataclass
class Layout:
    """The buffers of a function and its calls: for each phase those for all steps, and those of one step."""

    homes: Homes
    buffers: dict[Home, Buffer]
    before: list[list[Pack]] = field(default_factory=list)
    inside: list[list[Pack]] = field(default_factory=list)

    @property
    def cost(self) -> float:
        """The calls of one step, those for all steps counted lightly."""
        return sum(map(len, self.inside)) + WHOLE * sum(map(len, self.before))


def packed(phases: Sequence[Phase], homes: Homes, given: Mapping[Home, Buffer]) -> Layout:
    """The layout with the fewest calls a step that is found; `given` are buffers that exist already."""
    orders = [tuple(group) for group in _groups(homes)]
    search = _Search(phases, homes, given)
    best = search.layout(orders)
    for place in range(len(orders)):
        ends = [_ends(group, orders[place], phases, homes) for group in orders]
        for order in islice(_candidates(orders[place]), search.tries(orders[place])):
            others = [_following(group, order, end) for group, end in zip(orders, ends, strict=True)]
            tried = [*others[:place], order, *others[place + 1 :]]
            made = search.layout(tried)
            if made.cost < best.cost:
                best, orders = made, tried
                ends = [_ends(group, orders[place], phases, homes) for group in orders]
    return best


def _following(group: tuple[Home, ...], leader: tuple[Home, ...], ends: Mapping[Home, Home] | None) -> tuple[Home, ...]:
    """A group in the order of the homes of another that its values end in, where each ends in one."""
    return group if ends is None else tuple(sorted(group, key=lambda home: leader.index(ends[home])))


def _ends(
    group: tuple[Home, ...], leader: tuple[Home, ...], phases: Sequence[Phase], homes: Homes
) -> dict[Home, Home] | None:
    """In which home of another group the values of each home end; None where some end nowhere, or two in one."""
    found = {home: _end(home, leader, phases, homes) for home in group}
    ends = {home: end for home, end in found.items() if end is not None}
    return ends if len({*ends.values()}) == len(group) else None


def _end(home: Home, leader: tuple[Home, ...], phases: Sequence[Phase], homes: Homes) -> Home | None:
    """The first home of another group that a home's values are made into, one after another."""
    seen = {home}
    waiting = [home]
    while waiting:
        current = waiting.pop(0)
        if current in leader:
            return current
        for one in instructions(phases):
            target = homes.of[one.target]
            reads = any(homes.of[o.variable] is current for o in one.reads)
            if reads and target not in seen and target.size == home.size:
                seen.add(target)
                waiting.append(target)
    return None


def _groups(homes: Homes) -> list[list[Home]]:
    """Stored homes of one phase and one size, which become one buffer."""
    found: dict[tuple[int, object, bool], list[Home]] = {}
    for home in homes.made():
        if home.stored and not home.alone:
            found.setdefault((home.phase, home.size, home.passing), []).append(home)
    return [group for group in found.values() if len(group) > 1]


def _candidates(group: tuple[Home, ...]) -> Iterator[tuple[Home, ...]]:
    """All orders of a few homes; of many, those that one move makes of the first order."""
    if len(group) <= EXHAUSTIVE:
        yield from permutations(group)
        return
    for start in range(len(group)):
        for end in range(len(group)):
            moved = [one for one in group if one is not group[start]]
            yield (*moved[:end], group[start], *moved[end:])


class _Search:
    """Lays out the same phases in one order of places after another; a list that an order does not touch stays."""

    def __init__(self, phases: Sequence[Phase], homes: Homes, given: Mapping[Home, Buffer]) -> None:
        self.homes, self.given = homes, given
        self.plans = [(_Dependences(one.before, homes), _Dependences(one.inside, homes)) for one in phases]
        self.known: dict[tuple[_Dependences, tuple[tuple[Home, ...], ...]], _Scheduled] = {}

    def tries(self, group: tuple[Home, ...]) -> int:
        """How many orders of a group are tried."""
        touched = [plan for pair in self.plans for plan in pair if plan.touches(group)]
        return WORK // max(1, sum(len(plan.instructions) ** 2 for plan in touched))

    def layout(self, orders: Sequence[tuple[Home, ...]]) -> Layout:
        """The layout with groups of places in these orders."""
        made = dict(self.given) | {home: buffer for buffer in map(Buffer, map(list, orders)) for home in buffer.homes}
        found = Layout(self.homes, made)
        for before, inside in self.plans:
            for plan, packs in ((before, found.before), (inside, found.inside)):
                mine = (plan, tuple(order for order in orders if plan.touches(order)))
                if mine not in self.known:
                    scheduler = _Scheduler(plan, self.homes, dict(made))
                    self.known[mine] = _Scheduled(list(scheduler.packs()), scheduler.scratch)
                packs.append(self.known[mine].packs)
                made |= self.known[mine].scratch
        return found


@dataclass(frozen=True)
class _Scheduled:
    """The calls of one list of instructions, and the buffers of scratch that they fill."""

    packs: list[Pack]
    scratch: dict[Home, Buffer]


# --- one list of instructions ------------------------------------------------------------------------------------


class _Dependences:
    """Which instructions of a list have to wait for which earlier ones, and what no order of places changes."""

    def __init__(self, instructions: Sequence[Instruction], homes: Homes) -> None:
        self.instructions, self.homes = instructions, homes
        written = [self._written(one) for one in instructions]
        touched = [self._touched(one) for one in instructions]
        self.needs = [
            frozenset(e for e in range(at) if touched[at] & written[e] or written[at] & touched[e])
            for at in range(len(instructions))
        ]
        self.kinds = list(map(self._kind, range(len(instructions))))
        self.near = list(map(self._near, instructions))
        self.homes_near = frozenset(home for one in self.near for home in one)

    def touches(self, group: Sequence[Home]) -> bool:
        """Whether the order of a group of places matters here."""
        return not self.homes_near.isdisjoint(group)

    def _written(self, one: Instruction) -> set[tuple[Home, int]]:
        return {(self.homes.of[one.target], 0)}

    def _touched(self, one: Instruction) -> set[tuple[Home, int]]:
        places = self._written(one)
        for operand in one.reads:
            home = self.homes.of[operand.variable]
            places.add((home, operand.shift if home.stored else 0))
        return places

    def _kind(self, place: int) -> object:
        """What has to be the same: the operation, numbers, what a matrix multiplies, scratch or not."""
        one = self.instructions[place]
        shared = one.operands if one.op == "products" else ()
        alone = place if one.op in ("total", "softmax") or len(one.factors) > 1 else None
        kinds = tuple(o if isinstance(o, Number) else type(o) for o in one.operands)
        return one.op, one.target.size, kinds, shared, alone, self.homes.of[one.target].stored

    def _near(self, one: Instruction) -> tuple[Home, ...]:
        """The home of the target; of scratch, which has no slot yet, those of operands and of what it becomes."""
        operands = [self.homes.of[o.variable] for o in one.reads]
        readers = [other for other in self.instructions if At(one.target) in other.operands]
        beside = [o.variable for other in readers for o in other.reads]
        later = [self.homes.of[variable] for variable in (*(other.target for other in readers), *beside)]
        return self.homes.of[one.target], *operands, *later


class _Scheduler:
    """Takes the largest pack that is ready, again and again."""

    def __init__(self, plan: _Dependences, homes: Homes, buffers: dict[Home, Buffer]) -> None:
        self.plan, self.instructions = plan, plan.instructions
        self.homes, self.buffers = homes, buffers
        self.scratch: dict[Home, Buffer] = {}

    def packs(self) -> Iterator[Pack]:
        """The calls in order."""
        waiting = dict.fromkeys(range(len(self.instructions)))
        needs = self.plan.needs
        while waiting:
            ready = [place for place in waiting if needs[place].isdisjoint(waiting)]
            chosen = max(self._runs(ready), key=lambda run: (len(run), -min(run)))
            self._settle(chosen)
            yield Pack(tuple(self.instructions[place] for place in chosen))
            for place in chosen:
                del waiting[place]

    def _runs(self, ready: list[int]) -> Iterator[list[int]]:
        """The longest rows of neighbours among instructions that do the same."""
        kinds: dict[object, list[int]] = {}
        for place in ready:
            kinds.setdefault(self.plan.kinds[place], []).append(place)
        for places in kinds.values():
            yield from self._rows(sorted(places, key=self._slot) if len(places) > 1 else places)

    def _slot(self, place: int) -> tuple[int, int]:
        """The first slot that is known near an instruction."""
        for home in self.plan.near[place]:
            if home in self.buffers and len(self.buffers[home].homes) > 1:
                return self.buffers[home].slot(home), place
        return 0, place

    def _rows(self, places: list[int]) -> Iterator[list[int]]:
        """The places cut where one does not follow those before it."""
        run: list[int] = []
        for place in places:
            if run and not self._follows(run, place):
                yield from self._worthwhile(run)
                run = []
            run.append(place)
        yield from self._worthwhile(run)

    def _worthwhile(self, run: list[int]) -> Iterator[list[int]]:
        """A run in one call, or one by one where it would repeat an operand for too few."""
        first, last = self.instructions[run[0]], self.instructions[run[-1]]
        repeats = first.op != "products" and any(
            a == b and isinstance(a, At) for a, b in zip(first.operands, last.operands, strict=True)
        )
        if 1 < len(run) < BROADCAST and repeats:
            yield from ([place] for place in run)
        else:
            yield run

    def _follows(self, run: list[int], place: int) -> bool:
        """Whether an instruction's places come right behind those of a run."""
        last, new = self.instructions[run[-1]], self.instructions[place]
        if not self._is_next(At(last.target), At(new.target), is_target=True):
            return False
        if new.op == "products":
            return True
        pairs = list(zip(last.operands, new.operands, strict=True))
        first = self.instructions[run[0]]
        if len(run) > 1 and [a == b for a, b in pairs] != [
            a == b for a, b in zip(first.operands, last.operands, strict=True)
        ]:
            return False
        fits = all(a == b or (self._is_next(a, b) and is_as_wide(b, new)) for a, b in pairs)
        return fits and self._is_unmixed(run, new)

    def _is_unmixed(self, run: list[int], new: Instruction) -> bool:
        """Whether operands and targets are the same places or places apart."""
        members = [*(self.instructions[one] for one in run), new]
        targets = [self.homes.of[one.target] for one in members]
        for at, operand in enumerate(new.operands):
            if isinstance(operand, At) and operand.shift == 0:
                sources = [self._home(one.operands[at]) for one in members]
                if sources != targets and set(sources) & set(targets):
                    return False
        return True

    def _home(self, operand: Operand) -> Home | None:
        return self.homes.of[operand.variable] if isinstance(operand, At) else None

    def _is_next(self, a: Operand, b: Operand, is_target: bool = False) -> bool:
        if isinstance(a, Weight) and isinstance(b, Weight):
            return a.size == b.size
        if not isinstance(a, At) or not isinstance(b, At):
            return a == b
        left, right = self.homes.of[a.variable], self.homes.of[b.variable]
        if left in self.buffers and right in self.buffers:
            ours = self.buffers[left]
            is_beside = ours is self.buffers[right] and ours.slot(right) == ours.slot(left) + 1
            return is_beside and self.homes.row(a) == self.homes.row(b)
        is_new = left is not right and not any(
            home.stored or home.carried or home in self.buffers for home in (left, right)
        )
        return is_target and is_new

    def _settle(self, chosen: list[int]) -> None:
        """Scratch that is filled together becomes one buffer."""
        homes = [self.homes.of[self.instructions[place].target] for place in chosen]
        if homes[0] not in self.buffers and (len(homes) == 1 or not homes[0].stored):
            self.scratch |= dict.fromkeys(homes, Buffer(homes))
            self.buffers.update(self.scratch)


def is_as_wide(operand: Operand, instruction: Instruction) -> bool:
    """Whether neighbours of an operand lie as those of the target do: scalars that multiply columns do not."""
    if isinstance(operand, At):
        return operand.variable.size == instruction.target.size
    return isinstance(operand, Number) or operand.size == instruction.target.size
