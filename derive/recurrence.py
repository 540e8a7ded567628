"""Backwards through time: the δ recursion, and gradients of shared parameters as sums over steps.

∂E/∂m is the direct term of the loss plus, for each equation that reads m, its gradient pulled back through that
equation. Which equations read a member, and at which steps, comes from the dependency graph of the model.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import sympy as sp

from derive.derivation import Derivation, Order, folded
from derive.errors import RuleError
from derive.language.build import matadd, matmul, ones
from derive.language.derivatives import Gradient
from derive.language.nodes import Member, TimeSum
from derive.language.show import show, show_name
from derive.language.substitute import substitute
from derive.model import Equation, Loss, Model, Time, leaves, members
from derive.naming import Names, delta_names, direct_letter, direct_names, step_letter
from derive.rules.dependence import check_shifts, shift_of
from derive.rules.pullback import pullback
from derive.rules.rewriting import Rule, Step, everywhere, open_nodes, replaced, step
from derive.rules.simplify import RULES as SIMPLIFY
from derive.rules.simplify import simplified, split_number, sum_one_rule


def name_gradient(node: Any, gradient: str = "\\delta") -> Any:
    """δ_t is the name of ∂E/∂Net_t."""
    return Member(gradient, node.by.indices, node.by.row_axis, node.by.col_axis)


def name_direct(node: Any) -> Any:
    """e_t is the name of the direct ∂E/∂s_t."""
    return name_gradient(node, "e")


def direct_name(model: Model, node: Any) -> str:
    """e where the loss sees one family, e^{(s)} where it sees several; another letter where the model has an e."""
    loss = model.loss_by_name.get(str(node.what.name))
    several = loss is not None and len({family for family, _ in loss.parts}) > 1
    own = direct_names(model)
    if node.by.name in own:
        return own[node.by.name]
    letter = direct_letter(model)
    return f"{letter}^{{({node.by.name})}}" if several else letter


# --- one derivation by a loss ------------------------------------------------------------------------------------


@dataclass
class Backward:
    """The gradients of one loss: which are named, and what has been assumed of the steps on the way."""

    model: Model
    loss: Any
    names: Names
    stop: frozenset[str] = frozenset()
    conditions: list[Order] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    sum_one: frozenset[str] = frozenset()  # families whose members are assumed to sum to 1

    def by(self, variable: Any, mode: str = "total") -> Any:
        """∂E/∂variable as a node."""
        return Gradient(self.loss, variable, mode)

    def is_closed(self, node: Any) -> bool:
        """A gradient that stays: a direct one, a named one, one that was asked to stay."""
        if node.mode == "immediate" or not isinstance(node.by, Member):
            return True
        return node.by.name in self.names or node.by.name in self.stop

    def chain_rule(self, member: Member) -> Any:
        """∂E/∂m = direct ∂E/∂m + Σ over what reads m of its gradient, pulled back."""
        terms = [*self._direct(member), *self._through(member)]
        return matadd(*terms) if terms else sp.ZeroMatrix(*member.shape)

    def _direct(self, member: Member) -> list[Any]:
        opaque = self.model.loss_by_name.get(str(self.loss.name))
        if opaque is not None:
            return [self.by(member, "immediate")] if self._sees(opaque, member) else []
        formula = self.model.definition(self.loss)
        if formula is None:
            raise RuleError(f"the model defines no loss {show(self.loss)}")
        return _through_formula(formula, member, sp.Identity(1), self)

    def _sees(self, loss: Loss, member: Member) -> bool:
        """Whether a loss depends directly on a member: on the last one, or on every one that is produced."""
        places = [place for family, place in loss.parts if family == member.name]
        made = self.model.produced(member.name)
        if "last" in places:
            distance = self.model.time.last - member.time
            if distance == 0:
                return True
            if distance.free_symbols:
                self._assume(member.time + 1, self.model.time.last)
        return "each" in places and made is not None and self.within(member.time, *made, exists=member.time)

    def _through(self, member: Member) -> list[Any]:
        found = []
        for equation in self.model.readers.get(member.name, ()):
            if equation.index is None and equation.left != self.loss:
                found += _through_formula(equation.right, member, self.by(equation.left), self)
            for written in _occurrences(equation, member):
                at = member.time - shift_of(equation, written)
                made = self.model.produced(equation.name)
                if made is not None and self.within(at, *made, exists=member.time):
                    c = self.by(equation.left.at(*equation.left.indices[:-1], at))
                    found.append(pullback(equation.at(at), member, c, self.rules))
        return [term for term in found if term is not None]

    def within(self, at: Any, first: Any, last: Any, exists: Any = None) -> bool:
        """Whether a step lies in a range; what a symbolic step leaves open is assumed, and noted as a condition.

        Every letter is at least the first step, and so is `exists`, the step of a member that is known to exist.
        """
        for low, high in ((first, at), (at, last)):
            distance = sp.expand(high - low)
            if not distance.free_symbols:
                if distance < 0:
                    return False
            elif not self._is_sure(distance, exists):
                self._assume(low, high)
        return True

    def _is_sure(self, distance: Any, exists: Any) -> bool:
        """Whether distance ≥ 0 follows: it grows with every letter and is not negative where they are smallest."""
        first = self.model.time.first
        linear = sp.Poly(distance, *sorted(distance.free_symbols, key=str))
        if not all(c >= 0 for powers, c in linear.terms() if any(powers)):
            return False
        smallest = distance.xreplace(dict.fromkeys(distance.free_symbols, sp.Integer(first)))
        beyond = None if exists is None else sp.expand(distance - (exists - first))
        return bool(smallest >= 0 or (beyond is not None and beyond.is_Integer and beyond >= 0))

    def _assume(self, low: Any, high: Any) -> None:
        low, high = sp.expand(low), sp.expand(high)
        if low.is_Integer:  # 1 <= k - 1 is written 2 <= k
            number = high.as_coeff_Add()[0]
            low, high = low - number, high - number
        order: Order = (low - 1, "<", high) if (low - 1).is_Symbol else (low, "<=", high)
        if order not in self.conditions:
            self.conditions.append(order)


def _occurrences(equation: Equation, member: Member) -> list[Member]:
    """The members of the same family that an equation writes, one for each step it reads."""
    if equation.index is None:
        return []
    return [m for m in equation.members if m.name == member.name and m.indices[:-1] == member.indices[:-1]]


def _through_formula(formula: Any, target: Any, c: Any, backward: Backward) -> list[Any]:
    """The gradient c by a formula without a step of its own, pulled back to what the formula writes in its terms."""
    terms = formula.args if isinstance(formula, sp.MatAdd) else (formula,)
    return [found for term in terms for found in _through_term(term, target, c, backward)]


def _through_term(term: Any, target: Any, c: Any, backward: Backward) -> list[Any]:
    number, term = split_number(term)
    c = matmul(number, c)
    if not isinstance(term, TimeSum):
        return _present(pullback(term, target, c, backward.rules))
    if not isinstance(target, Member) or not target.indices:
        found = pullback(term.body, target, c, backward.rules)
        return [] if found is None else [TimeSum(found, term.index, term.lo, term.hi)]
    steps = dict.fromkeys(target.time - (m.time - term.index) for m in members(term.body) if m.name == target.name)
    bodies = [substitute(term.body, {term.index: at}) for at in steps if backward.within(at, term.lo, term.hi)]
    return [found for body in bodies for found in _present(pullback(body, target, c, backward.rules))]


def _present(found: Any | None) -> list[Any]:
    return [] if found is None else [found]


def gradient(
    model: Model,
    variable: Any,
    loss: Any = None,
    names: Names | None = None,
    stop: tuple[str, ...] = (),
    sum_one: tuple[str, ...] = (),
) -> Derivation:
    """∂E/∂X in X's shape: of a parameter as a sum over steps, of a member by the equations that read it.

    `loss` is the loss's symbol where the model has several; `names` the names of gradients (default
    `delta_names`); `stop` the families whose gradients stay as ∂E/∂z_k; `sum_one` the families of targets whose
    members are assumed to sum to 1. Raises `RuleError`.
    """
    backward = backward_of(model, loss, names, stop, sum_one)
    start = backward.by(variable)
    if isinstance(variable, Member) and variable.indices:
        expr, steps = _first(backward, start, backward.chain_rule(variable), Backward.chain_rule)
    else:
        expr, steps = _first(backward, start, sum_over_steps(backward, variable), sum_over_steps)
    return _closed(backward, start, expr, steps)


def delta(
    model: Model, member: Member, loss: Any = None, names: Names | None = None, sum_one: tuple[str, ...] = ()
) -> Derivation:
    """The recursion of δ_k = ∂E/∂Net_k: δ_{t-1} = diag f'(Net_{t-1}) Wᵀ δ_t, plus e_{t-1} where E sees s_{t-1}."""
    chosen = dict(delta_names(model) if names is None else names)
    if member.name not in chosen:
        known = ", ".join(map(str, chosen)) or "none"
        raise RuleError(f"the gradient by {show(member)} has no name; named are those by {known}")
    found = gradient(model, member, loss, chosen, (), sum_one)
    left = name_gradient(found.left, chosen[member.name])
    definition = _named_step(found, left, chosen[member.name])
    definitions = _with_own_definition(found, member, chosen[member.name])
    return replace(found, left=left, steps=(definition, *found.steps), definitions=definitions)


