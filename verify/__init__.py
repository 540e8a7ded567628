"""Judges derivations: claims in, verdicts out. The public names load on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verify.api import claim as claim
    from verify.api import document as document

__all__ = ["claim", "document"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("verify.api"), name)
    raise AttributeError(f"module 'verify' has no attribute {name!r}")
