"""Functions that a user defines: the rule for the derivative is a claim, and is used once it is settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import sympy as sp

from derive.language.build import diag
from derive.language.derivatives import DerivativeNode, Jacobian
from derive.language.functions import ElementwiseFunction
from derive.language.laws import OPAQUE, PLACE, Law, law_of
from derive.language.nodes import Elementwise
from derive.language.show import show
from derive.model import Model
from derive.rules.entrywise import slope_of
from derive.rules.rewriting import rebuilt
from verify.blocks import reached
from verify.claim import Claim
from verify.verdict import Verdict

PRIME = "'"
Settler = Callable[[Claim], Verdict]


def has_own_functions(claim: Claim) -> bool:
    """Whether a function that a user defined is reached."""
    return next(_laws(claim), None) is not None


def settled(claim: Claim, settle: Settler) -> Verdict:
    """A claim with each function of the user's own written out.

    f⁽ᵏ⁾ is written by the rule for f', which is settled first; a rule that is not good leaves the claim undecided, and
    what rests on a rule that is only tested is no better known than that. A function without a value stays unknown:
    what holds for every f holds for it.
    """
    laws = dict.fromkeys(_laws(claim))
    names = [law.function for law in laws]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        return Verdict("undecided", f"two functions are called {twice}, and they differ")
    used: list[str] = []
    tested: list[str] = []
    for law in laws:
        highest = 0 if law.value is None else max(node.order for node in _nodes(claim) if law_of(node) == law)
        for order in range(1, highest + 1):
            verdict = settle(check_of(law, order))
            if verdict.verdict not in ("proved", "tested"):
                return Verdict("undecided", f"{_rule(law, order)} is {verdict.verdict}: {verdict.message}")
            used.append(f"{_rule(law, order)} ({verdict.verdict})")
            tested += [_rule(law, order)] if verdict.verdict == "tested" else []
    verdict = settle(_expanded(claim))
    if tested:
        verdict = _resting_on(tested[0], verdict)
    unknown = next((law for law in laws if law.value is None), None)
    if unknown is not None and verdict.verdict not in ("proved", "tested"):
        return Verdict("undecided", f"{_without_value(unknown)}; as a claim about every f it is {verdict.verdict}")
    return replace(verdict, assumptions=(*verdict.assumptions, *used))


def _resting_on(rule: str, verdict: Verdict) -> Verdict:
    """A verdict on a claim in which f' is written by a rule that is only tested: neither proof nor refutation."""
    weaker = {"proved": "tested", "refuted": "undecided"}.get(verdict.verdict, verdict.verdict)
    if weaker == verdict.verdict:
        return verdict
    message = f"{rule} is only tested; with it the claim is {verdict.verdict}: {verdict.message}"
    return replace(verdict, verdict=weaker, reason=None, message=message, certificate=None, counterexample=None)


def _without_value(law: Law) -> str:
    return f"{_rule(law)} is assumed, and nothing says what {law.function} is: give its value"


def function(f: ElementwiseFunction, settle: Settler) -> Verdict:
    """Whether the rule for f' is the derivative of f's value."""
    if f.law is None:
        return Verdict("undecided", f"{f.name} has neither a value nor a rule of its own")
    if f.law.value is None:
        return Verdict("undecided", _without_value(f.law))
    return settle(check_of(f.law))


def check_of(law: Law, order: int = 1) -> Claim:
    """∂f(z)/∂z = diag(rule(z)) with f written out: the rule is right, and f acts entry by entry; of f'' alike."""
    lower, slope = (_written_out(law.at(_formula(law, k), PLACE)) for k in (order - 1, order))
    return Claim(Jacobian(lower, PLACE), diag(slope), Model(()))


def _formula(law: Law, order: int) -> Any:
    return slope_of(law, order) if order else law.value


def _rule(law: Law, order: int = 1) -> str:
    return f"{law.function}{PRIME * order}(z) = {show(slope_of(law, order))}"


def _expanded(claim: Claim) -> Claim:
    left, right = _written_out(claim.left), _written_out(claim.right)
    return replace(claim, left=left, right=right, model=with_values(claim.model))


def with_values(model: Model) -> Model:
    """The model with each function of the user's own written out."""
    equations = tuple(replace(equation, right=_written_out(equation.right)) for equation in model.equations)
    return Model(equations, model.losses, model.time)


def _written_out(expr: Any) -> Any:
    """Every f⁽ᵏ⁾(A) of a user's own f by what is known of it."""
    law = law_of(expr)
    if law is not None and law.value is None:
        return Elementwise(expr.args[0], OPAQUE, expr.order, _written_out(expr.argument))
    if law is not None:
        return _written_out(law.at(_formula(law, expr.order), _written_out(expr.argument)))
    if isinstance(expr, DerivativeNode):
        return expr.func(_written_out(expr.what), expr.by, expr.mode)
    if not isinstance(expr, sp.MatrixExpr):
        return expr
    args = tuple(_written_out(arg) for arg in expr.args)
    return expr if args == expr.args else rebuilt(expr, args)


def _nodes(claim: Claim) -> Iterator[Any]:
    for formula in reached(claim):
        yield from sp.preorder_traversal(formula)


def _laws(claim: Claim) -> Iterator[Law]:
    return (law for node in _nodes(claim) if (law := law_of(node)) is not None)