def _named_step(found: Derivation, left: Any, name: str) -> Step:
    return Step(f"{show_name(name)} names the gradient", left, found.left, ("name_gradient",))


def _with_own_definition(found: Derivation, member: Member, name: str) -> tuple[Equation, ...]:
    if any(equation.name == name for equation in found.definitions):
        return found.definitions
    return (definition_of(found.model, found.left, name), *found.definitions)


def backward_of(
    model: Model, loss: Any, names: Names | None, stop: tuple[str, ...] = (), sum_one: tuple[str, ...] = ()
) -> Backward:
    chosen = delta_names(model) if names is None else names
    loss = the_loss(model) if loss is None else loss
    check_shifts(model)
    return Backward(model, loss, chosen, frozenset(stop), sum_one=frozenset(sum_one))


def the_loss(model: Model) -> Any:
    """The one loss of a model: opaque, or the scalar that an equation without steps defines."""
    found = losses_of(model)
    if len(found) != 1:
        which = f", {' and '.join(show(loss) for loss in found)}; say which one is meant" if found else ""
        raise RuleError(f"the model has {len(found)} losses{which}")
    return found[0]


def losses_of(model: Model) -> list[Any]:
    """The opaque losses, and the scalars that equations without steps define."""
    found: list[Any] = [loss.symbol for loss in model.losses]
    return found + [e.left for e in model.forward if e.index is None and e.left.shape == (1, 1)]


