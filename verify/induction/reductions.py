"""Claims that imply a claim, in another model: copies of a shared parameter, a loss as a running sum, a Jacobian as
the gradients of every loss.

Each function returns the stronger claim (None where it does not apply) and says why it is stronger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sympy as sp

from derive.language.build import matadd, matmul, transpose
from derive.language.derivatives import Collect, DerivativeNode, FamilyDerivative, Gradient, Jacobian, variable_of
from derive.language.nodes import Member, Scale, TimeSum
from derive.language.shapes import axes, is_coefficient
from derive.language.substitute import substitute
from derive.model import Equation, Loss, Model, members
from verify.claim import Claim, Condition, Index
from verify.induction.formulas import rebuilt

# --- scope -------------------------------------------------------------------------------------------------------


def scoped(claim: Claim) -> Claim:
    """A claim is made where its members exist: what exists at k ≤ t - 1 only is claimed for k ≤ t - 1.

    Conditions between letters become ranges; those on the last step alone stay. Ranges that existence does not
    bound stay as they are.
    """
    last = claim.model.time.last
    limits = [gap for side in (claim.left, claim.right) for gap in _existence(claim, side)]
    limits += [gap for condition in claim.conditions for gap in _gaps(condition)]
    indices = tuple(_narrowed(index, limits) for index in claim.indices)
    bounds = [sp.expand(last - gap) for gap in limits if gap.free_symbols == {last}]
    first = max((bound for bound in bounds if bound.is_Integer), default=claim.model.time.first)
    conditions = (Condition(sp.Integer(first), "<=", last),) if first > claim.model.time.first else ()
    return replace(claim, indices=indices, conditions=conditions)


def _gaps(condition: Any) -> list[Any]:
    gap = condition.right - condition.left
    return {"<=": [gap], "<": [gap - 1], "=": [gap, -gap]}.get(condition.relation, [])


def _existence(claim: Claim, expr: Any) -> list[Any]:
    """Affine expressions that are not negative where the members and ranges outside of sums exist."""
    if isinstance(expr, TimeSum) or type(expr).__name__ == "TimeProduct":
        return [expr.hi - expr.lo + 1]
    if isinstance(expr, Member) and expr.indices:
        spans = claim.model.spans(expr.name)
        return [expr.time - min((lo for lo, _ in spans), key=_at_far), _highest(spans) - expr.time] if spans else []
    return [gap for arg in expr.args for gap in _existence(claim, arg)]


def _at_far(bound: Any) -> int:
    return int(bound.xreplace({letter: sp.Integer(1000) for letter in bound.free_symbols}))


def _highest(spans: Any) -> Any:
    return max((hi for _, hi in spans), key=_at_far)


def _narrowed(index: Index, limits: list[Any]) -> Index:
    """The range of a letter between the tightest bounds that are offsets of its own."""
    first, last = index.first, index.last
    for gap in limits:
        coefficient = sp.expand(gap).coeff(index.letter)
        bound = sp.expand(index.letter - coefficient * gap)
        if coefficient == 1 and (bound - first).is_positive:
            first = bound
        if coefficient == -1 and (last - bound).is_positive:
            last = bound
    return Index(index.letter, first, last)


# --- what does not matter ------------------------------------------------------------------------------------------


def needed(claim: Claim) -> Claim:
    """The claim in the part of its model from which it is computed."""
    return _within(claim, computed_from(_names(claim.left) | _names(claim.right), claim.model))


def unmoved_free(claim: Claim) -> Claim:
    """The claim with free inputs in the place of all that no derivative in it moves."""
    model = claim.model
    nodes = [
        node
        for formula in (claim.left, claim.right, *(e.right for e in model.equations))
        for node in sp.preorder_traversal(formula)
        if isinstance(node, DerivativeNode)
    ]
    moving = set().union(*(_names(node.by) for node in nodes)) if nodes else set()
    seen = {name for loss in model.losses for name, _ in loss.parts}
    kept = {
        e.name
        for e in model.equations
        if e.index is None or model.is_definition(e) or e.name in seen or computed_from({e.name}, model) & moving
    }
    return _within(claim, kept | set(model.loss_by_name)) if moving else claim


def _within(claim: Claim, names: set[str]) -> Claim:
    model = claim.model
    equations = tuple(e for e in model.equations if e.name in names)
    losses = tuple(loss for loss in model.losses if str(loss.symbol.name) in names)
    return replace(claim, model=Model(equations, losses, model.time))


def computed_from(names: set[str], model: Model) -> set[str]:
    """These names and all that they are computed from."""
    found, todo = set[str](), set(names)
    while todo:
        name = todo.pop()
        found.add(name)
        equation, loss = model.by_name.get(name), model.loss_by_name.get(name)
        todo |= _names(equation.right) - found if equation is not None else set()
        todo |= {part for part, _ in loss.parts} - found if loss is not None else set()
    return found


def knows_the_end(claim: Claim) -> bool:
    """Whether a loss, or what an equation without steps defines, is among what a claim is computed from."""
    model = claim.model
    names = computed_from(_names(claim.left) | _names(claim.right), model)
    return any(name in model.loss_by_name or ((e := model.by_name.get(name)) and e.index is None) for name in names)


def _names(expr: Any) -> set[str]:
    return {str(node.name) for node in sp.preorder_traversal(expr) if isinstance(node, Member | sp.MatrixSymbol)}


# --- a shared parameter --------------------------------------------------------------------------------------------


def parameters(claim: Claim) -> list[Any]:
    """The shared parameters, and the inputs at a fixed step, by which the claim takes total derivatives."""
    found = [
        variable_of(node.by)
        for side in (claim.left, claim.right)
        for node in sp.preorder_traversal(side)
        if isinstance(node, DerivativeNode) and node.mode == "total"
    ]
    return [by for by in dict.fromkeys(found) if _is_parameter(by, claim.model)]


def _is_parameter(by: Any, model: Model) -> bool:
    if isinstance(by, Member) and by.indices:
        return bool(by.time.is_Integer)
    return isinstance(by, sp.MatrixSymbol) and model.equation_of(by) is None


def copied(claim: Claim, parameter: Any, step: sp.Symbol) -> Claim | None:
    """∂y/∂W = Σ_j ∂y/∂W_j, where step j reads a copy W_j = W of its own (chain rule along the diagonal)."""
    model = claim.model
    if not isinstance(parameter, sp.MatrixSymbol) or not isinstance(model.time.last, sp.Symbol):
        return None
    letter = sp.Symbol("j", integer=True)
    copy = Member(fresh_name(claim, parameter.name), (letter,), *axes(parameter).plain)
    equations = [Equation(copy, parameter, letter)]
    for equation in model.equations:
        if not model.is_definition(equation) and equation.index is not None:
            read = copy.at(equation.index)
            equation = replace(equation, right=substitute(equation.right, {parameter: read}))
        equations.append(equation)
    chain = _chain(parameter, copy.at(step), step, model)
    return replace(
        claim, left=chain(claim.left), right=chain(claim.right), model=Model(equations, model.losses, model.time)
    )


def _chain(parameter: Any, copy: Member, letter: sp.Symbol, model: Model) -> Callable[[Any], Any]:
    def chain(expr: Any) -> Any:
        if isinstance(expr, DerivativeNode):
            if expr.mode == "total" and variable_of(expr.by) == parameter:
                by = substitute(expr.by, {parameter: copy})
                return TimeSum(expr.func(expr.what, by), letter, sp.Integer(model.time.first), model.time.last)
            return expr
        if not expr.args or not isinstance(expr, sp.MatrixExpr):
            return expr
        return mapped(expr, chain)

    return chain


def read_copy(claim: Claim, start: Member) -> Claim | None:
    """∂y/∂s_0 = ∂y/∂r_1, where r_j = s_{j-1} is what step j reads, and nothing else reads s_0."""
    model = claim.model
    if not isinstance(start, Member):
        return None
    backs = {
        (equation.index - m.time)
        for equation in model.equations
        if equation.index is not None and not model.is_definition(equation)
        for m in members(equation.right)
        if m.name == start.name and m.time != equation.index
    }
    if len(backs) != 1:
        return None
    back = backs.pop()
    letter = sp.Symbol("j", integer=True)
    read = Member(fresh_name(claim, start.name), (letter,), start.row_axis, start.col_axis)
    equations = [Equation(read, start.at(letter - back), letter)]
    for equation in model.equations:
        if not model.is_definition(equation) and equation.index is not None:
            seen = {start.at(equation.index - back): read.at(equation.index)}
            equation = replace(equation, right=substitute(equation.right, seen))
        equations.append(equation)
    moved = read.at(start.time + back)

    def by_read(expr: Any) -> Any:
        if isinstance(expr, DerivativeNode):
            return expr.func(expr.what, moved, expr.mode) if expr.by == start else expr
        return mapped(expr, by_read) if isinstance(expr, sp.MatrixExpr) else expr

    model = Model(equations, model.losses, model.time)
    return replace(claim, left=by_read(claim.left), right=by_read(claim.right), model=model)


def at_every_step(claim: Claim, letter: sp.Symbol) -> Claim | None:
    """What holds at every step k holds at the first."""
    first = sp.Integer(claim.model.time.first)

    def lifted(expr: Any) -> Any:
        if isinstance(expr, Member) and expr.indices and expr.time.is_Integer:
            return expr.at(letter + (expr.time - first))
        if isinstance(expr, DerivativeNode):
            return expr.func(lifted(expr.what), lifted(expr.by), expr.mode)
        return mapped(expr, lifted) if isinstance(expr, sp.MatrixExpr) else expr

    index = Index(letter, first, claim.model.time.last)
    return replace(claim, left=lifted(claim.left), right=lifted(claim.right), indices=(*claim.indices, index))


# --- losses --------------------------------------------------------------------------------------------------------


def accumulated(claim: Claim) -> Claim | None:
    """E = Σ_k ℓ_k is φ(L_t) with L_k = L_{k-1} + ℓ_k, φ the identity and L_0 = 0: what holds for every φ holds for it.

    Terms that no derivative of E enters are multiplied by φ' = ∂E/∂L_k, which is 1 for the identity.
    """
    model = claim.model
    found = next((e for e in model.equations if _is_sum_over_time(e, model)), None)
    if found is None:
        return None
    letter = sp.Symbol("k", integer=True)
    running = Member(fresh_name(claim, "L"), (letter,), (), ())
    terms = [_term_at(term, letter) for term in sp.MatAdd.make_args(found.right)]
    step = Equation(running, matadd(running.at(letter - 1), *terms), letter)
    equations = (*(e for e in model.equations if e is not found), step)
    loss = Loss(found.left, ((running.name, "last"),))
    weight = _Weighted(model, found.left, running)
    made = Model(equations, (*model.losses, loss), model.time)
    at = _some_step(claim)
    return replace(claim, left=weight(claim.left, at), right=weight(claim.right, at), model=made)


def _is_sum_over_time(equation: Equation, model: Model) -> bool:
    return equation.index is None and equation.left.shape == (1, 1) and all(
        _time_sum(term) is not None and _time_sum(term).lo == model.time.first and _time_sum(term).hi == model.time.last
        for term in sp.MatAdd.make_args(equation.right)
    )  # fmt: skip


def _time_sum(term: Any) -> Any:
    """Σ_k of c Σ_k ℓ_k."""
    matrices = [arg for arg in term.args if not is_coefficient(arg)] if isinstance(term, sp.MatMul) else [term]
    return matrices[0] if len(matrices) == 1 and isinstance(matrices[0], TimeSum) else None


def _term_at(term: Any, letter: sp.Symbol) -> Any:
    total = _time_sum(term)
    body = substitute(total.body, {total.index: letter})
    return matmul(*(arg for arg in term.args if is_coefficient(arg)), body) if term is not total else body


def _some_step(claim: Claim) -> Any:
    """A step that the claim names, where it names one."""
    times = [m.time for side in (claim.left, claim.right) for m in members(side)]
    letters = {index.letter for index in claim.indices} | {claim.model.time.last}
    return next((time for time in times if time.free_symbols & letters), claim.model.time.last)


class _Weighted:
    """Formulas with φ' at each term that no derivative of the loss enters."""

    def __init__(self, model: Model, loss: Any, running: Member) -> None:
        self.loss, self.running = loss, running
        self.names = {
            e.name for e in model.equations if model.is_definition(e) and loss in e.right.atoms(sp.MatrixSymbol)
        }

    def has_loss(self, expr: Any) -> bool:
        return any(node == self.loss or (isinstance(node, Member) and node.name in self.names)
                   for node in sp.preorder_traversal(expr))  # fmt: skip

    def __call__(self, expr: Any, step: Any) -> Any:
        if isinstance(expr, TimeSum):
            return TimeSum(self(expr.body, expr.index), *expr.args[1:])
        if isinstance(expr, sp.MatAdd):
            return matadd(*(self(term, step) for term in expr.args))
        if not self.has_loss(expr):
            inner = next((i for i, arg in enumerate(expr.args) if isinstance(arg, TimeSum)), None)
            if inner is None:
                return Scale(Gradient(self.loss, self.running.at(step)), expr)
        if isinstance(expr, sp.MatMul | sp.Transpose):
            place = next((i for i, a in enumerate(expr.args) if self.has_loss(a) or isinstance(a, TimeSum)), 0)
            return mapped_at(expr, place, lambda arg: self(arg, step))
        return expr


