"""What a paper says of its symbols: in which space each lies, what is known of functions and of the loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from derive.language.keys import plain_key
from derive.language.nodes import Application, AxisSizes, Elementwise
from derive.language.shapes import axes
from derive.latex.binding import name_with_index, size_text
from derive.model import Loss, Model, leaves
from derive.papers.declared import index_letter, written_name
from derive.papers.words import filled, kind_in, words


def sentences(model: Model, formulas: list[Any], language: str) -> Iterator[str]:
    """The sentences about symbols, functions and losses; formulas stand between dollars."""
    say = words(language)
    found = [*_spaces(model, formulas, language), *_functions(formulas, language)]
    if found:
        yield filled(say["symbols"], list=say["symbols.join"].join(found))
    for loss in model.losses:
        yield _loss(loss, model, language)


def _spaces(model: Model, formulas: list[Any], language: str) -> Iterator[str]:
    """x_t ∈ R^m; symbols of one shape stand together."""
    losses = {str(loss.symbol.name) for loss in model.losses}
    groups: dict[str, dict[str, None]] = {}
    for leaf in dict.fromkeys(leaf for formula in formulas for leaf in leaves(formula)):
        if str(leaf.name) not in losses:
            shape = axes(leaf)
            groups.setdefault(_space(shape.rows, shape.cols), {})[written_name(leaf, model)] = None
    for space, names in groups.items():
        yield filled(words(language)["symbols.in"], names="$, $".join(names), space=space)


def _space(rows: AxisSizes, cols: AxisSizes) -> str:
    first, second = (" ".join(map(size_text, axis)) or "1" for axis in (rows, cols))
    if second == "1":
        return "\\mathbb{R}" if first == "1" else f"\\mathbb{{R}}^{{{first}}}"
    return f"\\mathbb{{R}}^{{{first} \\times {second}}}"


def _functions(formulas: list[Any], language: str) -> Iterator[str]:
    say = words(language)
    found: dict[str, str] = {}
    for node in (node for formula in formulas for node in sp.preorder_traversal(formula)):
        if isinstance(node, Elementwise) and plain_key(node.name) != plain_key(node.kind):
            key = "symbols.function" if node.kind == "opaque" else "symbols.known"
            found[node.name] = filled(say[key], name=node.name, kind=kind_in(language, node.kind))
        if isinstance(node, Application):
            space = _space(node.row_axis, node.col_axis)
            arguments = ", ".join(f"${name}$" for name in node.names)
            found[node.name] = filled(say["symbols.several"], name=node.name, arguments=arguments, space=space)
    yield from found.values()


def _loss(loss: Loss, model: Model, language: str) -> str:
    say = words(language)
    parts = {
        place: "$, $".join(
            name_with_index(name, str(index_letter(model)) if place == "each" else str(model.time.last))
            for name, where in loss.parts
            if where == place
        )
        for place in ("each", "last")
    }
    name = str(loss.symbol.name)
    if all(parts.values()):
        return filled(say["loss.mixed"], loss=name, **parts)
    place = "each" if parts["each"] else "last"
    return filled(say[f"loss.{place}"], loss=name, parts=parts[place])