def sum_over_steps(backward: Backward, variable: Any) -> Any:
    """∂E/∂X = Σ over the steps and equations that read X of the gradient, pulled back."""
    terms = []
    for equation in backward.model.forward:
        if variable not in equation.leaves:
            continue
        if equation.index is None:
            c = sp.Identity(1) if equation.left == backward.loss else backward.by(equation.left)
            terms += _through_formula(equation.right, variable, c, backward)
        else:
            terms.append(_over_steps(backward, equation, variable))
    return matadd(*terms) if terms else sp.ZeroMatrix(*variable.shape)


def _over_steps(backward: Backward, equation: Equation, variable: Any) -> Any:
    letter = step_letter(backward.model)
    made = backward.model.produced(equation.name)
    assert made is not None
    c = backward.by(equation.left.at(*equation.left.indices[:-1], letter))
    return TimeSum(pullback(equation.at(letter), variable, c, backward.rules), letter, *made)


def _first(backward: Backward, start: Any, expr: Any, rule: Rule) -> tuple[Any, list[Step]]:
    steps = [step([rule, *backward.rules], start, expr)]
    return _tidied(expr, steps)


def _tidied(expr: Any, steps: list[Step]) -> tuple[Any, list[Step]]:
    expr, tidy = simplified(expr)
    return expr, [*steps, *tidy]


def _closed(backward: Backward, start: Any, expr: Any, steps: list[Step]) -> Derivation:
    """Expand the gradients that are not named, then give the others their names."""
    while True:
        found = next(
            (n for n in open_nodes(expr, lambda n: isinstance(n, Gradient)) if _expandable(backward, n, expr)), None
        )
        if found is None:
            break
        backward.rules = []
        after = replaced(expr, found, backward.chain_rule(found.by))
        steps.append(step([Backward.chain_rule, *backward.rules], expr, after))
        expr, steps = _tidied(after, steps)
    expr, steps = folded(backward.model, expr, steps)
    expr, steps, assumptions = _summed_to_one(backward, expr, steps)
    expr, steps, definitions = _with_names(backward, expr, steps)
    return Derivation(start, expr, tuple(steps), backward.model, definitions, _told(backward), assumptions)


