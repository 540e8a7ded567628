"""Applying rules: the theorem of a rule, replacement inside a formula, and the one contract, that axes are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derive.errors import RuleError
from derive.language.build import matadd, matmul
from derive.language.derivatives import DerivativeNode
from derive.language.nodes import Blocks
from derive.language.shapes import axes
from derive.language.show import show

Rule = Callable[..., Any]


@dataclass(frozen=True)
class Step:
    """One line of a derivation: by `rule`, before = after. Both are whole formulas of the language."""

    rule: str
    before: Any
    after: Any
    names: tuple[str, ...] = ()  # the functions that did it


def theorem(rule: Rule) -> str:
    """The first line of a rule's docstring: what it says."""
    if not rule.__doc__:
        raise RuleError(f"the rule {rule.__name__} states no theorem")
    return rule.__doc__.strip().splitlines()[0].strip().rstrip(".")


def step(rules: Iterable[Rule], before: Any, after: Any) -> Step:
    """The step that these rules make together; its two sides must have the same axes."""
    used = tuple(dict.fromkeys(rules))
    check_axes_kept(", ".join(rule.__name__ for rule in used), before, after)
    return Step("; ".join(theorem(rule) for rule in used), before, after, tuple(rule.__name__ for rule in used))


def missing(what: str, expr: Any) -> RuleError:
    """The refusal of a node without a rule, with another way to write it where there is one."""
    advice = ": write W [a; b] as W_a a + W_b b, each with a matrix of its own" if isinstance(expr, Blocks) else ""
    return RuleError(f"no rule for the {what} {type(expr).__name__}: {show(expr)}{advice}")


def check_axes_kept(name: str, before: Any, after: Any) -> None:
    """The contract of every rule: what it gives has the axes of what it was given."""
    old, new = axes(before), axes(after)
    if old != new:
        raise RuleError(f"the rule {name} turned {show(before)} ({old}) into {show(after)} ({new})")


def rebuilt(expr: Any, args: tuple[Any, ...]) -> Any:
    """The same operation on other arguments; sums in sums and products in products are flattened."""
    if isinstance(expr, sp.MatMul):
        return matmul(*args)
    if isinstance(expr, sp.MatAdd):
        return matadd(*args)
    return sp.Basic.__new__(type(expr), *args) if type(expr).__module__.startswith("sympy") else expr.func(*args)


def everywhere(rule: Rule, expr: Any) -> Any:
    """The rule at every node where it applies, innermost first; what stands inside a derivative is left as written."""
    if not getattr(expr, "is_Matrix", False):
        return expr
    inner = () if isinstance(expr, DerivativeNode) else expr.args
    args = tuple(everywhere(rule, arg) for arg in inner) or expr.args
    current = expr if args == expr.args else rebuilt(expr, args)
    found = rule(current)
    if found is None:
        return current
    check_axes_kept(rule.__name__, current, found)
    return found


def replaced(expr: Any, old: Any, new: Any) -> Any:
    """Every occurrence of one subformula replaced by another."""
    return everywhere(lambda node: new if node == old else None, expr) if expr != old else new


def open_nodes(expr: Any, is_open: Callable[[Any], bool]) -> list[Any]:
    """The outermost nodes that satisfy a test, leftmost first."""
    if is_open(expr):
        return [expr]
    if isinstance(expr, DerivativeNode):
        return []
    return [node for arg in getattr(expr, "args", ()) for node in open_nodes(arg, is_open)]
