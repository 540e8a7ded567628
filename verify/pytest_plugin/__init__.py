"""The pytest plugin: `pytest --backproof docs/` and the fixture `backproof`.

Installed, pytest finds it by its entry point; `-p verify.pytest_plugin` loads it where it is not. Both together load it
once: pytest refuses a module under two names, so the hooks are a module of their own, which this one registers under
the entry point's name. `-p no:backproof` switches it off either way.

PYTEST_DONT_REWRITE: there is no assertion here, and whoever has imported this before gets no warning about it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

NAME = "backproof"  # of the entry point


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """The first hook that pytest calls of a plugin, at once of one that is loaded late."""
    if not pluginmanager.hasplugin(NAME):
        pluginmanager.register(import_module(f"{__name__}.hooks"), NAME)
