"""A model whose open functions are known: f, of which nothing was said, is a tanh called f."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import sympy as sp
from sympy.core.symbol import Str

from derive.errors import BackproofError
from derive.language.functions import KINDS, OPAQUE
from derive.language.keys import plain_key
from derive.language.laws import law_of
from derive.language.nodes import Elementwise
from derive.model import Model
from derive.rules.rewriting import rebuilt


def open_functions(model: Model) -> tuple[str, ...]:
    """The elementwise functions about which a model says nothing, in the order in which equations write them."""
    return tuple(dict.fromkeys(one.name for one in applied(model) if one.kind == OPAQUE and law_of(one) is None))


def applied(model: Model) -> Iterator[Elementwise]:
    """The places at which a model's equations apply an elementwise function."""
    for equation in model.forward:
        for node in sp.preorder_traversal(equation.right):
            if isinstance(node, Elementwise):
                yield node


def with_functions(model: Model, kinds: Mapping[str, str]) -> Model:
    """The model with some of its open functions known, by their plain names.

    Raises `BackproofError` for a function that is not open, and for a kind that is not known.
    """
    unknown = {plain_key(name) or name: name for name in open_functions(model)}
    for name, kind in kinds.items():
        if name not in unknown:
            has = f"leaves {', '.join(unknown)} open" if unknown else "leaves no function open"
            raise BackproofError(f"there is no function or choice {name}: the model {has}")
        if kind not in KINDS:
            near = get_close_matches(kind, KINDS, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BackproofError(f"{name} is one of {', '.join(KINDS)}, not {kind!r}{hint}")
    found = {unknown[name]: kind for name, kind in kinds.items()}
    equations = tuple(replace(e, right=_known(e.right, found)) for e in model.equations)
    return Model(equations, model.losses, model.time)


def _known(expr: Any, kinds: Mapping[str, str]) -> Any:
    args = tuple(_known(arg, kinds) if getattr(arg, "is_Matrix", False) else arg for arg in expr.args)
    made = expr if args == expr.args else rebuilt(expr, args)
    if isinstance(made, Elementwise) and made.name in kinds and made.kind == OPAQUE and law_of(made) is None:
        return Elementwise(made.args[0], Str(kinds[made.name]), made.order, made.argument)
    return made
