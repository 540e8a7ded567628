"""Where a derivative exists only off a kink: the hypothesis z ≠ 0 behind every derivative of a relu."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.language.derivatives import DerivativeNode
from derive.language.functions import KINKED
from derive.language.nodes import Elementwise, Member
from derive.language.show import show
from verify.blocks import reached
from verify.claim import Claim


def kinks(claim: Claim) -> tuple[str, ...]:
    """The hypotheses `Net[t] ≠ 0 in every entry (relu has a kink at 0)` under which a claim is made.

    One for each argument of a relu, plain or leaky, whose slope the claim needs: because f' is written somewhere, or
    because something that is computed with f is differentiated. The value of a relu needs none. A family is named once,
    as an equation names it where one does: Net[t] at every step.
    """
    formulas = list(reached(claim))
    nodes = [node for formula in formulas for node in sp.preorder_traversal(formula)]
    is_differentiated = any(isinstance(node, DerivativeNode) for node in nodes)
    found = {_subject(node): _hypothesis(node) for node in nodes if _is_kinked(node, is_differentiated)}
    return tuple(sorted(found.values()))


def _is_kinked(node: Any, is_differentiated: bool) -> bool:
    return isinstance(node, Elementwise) and node.kind in KINKED and (node.order > 0 or is_differentiated)


def _subject(node: Elementwise) -> tuple[str, Any]:
    argument = node.argument
    return node.kind, argument.name if isinstance(argument, Member) else argument


def _hypothesis(node: Elementwise) -> str:
    return f"{show(node.argument)} ≠ 0 in every entry ({node.kind} has a kink at 0)"
