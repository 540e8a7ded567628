"""Sums over the steps in equations of the whole run, for the checker, which has nothing of `summing`.

Such an equation is Y = c Σ_j b_j + r. Where a derivative moves no b_j, the sum is any tensor. Where it moves them, and
nothing else that leads from Y to the scalar E, E is a function of y_T alone, y_j = y_{j-1} + b_j from y_0 = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sympy as sp

from derive.language.build import matadd, matmul
from derive.language.derivatives import DerivativeNode, Gradient
from derive.language.nodes import Member, TimeSum
from derive.language.shapes import axes
from derive.language.substitute import free_letters, substitute
from derive.model import Equation, Model
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
    sums = {decode(symbol): decode(total) for symbol, total in node["inputs"]}
    moving = _moving(goal)
    need(len({symbol.name for symbol in sums}) == len(node["inputs"]) > 0, "two inputs of one name")
    for symbol, total in sums.items():
        need(isinstance(symbol, sp.MatrixSymbol) and symbol.name not in _used(goal), "the input is not new")
        need(axes(symbol) == axes(total), "another shape")
        need(not any(isinstance(n, DerivativeNode) for n in sp.preorder_traversal(total)), "a derivative is no input")
        steps = {letter for letter in free_letters(total) if not letter.is_positive}
        need(steps <= {model.time.last}, "a free step")
        need(not _sources(_names(total), model) & moving, "a derivative moves it")
    for old, new in zip(model.equations, made.equations, strict=True):
        if old != new:
            need(old.index is None, "an equation of a step")
            need(old == replace(new, right=substitute(new.right, sums)), "the equation says something else")


def running(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """P for E = Φ(c Σ_j b_j + r, s_T), if P for every loss E of y_T and s_T, y_j = y_{j-1} + b_j, ∂E/∂Y = ∂E/∂y_T / c.

    Derivatives move Φ and r through s_T alone; Y, and what lies between it and E, is named nowhere else. Several sums
    likewise.
    """
    model, made, loss = goal.model, child.model, child.model.losses[-1]
    kept = [e for e in made.equations if e in model.equations]
    steps = [e for e in made.equations if e not in model.equations]
    gone = {e.name: e for e in model.equations if e not in kept}
    need(not goal.assumptions, "something is assumed")
    need([e for e in model.equations if e in kept] == kept and made.equations == (*kept, *steps), "other equations")
    need((made.losses[:-1], made.time) == (model.losses, model.time), "other losses or time")
    need(loss.symbol.shape == (1, 1) and loss.symbol.name in gone, "no scalar of the run")
    for e in gone.values():
        need(e.index is None and not model.is_definition(e), f"{e.name} is not of the whole run")
    wholes = [_whole_of(step, goal, gone) for step in steps]
    need(len({whole.name for whole in wholes}) == len(steps) > 0, "two running sums of one sum")
    need(all(whole.left != loss.symbol for whole in wholes), "E is the sum itself")
    _check_beside(goal, gone, wholes, loss.parts[len(steps) :])
    need(loss.parts[: len(steps)] == tuple((step.name, "last") for step in steps), "not a loss of the last sums")
    _check_hidden(child, set(gone) - {str(loss.symbol.name)}, loss.symbol)
    need(not any(name in gone for other in model.losses for name, _ in other.parts), "another loss sees it")
    pairs = {}
    for whole, step in zip(wholes, steps, strict=True):
        through = Gradient(loss.symbol, step.left.at(model.time.last))
        pairs[Gradient(loss.symbol, whole.left)] = matmul(1 / _factor(whole, model), through)

    def moved(expr: Any) -> Any:
        return pairs.get(expr, expr) if isinstance(expr, DerivativeNode) else mapped(expr, moved)

    need(child == replace(goal, left=moved(goal.left), right=moved(goal.right), model=made), "not of that loss")


def _whole_of(step: Equation, goal: Claim, gone: dict[str, Equation]) -> Equation:
    """The equation whose sums y_j = y_{j-1} + b_j runs over; y is new."""
    need(step.name not in _used(goal), "the running sum is not new")
    need(step.index is not None and (step.first, step.last, step.id) == (None, None, ""), "not a sum over all steps")
    found = [e for e in gone.values() if _is_sum_of(e, step)]
    need(len(found) == 1, "not the summands of one sum")
    return found[0]


def _is_sum_of(whole: Equation, step: Equation) -> bool:
    index: Any = step.index
    sums = [term.args[-1] if isinstance(term, sp.MatMul) else term for term in _summed(whole)]
    bodies = [substitute(total.body, {total.index: index}) for total in sums]
    if not bodies or axes(whole.left) != axes(step.left):
        return False
    return bool(step.right == matadd(step.left.at(index - 1), *bodies))


def _summed(whole: Equation) -> list[Any]:
    """The terms that are a number times a sum over steps."""
    found = []
    for term in sp.MatAdd.make_args(whole.right):
        *numbers, inner = term.args if isinstance(term, sp.MatMul) else (term,)
        if isinstance(inner, TimeSum) and not any(isinstance(number, sp.MatrixExpr) for number in numbers):
            found.append(term)
    return found


def _factor(whole: Equation, model: Model) -> Any:
    """The number of all sums in an equation, which is not 0; they are over all steps."""
    need(isinstance(whole.left, sp.MatrixSymbol), "no tensor of the whole run")
    first, last, found = sp.Integer(model.time.first), model.time.last, set[Any]()
    for term in _summed(whole):
        *numbers, total = term.args if isinstance(term, sp.MatMul) else (term,)
        need((total.lo, total.hi) == (first, last), "a sum over other steps")
        need(not any(isinstance(n, DerivativeNode) for n in sp.preorder_traversal(total)), "a sum of derivatives")
        found.add(sp.Mul(*numbers))
    need(len(found) == 1, "sums with different factors")
    (number,) = found
    base, power = number.as_coeff_Mul()[1].as_base_exp()
    need(number != 0 and (base == 1 or (base == last and power.is_Integer and first > 0)), "the factor may be 0")
    return number


def _check_beside(goal: Claim, gone: dict[str, Equation], wholes: list[Equation], states: Any) -> None:
    """Beside the sums, derivatives move what is read of the states alone, and of these the last step's."""
    model, last = goal.model, goal.model.time.last
    moving = _moving(goal) - {whole.name for whole in wholes}
    for name, place in states:
        need(place == "last" and (model.produced(name) or (0, 0))[1] == last, "no state of the last step")
    beside = [e.right for e in gone.values() if e not in wholes]
    beside += [term for e in wholes for term in sp.MatAdd.make_args(e.right) if term not in _summed(e)]
    for n in (n for part in beside for n in sp.preorder_traversal(part)):
        if isinstance(n, Member | sp.MatrixSymbol) and n.name not in gone:
            is_state = (n.name, "last") in states and isinstance(n, Member) and n.indices == (last,)
            need(is_state or not _sources({str(n.name)}, model) & moving, "a derivative moves E beside the sum")


def _check_hidden(child: Claim, hidden: set[str], loss: Any) -> None:
    """No formula names what lies between a sum and E, and E stands where a total derivative is taken of it."""
    for formula in (child.left, child.right, *(e.right for e in child.model.equations)):
        need(not _names(formula) & hidden, "what lies between the sum and E is named")
        _check_scalar(formula, loss)


def _check_scalar(expr: Any, loss: Any) -> None:
    if isinstance(expr, DerivativeNode) and expr.what == loss:
        need(expr.mode == "total" and loss.name not in _names(expr.by), "no total derivative of E")
        return
    need(expr != loss, "the value of E")
    for arg in expr.args:
        _check_scalar(arg, loss)


def _used(goal: Claim) -> set[str]:
    """All names of a claim and its model."""
    equations = goal.model.equations
    named = set().union(*({e.name, *_names(e.right)} for e in equations), _names(goal.left), _names(goal.right))
    return named | set(goal.model.loss_by_name)


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
    index: Any = e.index
    need(index is not None and (e.first, e.last) == (None, None) and isinstance(e.right, sp.MatAdd), "no running sum")
    before = e.left.at(index - 1)
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
