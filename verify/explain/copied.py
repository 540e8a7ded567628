"""The text of what a program is made of besides its formulas: functions and classes by name, in their order."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType

from verify.explain import functions, matrices, numbers


def _parts(module: ModuleType) -> dict[str, str]:
    text = inspect.getsource(module)
    named = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return {node.name: ast.get_source_segment(text, node) or "" for node in named}


PARTS = {**_parts(numbers), **_parts(functions), **_parts(matrices)}


def used(body: str) -> list[str]:
    """The functions of the fixed part that a text needs, in their own order."""
    needed: set[str] = set()
    waiting = [body]
    while waiting:
        names = {node.id for node in ast.walk(ast.parse(waiting.pop())) if isinstance(node, ast.Name)}
        new = (names & set(PARTS)) - needed
        needed |= new
        waiting += [PARTS[name] for name in new]
    return [block for name, block in PARTS.items() if name in needed]