def _told(backward: Backward) -> tuple[Order, ...]:
    """The conditions that the range first ≤ k ≤ last of every step letter does not already say."""
    return tuple(order for order in backward.conditions if not _is_implied(backward.model.time, *order))


def _is_implied(time: Time, left: Any, sign: str, right: Any) -> bool:
    """first ≤ last, and k - c ≤ last for c ≥ 0."""
    if sign != "<=" or right != time.last:
        return False
    constant, letter = left.as_coeff_Add()
    return bool(constant <= (0 if letter.is_Symbol else time.first))


def _expandable(backward: Backward, node: Any, expr: Any) -> bool:
    """Not closed, and (under a sum over steps) with the same terms at every step of the sum."""
    if backward.is_closed(node):
        return False
    bound = {total.index for total in _sums(expr)}
    if not node.by.time.free_symbols & bound:
        return True
    trial = replace(backward, conditions=[], rules=[])
    trial.chain_rule(node.by)
    return not trial.conditions or _hold_in_sums(trial.conditions, _sums(expr))


def _sums(expr: Any) -> list[TimeSum]:
    return [node for node in sp.preorder_traversal(expr) if isinstance(node, TimeSum)]


def _hold_in_sums(conditions: list[Order], sums: list[TimeSum]) -> bool:
    """Each condition compares a bound letter with its own bounds: lo ≤ k ≤ hi."""
    known = {(s.lo, "<=", s.index) for s in sums} | {(s.index, "<=", s.hi) for s in sums}
    return all(order in known for order in conditions)


def _summed_to_one(backward: Backward, expr: Any, steps: list[Step]) -> tuple[Any, list[Step], tuple[Any, ...]]:
    """1ᵀ y = 1 for targets of which this is assumed."""
    targets = dict.fromkeys(m for m in leaves(expr) if isinstance(m, Member) and m.name in backward.sum_one)
    rules = [sum_one_rule(target) for target in targets]
    after, tidy = simplified(expr, (*rules, *SIMPLIFY))
    assumptions = tuple((matmul(ones(1, target.shape[0]), target), sp.S.One) for target in targets)
    return (expr, steps, ()) if after == expr else (after, [*steps, *tidy], assumptions)


def _with_names(backward: Backward, expr: Any, steps: list[Step]) -> tuple[Any, list[Step], tuple[Equation, ...]]:
    definitions: dict[str, Equation] = {}
    for node in open_nodes(expr, lambda n: isinstance(n, Gradient)):
        name = _name_of(backward, node)
        if name is not None and name not in definitions:
            definitions[name] = definition_of(backward.model, node, name)
    if not definitions:
        return expr, steps, ()

    def named(node: Any) -> Any:
        name = _name_of(backward, node) if isinstance(node, Gradient) else None
        return None if name is None else name_gradient(node, name)

    after = everywhere(named, expr)
    modes = {equation.right.mode for equation in definitions.values()}
    rules = [rule for mode, rule in (("immediate", name_direct), ("total", name_gradient)) if mode in modes]
    return after, [*steps, step(rules, expr, after)], tuple(definitions.values())


def _name_of(backward: Backward, node: Any) -> str | None:
    if not isinstance(node.by, Member) or not node.by.indices:
        return None
    return direct_name(backward.model, node) if node.mode == "immediate" else backward.names.get(node.by.name)


def definition_of(model: Model, node: Any, name: str) -> Equation:
    """δ_t = ∂E/∂Net_t for every step at which Net_t is produced."""
    equation = model.by_name.get(node.by.name)
    letter = equation.index if equation is not None and equation.index is not None else sp.Symbol("t", integer=True)
    member = node.by.at(*node.by.indices[:-1], letter)
    made = model.produced(node.by.name)
    first, last = (None, None) if equation is None or equation.first is None or made is None else made
    left = Member(name, member.indices, member.row_axis, member.col_axis)
    return Equation(left, Gradient(node.what, member, node.mode), letter, first, last)