def by_loss(claim: Claim, letter: sp.Symbol) -> Claim | None:
    """∂E/∂X = Σ_k (∂⁺E/∂s_k) ∂s_k/∂X for an opaque loss of every s_k (chain rule)."""
    parts = [part for loss in claim.model.losses for part, _ in loss.parts]
    if any(claim.model.by_name[part].left.col_axis for part in parts):
        return None
    left = _loss_chain(claim.left, claim.model, letter)
    return None if left == claim.left else replace(claim, left=left)


def _loss_chain(expr: Any, model: Model, letter: sp.Symbol) -> Any:
    if (
        isinstance(expr, Gradient)
        and expr.mode == "total"
        and str(getattr(expr.what, "name", "")) in model.loss_by_name
    ):
        terms = [_through_part(expr, part, model, letter) for part in model.loss_by_name[str(expr.what.name)].parts]
        return matadd(*terms)
    return mapped(expr, lambda arg: _loss_chain(arg, model, letter)) if isinstance(expr, sp.MatrixExpr) else expr


def _through_part(node: Gradient, part: tuple[str, str], model: Model, letter: sp.Symbol) -> Any:
    name, place = part
    left = model.by_name[name].left
    made = model.produced(name)
    assert made is not None
    step = letter if place == "each" else model.time.last
    member = left.at(step)
    term = Collect(matmul(transpose(Gradient(node.what, member, "immediate")), FamilyDerivative(member, node.by)))
    return TimeSum(term, letter, *made) if place == "each" else term


