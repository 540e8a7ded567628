"""The formula language: SymPy's matrix expressions, our nodes beside them, their shapes and their plain text."""

from typing import Any

from derive.language.nodes import Node
from derive.language.show import show


def _plain_text(node: Any, printer: Any) -> str:
    return show(node)


Node._sympystr = _plain_text  # str() of any formula that holds our nodes reads like mathematics
