"""Judges derivations: claims in, verdicts out. The public names load on first use."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verify.api import backward as backward
    from verify.api import claim as claim
    from verify.api import document as document
    from verify.api import function as function

__all__ = ["backward", "claim", "document", "function"]


def _public(name: str) -> property:
    """A public function by its name; that a module of the package is called so as well does not hide it."""

    def found(package: Any) -> Any:
        return getattr(import_module("verify.api"), name)

    def imported(package: Any, module: ModuleType) -> None:
        """What an import of the module `verify.claim` would put in the function's place."""

    return property(found, imported)


class _Package(ModuleType):
    """The package, whose public functions come before modules of the same name, whichever was imported first."""


for _name in __all__:
    setattr(_Package, _name, _public(_name))
sys.modules[__name__].__class__ = _Package
