"""Reading drawings back: what a test needs to know of an SVG text, without the code that wrote it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from verify.claim import Claim
from verify.document.statements import read
from verify.judge import Judge, understood
from verify.limits import Effort

SVG = "{http://www.w3.org/2000/svg}"

RNN = r"""
```backproof
symbols: {x_t: m, s_t: n, '\mathrm{Net}_t': n, '\delta_t': n, G_t: n x n*n, U: n x m, W: n x n, b: n, f: tanh,
          E: loss(last s)}
time: 1..t
indices: {k: t}
layout: numerator
gradient: row
matrix: family
vec: column
products: descending
partial: total
given: ['1', 'd', 'G']
```

$$\mathrm{Net}_t = U x_t + W s_{t-1} + b, \quad s_t = f(\mathrm{Net}_t) \tag{1}$$
$$\delta_t^\top = \frac{\partial E}{\partial \mathrm{Net}_t} \tag{d}$$
$$G_t = \frac{\partial \operatorname{vec} \mathrm{Net}_t}{\partial \operatorname{vec} W} \tag{G}$$
"""


def claims(lines: dict[str, str], block: str = RNN) -> dict[str, Claim]:
    """The claims of formulas by their tags, read in a document but not settled."""
    text = block + "".join(f"\n$${latex} \\tag{{{tag}}}$$\n" for tag, latex in lines.items())
    document = read("test.md", text, folder=Path())
    assert not document.errors, document.errors
    judge = Judge(document, Effort())
    found = {}
    for statement in document.claims:
        claim = understood(judge.interpreter.readings(statement, statement.links[0]))
        assert claim is not None, statement.id
        found[statement.id] = claim
    return found


def parsed(svg: str) -> ET.Element:
    """The drawing as a tree."""
    return ET.fromstring(svg)


def shapes(root: ET.Element, kind: str) -> list[ET.Element]:
    """The elements of a kind, in the order of drawing."""
    return [element for element in root.iter() if kind in element.get("data-kind", "").split()]


def at(element: ET.Element, *names: str) -> tuple[float, ...]:
    """Attributes as numbers."""
    return tuple(float(element.get(name, "nan")) for name in names)


def points(element: ET.Element) -> list[tuple[float, float]]:
    """The points of a line."""
    return [tuple(map(float, pair.split(","))) for pair in element.get("points", "").split()]  # type: ignore[misc]  # pairs


def text_of(element: ET.Element) -> str:
    """All text inside."""
    return "".join(element.itertext())


def boxes(root: ET.Element) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    """Each upright text with a box (left, top, right, bottom) of 0.6 em a character, small ones for scripts."""
    for element in root.iter(SVG + "text"):
        size = float(element.get("font-size", "nan"))
        base = 0.6 * size * len(element.text or "")
        scripts = [0.6 * float(span.get("font-size", "nan")) * len(span.text or "") for span in element]
        width = base + max(scripts, default=0.0)
        x, y = at(element, "x", "y")
        left = {"start": x, "middle": x - width / 2, "end": x - width}[element.get("text-anchor", "start")]
        yield text_of(element), (left, y - 0.75 * size, left + width, y + 0.2 * size)


def meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two boxes have an area in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
