"""What `backproof derive` and `backproof models` print."""

from __future__ import annotations

from collections.abc import Sequence

from derive.document import as_document, as_latex, as_text
from derive.errors import BackproofError
from derive.language.show import show, show_name
from derive.models.registry import Options, System, choices_of
from derive.models.systems import system, systems


def printed(
    name: str,
    *,
    wrt: Sequence[str] = (),
    form: str = "text",
    loss: str = "last",
    partial: str = "",
    layout: str = "numerator",
    vec: str = "column",
    bias: bool = False,
) -> str:
    """A system's derivations as text, latex or md. Raises `BackproofError` for what the system does not have."""
    chosen = system(name, **_choices(name, loss=loss, bias=bias))
    options = Options(layout, vec, partial)
    names: Sequence[str | None] = wrt or [None]
    found = [derivation for one in names for derivation in chosen.quantities(one, options)]
    if not found:
        raise BackproofError(f"{name} derives nothing of that kind")
    if form == "md":
        return as_document(chosen.title, found, layout, vec)
    return as_latex(found, layout) if form == "latex" else as_text(found)


def _choices(name: str, **wanted: str | bool) -> dict[str, str | bool]:
    """The choices that a system's builder takes; one that it does not take must be at its default."""
    known = choices_of(name)
    defaults: dict[str, str | bool] = {"loss": "last", "bias": False}
    for key, value in wanted.items():
        if key not in known and value != defaults[key]:
            raise BackproofError(f"{name} has no choice of {key}")
    return {key: value for key, value in wanted.items() if key in known}


def described() -> str:
    """Every system with its equations and the names that it uses."""
    return "\n\n".join(_description(system(name)) for name in systems())


def _description(one: System) -> str:
    lines = [f"{one.name}: {one.title}"]
    lines += [f"  {show(equation.left)} = {show(equation.right)}" for equation in one.model.equations]
    lines += [f"  {loss.symbol}: {', '.join(_scope(part) for part in loss.parts)}" for loss in one.model.losses]
    lines.append(f"  derives by: {', '.join(sorted({quantity.wrt for quantity in one.asked}))}")
    return "\n".join(lines)


def _scope(part: tuple[str, str]) -> str:
    family, scope = part
    return f"a function of {show_name(family)} at {'the last step' if scope == 'last' else 'every step'}"
