"""The page of `backproof derive MODEL --as html`: the model, and each derivation with its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.language.show import show_name
from derive.latex.conventions import Conventions
from derive.model import Loss
from derive.models.registry import System
from derive.printed import asked_for
from derive.quantities import Options
from verify.errors import clean
from verify.report.html.derivations import latex, view
from verify.report.html.page import page as whole_page


def page(chosen: System, wrt: Sequence[str], options: Options, batch: bool = False, memory: str = "full") -> str:
    """A system's derivations as a page. Raises `BackproofError` for what the system does not have."""
    chosen, found = asked_for(chosen, wrt, options, batch, memory)
    shown = [view(one, Conventions(layout=options.layout)) for one in found]
    taken: dict[str, int] = {}
    named = []
    for one in shown:  # an id stands once on a page
        count = taken[one.name] = taken.get(one.name, 0) + 1
        named.append(one if count == 1 else replace(one, name=f"{one.name}'{count}"))
    return whole_page(
        "derivations.html",
        title=clean(chosen.title),
        equations=[f"{latex(e.left)} = {latex(e.right)}" for e in chosen.model.equations],
        losses=[_scope(loss) for loss in chosen.model.losses],
        derivations=named,
    )


def _scope(loss: Loss) -> str:
    """Where a loss looks, in words."""
    steps = {"last": "the last step", "each": "every step"}
    parts = ", ".join(f"{show_name(family)} at {steps[place]}" for family, place in loss.parts)
    return f"The loss {show_name(str(loss.symbol.name))} is any function of {parts}."
