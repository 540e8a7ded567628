"""What a system is, and the registry: it refuses duplicates and explains misses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from typing import Any

from derive.derivation import Derivation
from derive.errors import BackproofError
from derive.model import Model
from derive.quantities import Options, Quantity, quantities_of
from derive.second_order import second_order_of
from derive.sensitivities import sensitivities_of

__all__ = ["Builder", "Options", "Quantity", "System", "build", "choices_of", "names", "register"]


@dataclass(frozen=True)
class System:
    """A model with what `derive` derives for it: all that backpropagation asks, or a list of its own.

    `sum_one` names the families of targets that are assumed to sum to 1, `fixed` the inputs by which nobody asks for
    a gradient. Raises BackproofError where two quantities share an id.
    """

    name: str
    title: str
    model: Model
    own: tuple[Quantity, ...] | None = None
    sum_one: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()

    @cached_property
    def asked(self) -> tuple[Quantity, ...]:
        """The quantities in the order in which they are derived."""
        found = quantities_of(self.model, self.sum_one, self.fixed) if self.own is None else self.own
        ids = [quantity.id for quantity in found]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise BackproofError(f"{self.name} derives {', '.join(twice)} twice")
        return found

    def _asked_in(self, mode: str) -> tuple[Quantity, ...]:
        if mode == "forward":
            return sensitivities_of(self.model)
        return second_order_of(self.model, self.sum_one) if mode == "second" else self.asked

    @property
    def variables(self) -> tuple[str, ...]:
        """The names by which something is derived, sorted."""
        return tuple(sorted({quantity.wrt for quantity in self.asked}))

    def quantities(self, wrt: str | None = None, options: Options | None = None) -> tuple[Derivation, ...]:
        """Everything derived, or what differentiates by one name. Raises BackproofError where there is none."""
        options = options or Options()
        asked = self._asked_in(options.mode)
        variables = sorted({quantity.wrt for quantity in asked})
        if wrt is not None and wrt not in variables:
            expected = ", ".join(variables) or "nothing"
            raise BackproofError(f"{self.name} derives nothing by {wrt!r}; expected one of {expected}")
        chosen = [q for q in asked if wrt in (None, q.wrt) and _is_chosen(q.partial, options.partial)]
        return tuple(q.ask(self.model, options).named(q.id) for q in chosen)


def _is_chosen(partial: str, wanted: str) -> bool:
    return not partial or not wanted or partial == wanted


Builder = Callable[..., System]
_BUILDERS: dict[str, Builder] = {}


def register(name: str) -> Callable[[Builder], Builder]:
    """Decorator: the function builds the system of this name. Raises BackproofError for a name that is taken."""

    def add(builder: Builder) -> Builder:
        if name in _BUILDERS:
            raise BackproofError(f"two systems are called {name}")
        _BUILDERS[name] = builder
        return builder

    return add


def names() -> tuple[str, ...]:
    """The registered names, sorted."""
    return tuple(sorted(_BUILDERS))


def choices_of(name: str) -> dict[str, str | bool | int]:
    """The choices that a system's builder takes, with their defaults. Raises BackproofError for an unknown name."""
    return {key: parameter.default for key, parameter in signature(_builder(name)).parameters.items()}


def build(name: str, **choices: Any) -> System:
    """The system of a name, built with its own choices (`loss="every"`). Raises BackproofError for an unknown one."""
    return _builder(name)(**choices)


def _builder(name: str) -> Builder:
    if name not in _BUILDERS:
        raise BackproofError(
            f"no system is called {name!r}; expected one of {', '.join(names())}, or a document that gives a model"
        )
    return _BUILDERS[name]
