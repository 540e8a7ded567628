"""The way of each term of a gradient through the unrolled graph: one small graph a term, its path marked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import sympy as sp

from derive.language.derivatives import Collect, DerivativeNode, variable_of
from derive.language.nodes import Member, TimeProduct, TimeSum, Vec
from derive.language.show import show
from derive.language.substitute import substitute
from derive.model import Model, leaves
from verify.claim import Claim
from verify.judge import RELATION_SIGNS
from verify.pictures.layout import Layout, layout
from verify.pictures.network import Key, Network, between, leading_to, network, run_of
from verify.pictures.picture import NoPicture, Picture, file_name
from verify.pictures.svg import Drawing
from verify.pictures.unrolled import Pair, drawn
from verify.times import Times, ground, instances

STEPS = 3  # the last step that is drawn
MOST_NODES = 20
MOST_PATHS = 4
SCALE, HEADING, GAP = 0.8, 30.0, 14.0
LONGEST = 60
Path = tuple[str, frozenset[Pair]]  # a heading, and the edges of a path


def path_picture(entry_id: str, claim: Claim | None) -> Picture:
    """Drawn for a claim of a derivative on one side, with a sum or product over steps on the other.

    For a sum, of a derivative by a parameter, the path of each term: from where the parameter acts at its step to what
    is differentiated. For a product, of a derivative by a member, the path for each value of the step. Raises
    `NoPicture` for any other claim, and where the graph is too large or a term cannot be placed in it.
    """
    if claim is None:
        raise NoPicture("nothing was understood")
    derivative, other = _sides(claim)
    times = [found for found in instances(claim, STEPS) if max(found.values(), default=0) == STEPS]
    if not times:
        raise NoPicture(f"nothing is claimed at step {STEPS}")
    found, placed = _graph(claim.model, _key(_what(derivative), times[-1]))
    paths = list(_paths(claim, derivative, other, times, found))
    if len(paths) < 2 or not all(pairs for _, pairs in paths):
        raise NoPicture("no path for each term")
    return _picture(entry_id, claim, found, placed, paths)


@lru_cache(maxsize=64)
def _graph(model: Model, end: Key) -> tuple[Network, Layout]:
    """What leads to a node in a short run, and where it stands; the claims of a document ask for the same again."""
    found = leading_to(network(model, run_of(model, STEPS)), end)
    if len(found.nodes) > MOST_NODES:
        raise NoPicture(f"more than {MOST_NODES} nodes")
    return found, layout(found)


def _sides(claim: Claim) -> tuple[DerivativeNode, Any]:
    """The side that is a derivative, or is defined to be one, and the other."""
    for side, other in ((claim.left, claim.right), (claim.right, claim.left)):
        found = _derivative(side, claim.model)
        if found is not None and other.has(TimeSum, TimeProduct):
            return found, other
    raise NoPicture("no derivative with a sum or product over steps")


def _derivative(side: Any, model: Model) -> DerivativeNode | None:
    while isinstance(side, sp.Transpose | Collect | Vec):
        side = side.args[0]
    if not isinstance(side, DerivativeNode):
        side = model.definition(side)
        while isinstance(side, sp.Transpose | Collect | Vec):
            side = side.args[0]
    return side if isinstance(side, DerivativeNode) else None


def _paths(
    claim: Claim, derivative: DerivativeNode, other: Any, times: list[dict[sp.Symbol, int]], found: Network
) -> Iterator[Path]:
    variable = variable_of(derivative.by)
    if isinstance(variable, Member) and variable.indices:
        if not other.has(TimeProduct):
            raise NoPicture("no product over steps")
        if len(times) > MOST_PATHS:
            raise NoPicture(f"more than {MOST_PATHS} values of the steps")
        for at in times:
            heading = ", ".join(f"{letter} = {value}" for letter, value in at.items())
            yield heading, between(found.edges, _key(variable, at), _key(_what(derivative), at))
        return
    at = times[-1]
    total = _only_sum(ground(claim, at).right if other is claim.right else ground(claim, at).left)
    for step in range(int(total.lo), int(total.hi) + 1):
        term = substitute(total.body, {total.index: sp.Integer(step)})
        starts = _acting(term, str(variable.name), ground(claim, at).model, found)
        pairs = frozenset(
            pair for source, target in starts for pair in _from(source, target, _key(_what(derivative), at), found)
        )
        yield f"{total.index} = {step}: {_cut(show(term))}", pairs


def _only_sum(formula: Any) -> Any:
    sums = [node for node in sp.preorder_traversal(formula) if isinstance(node, TimeSum)]
    if len(sums) != 1 or not (sums[0].lo.is_Integer and sums[0].hi.is_Integer):
        raise NoPicture("not one sum over steps")
    if sums[0].hi - sums[0].lo >= MOST_PATHS:
        raise NoPicture(f"more than {MOST_PATHS} terms")
    return sums[0]


def _acting(term: Any, parameter: str, model: Model, found: Network) -> list[tuple[Key | None, Key]]:
    """Where a parameter acts in a term: the arrows that carry its name and whose source the term writes.

    Where the parameter is added alone, as a bias is, the nodes whose errors the term writes, without an arrow.
    """
    written = [leaf for leaf in leaves(term) if isinstance(leaf, Member) and leaf.indices]
    arrows = [edge for edge in found.edges if parameter in edge.names]
    if arrows:
        keys = {_key(leaf, {}) for leaf in written if leaf.time.is_Integer}  # a product's own members carry its letter
        return [(edge.source, edge.target) for edge in arrows if edge.source in keys]
    errors = (_derivative(node, model) for node in (*written, *_derivatives(term)))
    keys = {_key(variable_of(one.by), {}) for one in errors if one is not None}
    return [(None, key) for key in sorted(keys, key=str) if key in found.nodes]


def _derivatives(term: Any) -> list[Any]:
    return [node for node in sp.preorder_traversal(term) if isinstance(node, DerivativeNode)]


def _from(source: Key | None, target: Key, end: Key, found: Network) -> frozenset[Pair]:
    """The arrow along which a parameter acts, and all from there to what is differentiated."""
    return between(found.edges, target, end) | (frozenset([(source, target)]) if source else frozenset())


def _what(derivative: DerivativeNode) -> Any:
    what = derivative.what
    while isinstance(what, sp.Transpose | Vec):
        what = what.args[0]
    return what


def _key(leaf: Any, at: Times) -> Key:
    """The node of a member or symbol at the given steps."""
    if not isinstance(leaf, Member | sp.MatrixSymbol):
        raise NoPicture("a derivative of or by a formula")
    if not getattr(leaf, "indices", ()):
        return str(leaf.name), None
    step = leaf.time.xreplace({letter: sp.Integer(value) for letter, value in at.items()})
    if not step.is_Integer:
        raise NoPicture("a step in letters")
    return leaf.name, int(step)


def _picture(entry_id: str, claim: Claim, found: Network, placed: Layout, paths: list[Path]) -> Picture:
    width, height = SCALE * placed.width, SCALE * placed.height + HEADING + GAP
    drawing = Drawing(max(width, 320), len(paths) * height)
    for number, (heading, pairs) in enumerate(paths):
        top = number * height
        drawing.label((8, top + HEADING / 2 + 4), heading, 13.5, "start", kind="heading")
        drawing.inset(drawn(found, placed, pairs)[0], (0, top + HEADING), SCALE)
    alt = " ".join(f"{heading}. Path: {_said(pairs, found)}." for heading, pairs in paths)
    title = f"The path of each term of {_cut(show(claim.right))}"
    what = f"{_cut(show(claim.left))} {RELATION_SIGNS[claim.relation]} {_cut(show(claim.right))}"
    caption = (
        f"{what} in a run of {STEPS} steps: along the heavy arrows "
        "each term passes through the graph; all other arrows are broken lines."
    )
    return Picture(file_name(entry_id, "paths"), drawing.svg(title, alt), caption, alt)


def _said(pairs: frozenset[Pair], found: Network) -> str:
    marked = [edge for edge in found.edges if (edge.source, edge.target) in pairs]
    order = sorted(marked, key=lambda edge: (edge.source[1] is None, edge.source[1]))
    return ", ".join(f"{found.nodes[e.source].label.text} to {found.nodes[e.target].label.text}" for e in order)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
