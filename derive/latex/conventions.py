"""The six conventions that a text may declare or leave open; an open one raises where it is consulted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from derive.errors import BackproofError

OPTIONS: dict[str, tuple[str, ...]] = {
    "layout": ("numerator", "denominator"),
    "gradient": ("row", "shape", "transposed"),
    "matrix": ("family", "vec", "block"),
    "vec": ("column", "row"),
    "products": ("descending", "ascending"),
    "partial": ("total", "immediate"),
}


class OpenConvention(BackproofError):
    """A formula depends on a convention that the text leaves open; `key` names it."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the convention {key} is open; declare one of {', '.join(OPTIONS[key])}")
        self.key = key


@dataclass(frozen=True)
class Conventions:
    """What is declared; an empty text is open."""

    layout: str = ""
    gradient: str = ""
    matrix: str = ""
    vec: str = ""
    products: str = ""
    partial: str = ""

    def consult(self, key: str) -> str:
        """The declared reading; raises `OpenConvention` where there is none."""
        value: str = getattr(self, key)
        if not value:
            raise OpenConvention(key)
        return value

    def reading(self, choices: dict[str, str]) -> Conventions:
        """The conventions with open ones filled by choices; declared ones stay."""
        return replace(self, **{key: value for key, value in choices.items() if not getattr(self, key)})