def dual(claim: Claim) -> Claim | None:
    """J = R for J = ∂y_t/∂x iff ∂E/∂xᵀ = (∂⁺E/∂y_t)ᵀ R for every loss E of y_t: its gradient there is arbitrary."""
    jacobian, model = claim.left, claim.model
    if not isinstance(jacobian, Jacobian) or jacobian.mode != "total" or not isinstance(jacobian.by, Member):
        return None
    y = jacobian.what
    if not isinstance(y, Member) or y.time != model.time.last or model.produced(y.name) is None:
        return None
    if y.col_axis or jacobian.by.col_axis:
        return None
    loss = Loss(sp.MatrixSymbol(fresh_name(claim, "E"), 1, 1), ((y.name, "last"),))
    row = transpose(Gradient(loss.symbol, y, "immediate"))
    made = Model(model.equations, (*model.losses, loss), model.time)
    left = transpose(Gradient(loss.symbol, jacobian.by))
    return replace(claim, left=left, right=matmul(row, claim.right), model=made)


# --- names and places ----------------------------------------------------------------------------------------------


def fresh_name(claim: Claim, name: str) -> str:
    """A name like this one that neither the model nor the claim uses."""
    formulas = [claim.left, claim.right, *(side for e in claim.model.equations for side in (e.left, e.right))]
    nodes = (node for formula in formulas for node in sp.preorder_traversal(formula))
    taken = {str(node.name) for node in nodes if isinstance(node, Member | sp.MatrixSymbol)}
    taken |= set(claim.model.loss_by_name)
    return next(trial for i in range(1, len(taken) + 2) if (trial := f"{name}^{{({i})}}") not in taken)


def mapped(expr: Any, change: Callable[[Any], Any]) -> Any:
    """The formula with its matrix arguments changed."""
    args = [change(arg) if isinstance(arg, sp.MatrixExpr) else arg for arg in expr.args]
    return expr if tuple(args) == expr.args else rebuilt(expr, args)


def mapped_at(expr: Any, place: int, change: Callable[[Any], Any]) -> Any:
    """The formula with one argument changed."""
    return rebuilt(expr, [change(arg) if i == place else arg for i, arg in enumerate(expr.args)])
