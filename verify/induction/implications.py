"""Goals from goals, for the checker: what a rule needs to say that its goal follows from the goals below it.

Each function takes the certificate's node, the goal, the hypotheses known there and the goals below; it raises
`Rejected` where the goal does not follow, and returns the hypotheses that each goal below may use (None: none).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import sympy as sp

from derive.language.build import matadd, matmul, transpose
from derive.language.derivatives import Collect, DerivativeNode, FamilyDerivative, Gradient, Jacobian
from derive.language.nodes import Member, Scale, TimeSum
from derive.language.substitute import free_letters, substitute
from derive.model import Equation, Loss, Model, members
from verify.claim import Claim, Condition, Index
from verify.induction import chains, linearity, mirrors, sums
from verify.induction.certificate import decode
from verify.induction.redone import REWRITES, Hypothesis, follows, is_range, known_of, mapped, need, rewritten

Known = tuple[Hypothesis, ...]


def scope(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """The claim where its members exist: the ranges below hold all of that, and drop nothing else."""
    need(child == replace(goal, indices=child.indices, conditions=child.conditions), "another claim")
    need([i.letter for i in child.indices] == [i.letter for i in goal.indices], "other letters")
    facts = (*known_of(goal), *(fact for side in (goal.left, goal.right) for fact in _existing(side, goal.model)))
    for index in child.indices:
        need(follows(index.letter - index.first, facts) and follows(index.last - index.letter, facts), "narrower")
    for c in child.conditions:
        need(c in goal.conditions or (c.relation == "<=" and follows(c.right - c.left, facts)), "narrower")


def _existing(expr: Any, model: Model) -> Iterator[Any]:
    """What the existence of the members and ranges outside of ranges says of their letters."""
    if is_range(expr):
        yield sp.expand(expr.hi - expr.lo + 1)
        return
    if isinstance(expr, Member) and expr.indices:
        spans = model.spans(expr.name)
        for low, _ in spans:
            if all((lo - low).is_nonnegative for lo, _ in spans):
                yield sp.expand(expr.time - low)
        for _, high in spans:
            if all((high - hi).is_nonnegative for _, hi in spans):
                yield sp.expand(high - expr.time)
    for arg in expr.args:
        if isinstance(arg, sp.MatrixExpr):
            yield from _existing(arg, model)


def restrict(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """The claim with some equations dropped: what they define is not used, or a free input that no derivative moves."""
    model, kept = goal.model, child.model
    need(child == replace(goal, model=kept) and kept.time == model.time, "another claim")
    need([e for e in model.equations if e in kept.equations] == list(kept.equations), "other equations")
    need([loss for loss in model.losses if loss in kept.losses] == list(kept.losses), "other losses")
    dropped = {e.name for e in model.equations} - {e.name for e in kept.equations}
    lost = set(model.loss_by_name) - set(kept.loss_by_name)
    used = _computed_from(_names(goal.left) | _names(goal.right), kept)
    need(not lost & used, "a loss is used")
    need(not any(name in dropped for loss in kept.losses for name, _ in loss.parts), "a loss sees what is dropped")
    used_formulas = (goal.left, goal.right, *(e.right for e in kept.equations if e.name in used))
    nodes = [n for formula in used_formulas for n in sp.preorder_traversal(formula) if isinstance(n, DerivativeNode)]
    moving = {name for n in nodes for name in _names(n.by)}
    for name in dropped & used:
        need(not _computed_from({name}, model) & moving, f"{name} moves")


def _computed_from(names: set[str], model: Model) -> set[str]:
    found, todo = set[str](), set(names)
    while todo:
        name = todo.pop()
        found.add(name)
        made = [model.by_name[name].right] if name in model.by_name else []
        parts = {part for part, _ in model.loss_by_name[name].parts} if name in model.loss_by_name else set[str]()
        todo |= parts.union(*(_names(formula) for formula in made)) - found
    return found


def rewrite(node: Any, goal: Claim, known: Known, child: Claim) -> list[Known]:
    """Both sides rewritten, each rewrite an equality."""
    for step in node["steps"]:
        goal = _rewritten(goal, step, known)
    need(child == goal, "the rewrites lead elsewhere")
    return [known]


def _rewritten(goal: Claim, step: Any, known: Known) -> Claim:
    if step["rule"] == "flatten":
        return replace(goal, left=_flat(goal.left), right=_flat(goal.right))
    need(step["side"] in ("left", "right"), "no such side")
    if step["rule"] == "hypothesis":
        need(known, "no hypothesis here")
        change = known[-1].put(goal, step)
    elif step["rule"] in chains.REWRITES:
        need(not goal.assumptions, "something is assumed")
        change = chains.on(goal.model, step["rule"])
    elif step["rule"] in sums.REWRITES:
        need(not goal.assumptions, "something is assumed")
        change = sums.on(goal.model, step)
    else:
        change = REWRITES[step["rule"]]
    return replace(goal, **{step["side"]: rewritten(getattr(goal, step["side"]), step["at"], known_of(goal), change)})


def _flat(expr: Any) -> Any:
    return mapped(expr, _flat)


def termwise(node: Any, goal: Claim, known: Known, child: Claim) -> list[Known]:
    """Σ_k A_k = Σ_k B_k over one range, if A_k = B_k at each k of it."""
    left, right, letter = goal.left, goal.right, _fresh(node["letter"], goal)
    need(isinstance(left, TimeSum) and isinstance(right, TimeSum), "not both sides are sums")
    need(sp.expand(left.hi - left.lo - right.hi + right.lo) == 0, "the ranges differ in length")
    a = substitute(left.body, {left.index: letter})
    b = substitute(right.body, {right.index: letter + right.lo - left.lo})
    index = Index(letter, left.lo, left.hi)
    need(child == replace(goal, left=a, right=b, indices=(*goal.indices, index)), "not the terms of the sums")
    return [known]


def down(node: Any, goal: Claim, known: Known, base: Claim, step: Claim) -> list[Known]:
    """P(k) for k = a..b, if P(b), and P(k + 1) gives P(k) for k = a..b-1."""
    letter = decode(node["letter"])
    need(letter in {i.letter for i in goal.indices}, "no index of the claim")
    index = next(i for i in goal.indices if i.letter == letter)
    rest = tuple(i for i in goal.indices if i.letter != letter)
    need(len(rest) == len(goal.indices) - 1, "two indices of one letter")
    need(all(letter not in (i.first + i.last).free_symbols for i in rest), "another range depends on the letter")
    need(all(letter not in (c.left + c.right).free_symbols for c in goal.conditions), "a condition has the letter")
    at = {letter: index.last}
    sides = {side: substitute(getattr(goal, side), at) for side in ("left", "right")}
    nonempty = Condition(index.first, "<=", index.last)
    need(base.conditions in (goal.conditions, (*goal.conditions, nonempty)), "another base")
    need(base == replace(goal, **sides, indices=rest, conditions=base.conditions), "another base")
    need(step == replace(goal, indices=(*rest, Index(letter, index.first, index.last - 1))), "another step")
    return [(), (Hypothesis(goal, letter, 1),)]


def forward(node: Any, goal: Claim, known: Known, start: Claim, step: Claim) -> list[Known]:
    """P(t) for all t, if P(first) where it is the whole run, and P(j - 1) gives P(j); P reads only the past of a step,
    so P(j) in a run to t says what P says in a run to j."""
    last, letter, first = goal.model.time.last, _fresh(node["letter"], goal), sp.Integer(goal.model.time.first)
    need(not goal.indices and not goal.conditions and start == goal, "more than the last step is free")
    _check_past(goal)
    sides = {side: substitute(getattr(goal, side), {last: letter}) for side in ("left", "right")}
    general = replace(goal, **sides, indices=(Index(letter, first, last),))
    need(step == replace(general, indices=(Index(letter, first + 1, last),)), "another step")
    return [(), (Hypothesis(general, letter, -1),)]


def _check_past(goal: Claim) -> None:
    """Whatever the goal names is computed, directly or through other names, from its own and earlier steps alone."""
    model, seen = goal.model, set[str]()
    todo = _names(goal.left) | _names(goal.right)
    while todo:
        name = todo.pop()
        need(name not in model.loss_by_name, f"{name} knows the end of the run")
        equation = model.by_name.get(name)
        if equation is None or name in seen:
            continue
        backs = [equation.index - m.time for m in members(equation.right)] if equation.index is not None else []
        need(equation.index is not None and all(b.is_Integer and b >= 0 for b in backs), f"{name} reads later steps")
        need(model.time.last not in free_letters(equation.right) - {equation.index}, f"{name} knows the end of the run")
        need(equation.last in (None, model.time.last), f"{name} ends early")
        need(equation.first is None or equation.first.is_Integer, f"{name} begins at no number")
        seen.add(name)
        todo |= _names(equation.right)


def ending(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """P(k) for every step k of every run, if P(t) at the last step t of every run: P reads only the past of a step."""
    first, last = sp.Integer(goal.model.time.first), goal.model.time.last
    need(len(goal.indices) == 1 and not goal.conditions, "not one free step")
    (index,) = goal.indices
    need((index.first, index.last) == (first, last), "not every step")
    need(last not in free_letters(goal.left) | free_letters(goal.right), "the claim knows the end of the run")
    _check_past(goal)
    sides = {side: substitute(getattr(goal, side), {index.letter: last}) for side in ("left", "right")}
    need(child == replace(goal, **sides, indices=()), "not the claim at the last step")


def _names(expr: Any) -> set[str]:
    return {str(node.name) for node in sp.preorder_traversal(expr) if isinstance(node, Member | sp.MatrixSymbol)}


def _fresh(letter: Any, goal: Claim) -> sp.Symbol:
    """A letter that a certificate introduces: a step, and new to the goal."""
    symbol = decode(letter)
    taken = {goal.model.time.last, *(i.letter for i in goal.indices)} | goal.left.free_symbols | goal.right.free_symbols
    need(symbol == sp.Symbol(symbol.name, integer=True) and symbol not in taken, f"{symbol} is not fresh")
    return symbol


def _check_new(name: str, goal: Claim) -> None:
    equations = goal.model.equations
    used = (
        {e.name for e in equations}
        | set(goal.model.loss_by_name)
        | {n for loss in goal.model.losses for n, _ in loss.parts}
    )
    used = used.union(*(_names(formula) for formula in (goal.left, goal.right, *(e.right for e in equations))))
    need(name not in used, f"{name} is not new")


def copies(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """∂y/∂v = Σ_j ∂y/∂v_j, where step j reads a copy v_j of its own: of a parameter W, or of the start s_0 as s_{j-b}.

    Every read of v goes through a copy; a copy is of the range of all steps; y is a loss or a member.
    """
    model, source, letter = goal.model, decode(node["of"]), _fresh(node["letter"], goal)
    copy, rest = child.model.equations[0], child.model.equations[1:]
    first, last = sp.Integer(model.time.first), model.time.last
    _check_new(copy.name, goal)
    need(copy.index is not None, "the copies are of no step")
    need((copy.first, copy.last, copy.id) == (None, None, ""), "the copies are not of every step")
    need(child == replace(goal, left=child.left, right=child.right, model=child.model), "another claim")
    need((child.model.losses, child.model.time) == (model.losses, model.time), "another loss or time")
    need(tuple(_inlined(e, copy) for e in rest) == model.equations, "the copies are not what was read")
    definitions = {e.name for e in rest if model.is_definition(e)}
    for e in rest:
        if e.name not in definitions:
            need(not _names(e.right) & definitions, f"{e.name} reads a derivative")
            _check_unread(e, source, first)
            need(e.first is None or follows(e.first - first, known_of(goal)), "a step before the copies")
            need(e.last is None or follows(last - e.last, known_of(goal)), "a step after the copies")
    need(all(source != a.subject for a in goal.assumptions), "something is assumed of the source")
    if isinstance(source, Member):
        back = sp.sympify(copy.index - copy.right.time)
        need(back.is_Integer and source.time + back == first and copy.right == source.at(copy.index - back), "no start")
    else:
        need(copy.right == source and source.name not in {*model.by_name, *model.loss_by_name}, "no parameter")

    def chained(expr: Any) -> Any:
        if not isinstance(expr, DerivativeNode):
            return mapped(expr, chained)
        if expr.mode != "total" or source not in (expr.by, *expr.by.args):
            return expr
        need(not any(isinstance(n, DerivativeNode) or n == source for n in sp.preorder_traversal(expr.what)), "no y")
        need(not _names(expr.what) & definitions, "no y")
        if isinstance(source, Member):
            need(str(expr.what.name) in model.loss_by_name, "a start moves a loss alone")
            return expr.func(expr.what, substitute(expr.by, {source: copy.left.at(first)}))
        by = substitute(expr.by, {source: copy.left.at(letter)})
        return TimeSum(expr.func(expr.what, by), letter, first, last)

    need((child.left, child.right) == (chained(goal.left), chained(goal.right)), "not the derivatives by the copies")


def _inlined(e: Equation, copy: Equation) -> Equation:
    """An equation with what a copy is in the place of its own step's copy."""
    if e.index is None:
        return e
    return replace(e, right=substitute(e.right, {copy.left.at(e.index): copy.at(e.index)}))


