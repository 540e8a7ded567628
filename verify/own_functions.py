"""Functions that a user defines: the rule for the derivative is a claim, and is used once it is settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import sympy as sp

from derive.errors import RuleError
from derive.language.build import diag
from derive.language.derivatives import DerivativeNode, Jacobian
from derive.language.functions import ElementwiseFunction
from derive.language.laws import PLACE, Law, law_of
from derive.language.show import show
from derive.model import Equation, Model
from derive.rules.entrywise import slope_of
from derive.rules.rewriting import rebuilt
from verify.blocks import reached
from verify.claim import Claim
from verify.verdict import Verdict

Settler = Callable[[Claim], Verdict]


def has_own_functions(claim: Claim) -> bool:
    """Whether a function that a user defined is reached."""
    return next(_laws(claim), None) is not None


def settled(claim: Claim, settle: Settler) -> Verdict:
    """A claim with each function of the user's own written out.

    f⁽ᵏ⁾ is written by the rule for f', which is settled first; a rule that is not good leaves the claim undecided.
    """
    laws = dict.fromkeys(_laws(claim))
    names = [law.function for law in laws]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        return Verdict("undecided", f"two functions are called {twice}, and they differ")
    used: list[str] = []
    for law in laws:
        if law.value is None:
            return Verdict("undecided", f"{_rule(law)} is assumed, and nothing says what {law.function} is: give its value")
        if any(law_of(node) == law and node.order for node in _nodes(claim)):
            verdict = settle(check_of(law))
            if verdict.verdict not in ("proved", "tested"):
                return Verdict("undecided", f"{_rule(law)} is {verdict.verdict}: {verdict.message}")
            used.append(f"{_rule(law)} ({verdict.verdict})")
    verdict = settle(_expanded(claim))
    return replace(verdict, assumptions=(*verdict.assumptions, *used))


def function(f: ElementwiseFunction, settle: Settler) -> Verdict:
    """Whether the rule for f' is the derivative of f's value."""
    if f.law is None:
        return Verdict("undecided", f"{f.name} has neither a value nor a rule of its own")
    if f.law.value is None:
        return Verdict("undecided", f"{_rule(f.law)} is assumed, and nothing says what {f.name} is: give its value")
    return settle(check_of(f.law))


def check_of(law: Law) -> Claim:
    """∂f(z)/∂z = diag(rule(z)) with f written out: the claim that the rule is right, and that f acts entry by entry."""
    value = law.at(law.value, PLACE)
    return Claim(Jacobian(value, PLACE), diag(_written_out(law.at(slope_of(law), PLACE))), Model(()))


def _rule(law: Law) -> str:
    return f"{law.function}'(z) = {show(slope_of(law))}"


def _expanded(claim: Claim) -> Claim:
    model = claim.model
    equations = tuple(_equation(equation) for equation in model.equations)
    made = Model(equations, model.losses, model.time)
    return replace(claim, left=_written_out(claim.left), right=_written_out(claim.right), model=made)


def _equation(equation: Equation) -> Equation:
    return replace(equation, right=_written_out(equation.right))


def _written_out(expr: Any) -> Any:
    """Every f⁽ᵏ⁾(A) of a user's own f by what is known of it."""
    law = law_of(expr)
    if law is not None:
        formula = law.value if expr.order == 0 else slope_of(law, expr.order)
        return _written_out(law.at(formula, _written_out(expr.argument)))
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
