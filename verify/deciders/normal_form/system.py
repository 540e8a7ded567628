"""A model's members as atoms: what they are computed from, how they move, and where the window ends.

Steps are integers. In a run at concrete steps they are the steps themselves; with a symbolic letter they are
offsets from it, and equations are unfolded inside a *window* of offsets only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from derive.language.nodes import Member
from derive.language.show import show_name
from derive.model import Equation, Loss, Model, members
from verify.claim import Assumption
from verify.deciders.normal_form.algebra import add, contract
from verify.deciders.normal_form.applications import exchanges
from verify.deciders.normal_form.assumed import Assumed
from verify.deciders.normal_form.build import Builder
from verify.deciders.normal_form.build_convolution import KINDS as CONSTANT
from verify.deciders.normal_form.canonical import collect
from verify.deciders.normal_form.differentiate import Derivative
from verify.deciders.normal_form.functions import LawBook
from verify.deciders.normal_form.indices import evaluate
from verify.deciders.normal_form.rewrite import Rewriting
from verify.deciders.normal_form.store import Memo
from verify.deciders.normal_form.term import Atom, Coefficient, Form, Permutation, Unsupported, of_atom

Step = int | None


@dataclass(frozen=True)
class Window:
    """Which steps are unfolded, and what lies outside.

    `lo … hi` are steps; `anchor` is the value of the letter that offsets count from: 0 where steps are the numbers
    themselves, None where it is not known. `ends`: hi is the model's last step. Before a window without
    anchor lies an opaque past; after one that does not end, an opaque future.
    """

    lo: int
    hi: int
    anchor: int | None = 0
    ends: bool = True

    @property
    def has_past(self) -> bool:
        """Whether members before the window are computed from something that is not written."""
        return self.anchor is None


class System:
    """One model in one window: atoms for members, their definitions, and total derivatives by any variable."""

    def __init__(
        self,
        laws: LawBook,
        model: Model,
        window: Window,
        letters: Mapping[sp.Symbol, int],
        assumptions: tuple[Assumption, ...] = (),
    ) -> None:
        self.laws = laws
        self.store = laws.store
        self.model = model
        self.window = window
        self.letters = dict(letters)
        if isinstance(model.time.last, sp.Symbol) and window.ends:
            self.letters.setdefault(model.time.last, window.hi)
        self.assumed = Assumed(assumptions, model)
        self.members: dict[tuple[str, tuple[Any, ...], Step], int] = {}
        self.kinds: set[str] = set()  # the known functions that were met
        self.definitions: Memo = {}
        self.values: Memo = {}
        self.derivatives: dict[tuple[int, Step], Derivative] = {}
        self._unfolding = Rewriting(laws, leaf=self.value)
        self._derived = {e.name for e in model.equations if model.is_definition(e)}

    # --- members -----------------------------------------------------------------------------------------------

    def member(self, name: str, step: Step, rows: tuple[Any, ...], cols: tuple[Any, ...]) -> Form:
        """A member or tensor as a form; a name for derivatives (δ_t) is replaced by what it names."""
        key = (name, (rows, cols), step)
        number = self.members.get(key)
        if number is None:
            number = self.members[key] = self._new_member(name, step, rows, cols)
        if self.assumed.holds("zero", name, self._at(step)):
            return Form(self.store.atoms[number].slots, {}, collected=True)
        if name in self._derived:
            definition = self.definition(number)
            if definition is None:
                raise Unsupported(f"{self.describe(name, step)} outside the steps of its definition")
            return definition
        return of_atom(number, self.store.atoms[number].slots)

    def _new_member(self, name: str, step: Step, rows: tuple[Any, ...], cols: tuple[Any, ...]) -> int:
        slots = tuple(self.store.size(size) for size in (*rows, *cols))
        group: tuple[Permutation, ...] = ()
        flag = ""
        if self.assumed.holds("symmetric", name, self._at(step)) and len(rows) == len(cols):
            group = ((*range(len(rows), len(slots)), *range(len(rows))),)
            flag = "symmetric"
        if self.assumed.holds("sum_one", name, self._at(step)) and len(slots) == 1:
            flag = "sum_one"
        loss = self.model.loss_by_name.get(name) if step is None else None
        if loss is not None:
            if name in self._behind({family for family, _ in loss.parts}):
                raise Unsupported(f"the loss {show_name(name)}, which depends on what is computed from it")
            return self.store.atom(Atom("loss", (name, ()), ()))
        self._check_exists(name, step)
        return self.store.atom(Atom("tensor", (name, step), slots, group, flag))

    def _behind(self, names: set[str]) -> set[str]:
        """All names that the equations and losses of some names mention, down to inputs."""
        seen: set[str] = set()
        while names:
            seen |= names
            losses = {
                family
                for name in names
                if name in self.model.loss_by_name
                for family, _ in self.model.loss_by_name[name].parts
            }
            formulas = [self.model.by_name[name].right for name in names if name in self.model.by_name]
            nodes = (node for formula in formulas for node in sp.preorder_traversal(formula))
            names = (losses | {str(n.name) for n in nodes if isinstance(n, Member | sp.MatrixSymbol)}) - seen
        return seen

    def _check_exists(self, name: str, step: Step) -> None:
        """A member outside every range of its family is a slip of the claim, no free input."""
        at = None if step is None else self.absolute(step)
        last = self.model.time.last
        if at is None or not self.window.ends:
            return
        spans = self.model.spans(name)
        ends = (
            {last: sp.Integer(at - step + self.window.hi)} if isinstance(last, sp.Symbol) and step is not None else {}
        )
        if spans and not any(int(lo.xreplace(ends)) <= at <= int(hi.xreplace(ends)) for lo, hi in spans):
            raise Unsupported(f"{self.describe(name, step)}, which does not exist")

    def absolute(self, step: int) -> int | None:
        """The step as a number, None where it is an offset from an unknown letter."""
        return None if self.window.anchor is None else step + self.window.anchor

    def _at(self, step: Step) -> int | None:
        return None if step is None else self.absolute(step)

    def describe(self, name: str, step: Step) -> str:
        """A member for messages: Net[3], or Net[-1] for the offset of a letter."""
        return show_name(name) + ("" if step is None else f"[{step}]")

    def definition(self, atom: int) -> Form | None:
        """What a member is computed from, one equation deep; None for inputs and for members outside the window."""
        name, step = self._name(atom)
        equation = self.model.by_name.get(name)
        if equation is None or not self._unfolds(equation, step):
            return None
        return self.store.recall(self.definitions, atom, lambda: self._build(equation, step))

    def _name(self, atom: int) -> tuple[str, Step]:
        name, step = self.store.atoms[atom].data
        return name, step  # type: ignore[return-value]

    def _unfolds(self, equation: Equation, step: Step) -> bool:
        if (equation.index is None) != (step is None):
            return False
        if step is None:
            return True
        if step > self.window.hi:
            if self.window.ends and self.absolute(step) is not None:
                return False  # behind the run's last step nothing is computed: a recurrence from the end reads it
            raise Unsupported(f"{self.describe(equation.name, step)}, a later step than the claim's last")
        return self.window.lo <= step and self._produced(equation, step)

    def _produced(self, equation: Equation, step: int) -> bool:
        """Whether the equation makes the member at this step."""
        first = first_step(self.model, equation)
        at = self.absolute(step)
        if at is not None and at < first:
            return False
        return equation.last is None or step <= evaluate(equation.last, self.letters, self.window.anchor)

    def _build(self, equation: Equation, step: Step) -> Form:
        letters = dict(self.letters)
        if equation.index is not None and step is not None:
            letters[equation.index] = step
        return collect(self.store, Builder(self, letters).build(equation.right).form)

    def value(self, atom: int) -> Form | None:
        """A member unfolded down to inputs; None for what is no computed member."""
        if self.store.atoms[atom].kind != "tensor":
            return None
        definition = self.definition(atom)
        if definition is None:
            return None
        return self.store.recall(self.values, atom, lambda: self.unfold(definition))

    def unfold(self, form: Form) -> Form:
        """A form with every member replaced by its value."""
        return self._unfolding.of(form)

    # --- derivatives -------------------------------------------------------------------------------------------

    def check_free(self, name: str, step: Step) -> None:
        """Raises Unsupported where a derivative by this tensor needs a convention: its entries are not free."""
        dependence = self.assumed.dependence(name, self._at(step))
        if dependence:
            tensor = self.describe(name, step)
            raise Unsupported(f"a derivative by {tensor} ({dependence}), whose entries depend on each other")

    def derivative(self, by: int, at: Step = None) -> Derivative:
        """Total derivatives by an atom; with `at`, members of other steps than `at` are held."""
        key = (by, at)
        found = self.derivatives.get(key)
        if found is None:
            found = self.derivatives[key] = Derivative(self.laws, by, lambda atom: self._moves(atom, by, at))
        return found

    def _moves(self, atom: int, by: int, at: Step) -> Form | None:
        """How an atom that is no function moves with another."""
        kind = self.store.atoms[atom].kind
        if kind == "loss":
            if at is not None:
                raise Unsupported("an immediate derivative of the loss by a parameter")
            return self._of_loss(atom, by)
        if kind in CONSTANT:
            return None
        if kind != "tensor":
            return self._of_opaque(atom)
        name, step = self._name(atom)
        if at is not None and step is not None and step != at:
            return None
        definition = self.definition(atom)
        if definition is not None:
            return self.derivative(by, at).of(definition)
        return self._of_past(atom, by) if self._is_past(name, step) else None

    def _is_past(self, name: str, step: Step) -> bool:
        return self.window.has_past and step is not None and step < self.window.lo and name in self.model.by_name

    def _of_past(self, atom: int, by: int) -> Form | None:
        """Before the window: opaque by a parameter, 0 by a member of the window."""
        return self._opaque("past", atom, by) if self._name(by)[1] is None else None

    def _of_opaque(self, atom: int) -> Form:
        raise Unsupported(f"a derivative of what lies outside the window ({self.store.atoms[atom].kind})")

    def _opaque(self, kind: str, what: int, by: int) -> Form:
        slots = self.store.atoms[what].slots + self.store.atoms[by].slots
        return of_atom(self.store.atom(Atom(kind, (what, by), slots)), slots)

    def _of_loss(self, atom: int, by: int) -> Form | None:
        """dE = Σ e_p dp over what the loss names, with what lies before and after the window."""
        name, taken = self.store.atoms[atom].data
        loss = self.model.loss_by_name[name]  # type: ignore[index]
        own = self.store.atoms[atom].slots
        slots = own + self.store.atoms[by].slots
        parts: list[tuple[Coefficient, Form]] = [(1, Form(slots, {}))]
        for part in self._direct(loss):
            parts.append((1, self._through(self._loss_by(atom, part), part, by, len(own))))
        opaque_ends = not self.window.ends or (self.window.has_past and any(where == "each" for _, where in loss.parts))
        if opaque_ends and taken:
            raise Unsupported("a second derivative of the loss at symbolic steps")
        if not self.window.ends:
            for part in self._outgoing():
                parts.append((1, self._through(self._opaque("future", atom, part), part, by, 0)))
            if self._name(by)[1] is None:
                parts.append((1, self._opaque("future", atom, by)))
        if self.window.has_past and self._name(by)[1] is None and any(where == "each" for _, where in loss.parts):
            parts.append((1, self._opaque("history", atom, by)))
        return collect(self.store, add(self.store, *parts))

    def _through(self, outer: Form, part: int, by: int, own: int) -> Form:
        inner = self.derivative(by).of_atom(part)
        before = range(own)
        middle = range(own, len(outer.slots))
        after = range(len(outer.slots), len(outer.slots) + len(self.store.atoms[by].slots))
        return contract(self.store, [(outer, (*before, *middle)), (inner, (*middle, *after))], (*before, *after))

    def _loss_by(self, atom: int, part: int) -> Form:
        """The loss's direct derivative by one more member: slots of the earlier ones, then of the new one."""
        name, taken = self.store.atoms[atom].data
        ordered = sorted((*taken, part))  # type: ignore[misc]
        place = len(ordered) - 1 - ordered[::-1].index(part)
        widths = [len(self.store.atoms[p].slots) for p in ordered]
        slots = tuple(size for p in ordered for size in self.store.atoms[p].slots)
        number = self.store.atom(Atom("loss", (name, tuple(ordered)), slots, exchanges(ordered, widths)))
        start = sum(widths[:place])
        new = range(start, start + widths[place])
        rest = [slot for slot in range(len(slots)) if slot not in new]
        return contract(self.store, [(of_atom(number, slots), range(len(slots)))], (*rest, *new))

    def _direct(self, loss: Loss) -> list[int]:
        """The members that the loss names, as far as they lie in the window."""
        found = []
        for name, where in loss.parts:
            equation = self.model.by_name.get(name)
            steps = (
                range(self.window.lo, self.window.hi + 1)
                if where == "each"
                else range(self.window.hi, self.window.hi + 1)
            )
            if where == "last" and not self.window.ends:
                continue
            for step in steps:
                if equation is None or where == "last" or self._produced(equation, step):
                    found.append(self._family_member(name, step))
        return found

    def _family_member(self, name: str, step: int) -> int:
        shape = self._shapes[name]
        key = (name, shape, step)
        if key not in self.members:
            self.members[key] = self._new_member(name, step, *shape)
        return self.members[key]

    @cached_property
    def _shapes(self) -> dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]]:
        found: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {}
        for equation in self.model.equations:
            for member in (equation.left, *members(equation.right)):
                if isinstance(member, Member):
                    found.setdefault(member.name, (member.row_axis, member.col_axis))
        return found

    def _outgoing(self) -> list[int]:
        """The members of the window that later steps read."""
        found: dict[int, None] = {}
        for equation in self.model.equations:
            if equation.index is None or equation.name in self._derived:
                continue
            for member in members(equation.right):
                shift = member.time - equation.index
                for step in range(self.window.hi + 1 + int(shift), self.window.hi + 1):
                    found[self._family_member(member.name, step)] = None
        return list(found)

    def direct(self, loss: str, by: int) -> Form:
        """The immediate derivative of a loss by a member: 0 where the loss does not name it."""
        atom = self.store.atom(Atom("loss", (loss, ()), ()))
        if by in self._direct(self.model.loss_by_name[loss]):
            return self._loss_by(atom, by)
        return Form(self.store.atoms[by].slots, {}, collected=True)


def first_step(model: Model, equation: Equation) -> int:
    """The first step at which an equation holds."""
    first = model.time.first if equation.first is None else equation.first
    if not sp.sympify(first, strict=True).is_Integer:
        raise Unsupported(f"the range of {show_name(equation.name)}, which begins at {first}")
    return int(first)