def _check_unread(e: Equation, source: Any, first: sp.Integer) -> None:
    """An equation reads a parameter through its copies alone; of s it reads at most s at its own, later step."""
    if not isinstance(source, Member):
        need(str(source.name) not in _names(e.right), f"{e.name} reads {source} itself")
        return
    starts = first if e.first is None else e.first
    for m in members(e.right):
        need(m.name != source.name or (e.index == m.time and starts > source.time), f"{e.name} reads {source}")
    need(e.name != source.name or starts > source.time, f"{source} is computed")


def generalise(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """What holds at every step holds at the first."""
    letter, first = _fresh(node["letter"], goal), sp.Integer(goal.model.time.first)
    sides = {side: substitute(getattr(child, side), {letter: first}) for side in ("left", "right")}
    index = Index(letter, first, goal.model.time.last)
    need(goal == replace(child, **sides, indices=child.indices[:-1]) and child.indices[-1] == index, "no instance")


def accumulate(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """E = Σ_k ℓ_k is φ(L_t) with L_k = L_{k-1} + ℓ_k for φ the identity and L_0 = 0, where ∂E/∂L_k = 1."""
    model, made = goal.model, child.model
    *others, total = made.equations
    loss = made.losses[-1]
    definition = model.by_name[str(loss.symbol.name)]
    need(tuple(e for e in model.equations if e is not definition) == tuple(others), "other equations")
    need(made.losses == (*model.losses, Loss(loss.symbol, ((total.name, "last"),))), "other losses")
    need(definition.index is None and definition.left == loss.symbol and made.time == model.time, "no sum over time")
    _check_new(total.name, goal)
    need(not model.is_definition(definition), "the loss is a derivative")
    step: Any = total.index
    need(step is not None and (total.first, total.last, total.id) == (None, None, ""), "not a sum over all steps")
    terms = [_summand(term, step, model) for term in sp.MatAdd.make_args(definition.right)]
    need(total.right == matadd(total.left.at(step - 1), *terms), "not the summands")
    for e in others:
        need(model.is_definition(e) or loss.symbol.name not in _names(e.right), f"{e.name} reads the loss")
        need(not model.is_definition(e) or e.name not in _names(definition.right), "the loss reads a derivative")
    for formula in (goal.left, goal.right, *(e.right for e in others)):
        for n in sp.preorder_traversal(formula):
            is_immediate = isinstance(n, DerivativeNode) and n.what == loss.symbol and n.mode != "total"
            need(not is_immediate, "an immediate derivative of the loss")

    def erased(expr: Any) -> Any:
        return erased(expr.matrix) if isinstance(expr, Scale) and is_weight(expr.scalar) else mapped(expr, erased)

    def is_weight(scalar: Any) -> bool:
        """∂E/∂L_k, the derivative of φ; any other scalar, as a declared μ_k, is the claim's own."""
        by = scalar.by if isinstance(scalar, Gradient) else None
        return isinstance(by, Member) and scalar == Gradient(loss.symbol, total.left.at(*by.indices))

    need(goal == replace(child, left=erased(child.left), right=erased(child.right), model=model), "more than weights")


def _summand(term: Any, step: Any, model: Model) -> Any:
    """c ℓ_k of c Σ_k ℓ_k over all steps."""
    *numbers, inner = term.args if isinstance(term, sp.MatMul) else (term,)
    need(isinstance(inner, TimeSum) and not any(isinstance(n, sp.MatrixExpr) for n in numbers), "no sum over time")
    need((inner.lo, inner.hi) == (model.time.first, model.time.last), "a sum over other steps")
    return matmul(*numbers, substitute(inner.body, {inner.index: step}))


def dual(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """∂y_t/∂x = R if ∂E/∂xᵀ = (∂⁺E/∂y_t)ᵀ R for every loss E of y_t: its gradient there is arbitrary."""
    jacobian, loss = goal.left, child.model.losses[-1]
    need(isinstance(jacobian, Jacobian) and jacobian.mode == "total", "no total Jacobian")
    y, x, last = jacobian.what, jacobian.by, goal.model.time.last
    need(isinstance(y, Member) and isinstance(x, Member) and not y.col_axis + x.col_axis, "not of columns")
    need(y.time == last == (goal.model.produced(y.name) or (None, None))[1], "not a member of the last step")
    _check_new(str(loss.symbol.name), goal)
    model = Model(goal.model.equations, (*goal.model.losses, Loss(loss.symbol, ((y.name, "last"),))), goal.model.time)
    row = transpose(Gradient(loss.symbol, y, "immediate"))
    sides = {"left": transpose(Gradient(loss.symbol, x)), "right": matmul(row, goal.right)}
    need(child == replace(goal, **sides, model=model), "not for every loss")


def loss(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """∂E/∂X = Σ_k (∂⁺E/∂s_k) ∂s_k/∂X over all that an opaque loss E sees."""
    letter = _fresh(node["letter"], goal)

    def chained(expr: Any) -> Any:
        if not isinstance(expr, Gradient) or expr.mode != "total":
            return expr if isinstance(expr, DerivativeNode) else mapped(expr, chained)
        return matadd(*(through(expr, *part) for part in goal.model.loss_by_name[str(expr.what.name)].parts))

    def through(expr: Any, name: str, place: str) -> Any:
        made: Any = goal.model.produced(name)
        left = goal.model.by_name[name].left
        need(made is not None and not left.col_axis, "the loss sees no columns")
        seen = left.at(letter if place == "each" else goal.model.time.last)
        row = transpose(Gradient(expr.what, seen, "immediate"))
        term = Collect(matmul(row, FamilyDerivative(seen, expr.by)))
        return TimeSum(term, letter, *made) if place == "each" else term

    need(child == replace(goal, left=chained(goal.left)), "not the chain rule of the loss")


RULES: dict[str, Callable[..., Any]] = (
    {
        rule.__name__: rule
        for rule in (
            scope,
            restrict,
            rewrite,
            termwise,
            down,
            forward,
            ending,
            copies,
            generalise,
            accumulate,
            dual,
            loss,
        )
    }
    | linearity.RULES
    | chains.RULES
    | mirrors.RULES
    | sums.RULES
)
