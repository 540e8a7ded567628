"""The whole program: imports, copied functions, inputs, tables, equations, and the comparison of both sides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from derive.language.show import show
from verify.claim import Claim
from verify.counterexample import Counterexample
from verify.explain.code import RIDGES, Code
from verify.explain.copied import used
from verify.explain.literals import array, bare, key, number, quoted, table

_HEAD = """from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import erfc, exp, factorial, log, pi, prod, sqrt
from typing import Any
import sys

import numpy as np
"""


def program(claim: Claim, example: Counterexample, name: str) -> str:
    """The program for one claim and one counterexample. Raises `BackproofError` for what it cannot compute."""
    body = "\n".join(_body(claim, example))
    parts = used(body)
    imports = "\n".join(line for line in _HEAD.splitlines() if _is_needed(line, "\n\n".join(parts) + body))
    says = f"{name}: {show(claim.left)} {claim.relation} {show(claim.right)} is false: {example.summary()}."
    return (
        "\n\n".join([f'"""{_inside(says)}"""', imports.strip(), *(f"\n{text}" for text in parts), f"\n{body}"]) + "\n"
    )


def _inside(text: str) -> str:
    """A text as it stands inside a docstring: whatever a document calls its claims stays text."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", " ")


def _is_needed(line: str, text: str) -> bool:
    """An import of which something is used; names inside one import line are harmless."""
    names = re.findall(r"\w+", line.partition("import")[2])
    return not line or "__future__" in line or any(re.search(rf"\b{name}\b", text) for name in names)


def _body(claim: Claim, example: Counterexample) -> Iterator[str]:
    code = Code(claim.model, example)
    sides = {side: code(getattr(claim, side)) for side in ("left", "right")}
    yield "# sizes, steps and components (these count from 1)"
    yield from (f"{code.letter(key)} = {value}" for key, value in code.numbers.items())
    yield "\n# inputs"
    yield "INPUTS = {"
    for name, value in example.values.items():
        family, *steps = name.split("@")
        yield f"    {key([quoted(family), *steps])}: exact({array(value)}),"
    yield "}\n"
    equations = list(code.equations())
    yield from _tables(code, example)
    yield from equations
    yield "v = Values(INPUTS, EQUATIONS)"
    yield from (f"{side} = {bare(text)}" for side, text in sides.items())
    yield "compare(left, right)" if claim.relation == "=" else f"compare(left, right, {quoted(claim.relation)})"


def _tables(code: Code, example: Counterexample) -> Iterator[str]:
    """Unknown functions by their values, slopes and so on at the points that occur, unknown losses by their slopes."""
    if not code.unknown:
        return
    yield "# what is known of the unknown: f, f', … at the points that occur, a loss by its derivatives here"
    yield "KNOWN = {"
    for label, kind in code.unknown.items():
        orders = range(1 + max((_order(name, label) for name in example.functions), default=0))
        tables = [dict(example.functions.get(label + "'" * order, {})) for order in orders]
        merged = {at: value for one in tables for at, value in one.items()}
        if kind == "taylor":
            taylor = example.functions.get(f"{label}^(k)(0)", {})
            yield f"    {quoted(label)}: [{', '.join(number(taylor.get(str(j), '0')) for j in range(6))}],"
        elif kind == "loss":
            yield f"    {quoted(label)}: {table(merged)},"
        elif kind == "ridges":
            yield f"    {quoted(label)}: {table(example.functions.get(f'{label}{RIDGES}', {}))},"
        elif kind == "application":
            yield from _jets(label, merged)
        else:
            yield f"    {quoted(label)}: [{', '.join(map(table, tables))}],"
    yield "}\n"


def _jets(label: str, entries: Mapping[str, Any]) -> Iterator[str]:
    """An unknown function of several arguments: at every point its value and its derivatives by entries."""
    points: dict[str, dict[str, Any]] = {}
    for place, value in entries.items():
        point, _, by = place.partition(" by ")
        points.setdefault(point, {})[by.replace(", ", " ")] = value
    yield f"    {quoted(label)}: {{"
    yield from (f"        {quoted(point)}: {table(slopes)}," for point, slopes in points.items())
    yield "    },"


def _order(name: str, label: str) -> int:
    """How often a table's function is differentiated, 0 for another function."""
    return len(name) - len(label) if name.rstrip("'") == label else 0
