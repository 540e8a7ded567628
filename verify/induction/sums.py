"""Sums over the steps in equations of the whole run, for the checker, which has nothing of `summing`.

Such an equation is Y = c Σ_j b_j + r. Where a derivative moves no b_j, the sum is any tensor. Where it moves them, and
nothing else that leads from Y to the scalar E, E is a function of y_T alone, y_j = y_{j-1} + b_j from y_0 = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import sympy as sp

from derive.language.build import matadd, matmul
from derive.language.derivatives import DerivativeNode, Gradient
from derive.language.nodes import Member, TimeSum
from derive.language.shapes import axes
from derive.language.substitute import free_letters, substitute
from derive.model import Equation, Loss, Model
from verify.claim import Claim
from verify.induction.certificate import decode
from verify.induction.redone import Facts, Hypothesis, Rejected, follows, mapped, need

Known = tuple[Hypothesis, ...]


def fixed(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """P for Y = g(S), if P for Y = g(R) with every R: no derivative moves what S is computed from, such as Σ_j b_j."""
    model, made = goal.model, child.model
    need(child == replace(goal, model=made), "another claim")
    need((made.losses, made.time) == (model.losses, model.time), "other losses or time")
    need(not goal.assumptions, "something is assumed")
    sums = {decode(symbol): decode(total) for symbol, total in node["sums"]}
    moving = _moving(goal)
    used = (
        _names(goal.left) | _names(goal.right) | {name for e in model.equations for name in {e.name, *_names(e.right)}}
    )
    used |= set(model.loss_by_name)
    need(len({symbol.name for symbol in sums}) == len(node["sums"]) > 0, "two inputs of one name")
    for symbol, total in sums.items():
        need(isinstance(symbol, sp.MatrixSymbol) and symbol.name not in used, "the input is not new")
        need(axes(symbol) == axes(total), "another shape")
        need(not any(isinstance(n, DerivativeNode) for n in sp.preorder_traversal(total)), "a derivative is no input")
        steps = {letter for letter in free_letters(total) if not letter.is_positive}
        need(steps <= {model.time.last}, "a free step")
        need(not _sources(_names(total), model) & moving, "a derivative moves it")
    for old, new in zip(model.equations, made.equations, strict=True):
        need(old == new or old.index is None, "an equation of a step")
        need(old == replace(new, right=substitute(new.right, sums)), "the equation says something else")


def running(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """P for E = Φ(c Σ_j b_j + r), if P for every loss E of y_T, where y_j = y_{j-1} + b_j, with ∂E/∂Y = ∂E/∂y_T / c.

    Only Y's own derivative, E's total ones and the b_j are moved; Y, and what lies between it and E, is named nowhere else.
    """
    model, made, loss = goal.model, child.model, child.model.losses[-1]
    *kept, step = made.equations
    need(not goal.assumptions, "something is assumed")
    need([e for e in model.equations if e in kept] == kept, "other equations")
    gone = {e.name: e for e in model.equations if e not in kept}
    need(made.losses == (*model.losses, Loss(loss.symbol, ((step.name, "last"),))), "other losses")
    need(made.time == model.time and loss.symbol.shape == (1, 1) and loss.symbol.name in gone, "no scalar of the run")
    for e in gone.values():
        need(e.index is None and not model.is_definition(e), f"{e.name} is not of the whole run")
    used = (
        _names(goal.left) | _names(goal.right) | {name for e in model.equations for name in {e.name, *_names(e.right)}}
    )
    need(step.name not in {*used, *model.loss_by_name}, "the running sum is not new")
    need(step.index is not None and (step.first, step.last, step.id) == (None, None, ""), "not a sum over all steps")
    whole = next((e for e in gone.values() if _is_sum_of(e, step, model)), None)
    need(whole is not None and whole.left != loss.symbol, "not the summands")
    assert whole is not None
    factor, beside = _parted(whole, model)
    fixed_names = set().union(*map(_names, beside), *(_names(e.right) for e in gone.values() if e is not whole))
    need(
        not _sources(fixed_names - set(gone), model) & (_moving(goal) - {whole.name}),
        "a derivative moves E beside the sum",
    )
    hidden = {*gone} - {str(loss.symbol.name)}
    for formula in (child.left, child.right, *(e.right for e in made.equations)):
        need(not _names(formula) & hidden, "what lies between the sum and E is named")
        _check_scalar(formula, loss.symbol)
    need(not any(name in gone for other in model.losses for name, _ in other.parts), "another loss sees it")
    through = matmul(1 / factor, Gradient(loss.symbol, step.left.at(model.time.last)))

    def moved(expr: Any) -> Any:
        if isinstance(expr, DerivativeNode):
            return through if expr == Gradient(loss.symbol, whole.left) else expr
        return mapped(expr, moved)

    sides = {"left": moved(goal.left), "right": moved(goal.right)}
    need(child == replace(goal, **sides, model=made), "not of that loss")


def _is_sum_of(whole: Equation, step: Equation, model: Model) -> bool:
    """Whether y_j = y_{j-1} + b_j has the summands of this equation."""
    before = step.left.at(step.index - 1)
    sums = [term.args[-1] if isinstance(term, sp.MatMul) else term for term in _summed(whole)]
    bodies = [substitute(total.body, {total.index: step.index}) for total in sums]
    return bool(bodies) and axes(whole.left) == axes(step.left) and step.right == matadd(before, *bodies)


def _summed(whole: Equation) -> Iterator[Any]:
    """The terms that are a number times a sum over steps."""
    for term in sp.MatAdd.make_args(whole.right):
        *numbers, inner = term.args if isinstance(term, sp.MatMul) else (term,)
        if isinstance(inner, TimeSum) and not any(isinstance(number, sp.MatrixExpr) for number in numbers):
            yield term


def _parted(whole: Equation, model: Model) -> tuple[Any, list[Any]]:
    """The number of all sums over the steps, which is not 0, and the terms beside them."""
    need(isinstance(whole.left, sp.MatrixSymbol), "no tensor of the whole run")
    terms = list(_summed(whole))
    numbers = {sp.Mul(*(a for a in term.args if not isinstance(a, sp.MatrixExpr))) if isinstance(term, sp.MatMul) else sp.S.One
               for term in terms}  # fmt: skip
    need(len(numbers) == 1, "sums with different factors")
    (number,) = numbers
    first, last = sp.Integer(model.time.first), model.time.last
    base, power = number.as_coeff_Mul()[1].as_base_exp()
    need(number != 0 and (base == 1 or (base == last and power.is_Integer and first > 0)), "the factor may be 0")
    for term in terms:
        total = term.args[-1] if isinstance(term, sp.MatMul) else term
        need((total.lo, total.hi) == (first, last), "a sum over other steps")
        need(not any(isinstance(n, DerivativeNode) for n in sp.preorder_traversal(total)), "a sum of derivatives")
    return number, [term for term in sp.MatAdd.make_args(whole.right) if term not in terms]


def _check_scalar(expr: Any, loss: Any) -> None:
    """E stands where a total derivative is taken of it, nowhere else."""
    if isinstance(expr, DerivativeNode) and expr.what == loss:
        need(expr.mode == "total" and loss.name not in _names(expr.by), "no total derivative of E")
        return
    need(expr != loss, "the value of E")
    for arg in expr.args:
        _check_scalar(arg, loss)


def _moving(goal: Claim) -> set[str]:
    """The names by which the claim and its model differentiate."""
    formulas = (goal.left, goal.right, *(e.right for e in goal.model.equations))
    nodes = [n for formula in formulas for n in sp.preorder_traversal(formula) if isinstance(n, DerivativeNode)]
    return set().union(*(_names(n.by) for n in nodes))


def _sources(names: set[str], model: Model) -> set[str]:
    """These names and all that they are computed from."""
    found, todo = set[str](), set(names)
    while todo:
        name = todo.pop()
        found.add(name)
        made = _names(model.by_name[name].right) if name in model.by_name else set[str]()
        parts = {part for part, _ in model.loss_by_name[name].parts} if name in model.loss_by_name else set[str]()
        todo |= (made | parts) - found
    return found


def _names(expr: Any) -> set[str]:
    return {str(node.name) for node in sp.preorder_traversal(expr) if isinstance(node, Member | sp.MatrixSymbol)}


# --- one gradient along a running sum ---------------------------------------------------------------------------------


def _carried(node: Any, known: Facts, model: Model, to: Any) -> Any:
    """∂E/∂y_a = ∂E/∂y_b where y_k = y_{k-1} + b_k at every step, E sees y_T alone of them, and nothing else reads y."""
    need(type(node) is Gradient and node.mode == "total" and isinstance(node.by, Member), "no gradient of a step")
    loss, e = model.loss_by_name.get(str(getattr(node.what, "name", ""))), model.by_name.get(node.by.name)
    if loss is None or e is None:
        raise Rejected("no loss of a running sum")
    need(e.index is not None and (e.first, e.last) == (None, None) and isinstance(e.right, sp.MatAdd), "no running sum")
    before = e.left.at(e.index - 1)
    others = [term for term in e.right.args if term != before]
    need(len(others) == len(e.right.args) - 1 and not any(e.name in _names(term) for term in others), "no running sum")
    need(not any(e.name in _names(other.right) for other in model.equations if other is not e), "it is read elsewhere")
    need([place for name, place in loss.parts if name == e.name] == ["last"], "E sees it at other steps")
    need(node.by.time != to, "it stands there already")
    first, last = sp.Integer(model.time.first), model.time.last
    for step in (node.by.time, to):
        need(follows(step - first + 1, known) and follows(last - step, known), "no step of the run")
    return Gradient(node.what, node.by.at(to))


REWRITES = ("carried",)


def on(model: Model, step: Any) -> Callable[[Any, Facts], Any]:
    """The rewrite of a certificate's step, which knows the equations."""
    to = decode(step["to"])
    return lambda node, known: _carried(node, known, model, to)


RULES = {rule.__name__: rule for rule in (fixed, running)}
