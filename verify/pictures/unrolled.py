"""The graph of a model over a few steps: families as nodes, equations as arrows, parameters named on the arrows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from derive.language.show import show_name
from derive.model import Model
from verify.pictures.labels import Label, indexed
from verify.pictures.layout import Box, Layout, layout
from verify.pictures.network import Edge, Key, Network, network, window
from verify.pictures.picture import NoPicture, Picture, file_name
from verify.pictures.svg import ACCENT, INK, MUTED, SIZE, Drawing, Point

FEWEST = 3  # nodes below which there is nothing to unroll
NAME_SIZE = 12.5
WIDEST, HIGHEST = 1600, 1200
SHARES = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9)  # of a segment, where its name may stand
Pair = tuple[Key, Key]
Spot = tuple[int, Point, Box]


def unrolled_picture(model: Model, number: int = 1) -> Picture:
    """Drawn for a model whose equations compute at least two things from each other.

    Three steps where an equation reads another step, one where none does. Raises `NoPicture` for a model that is
    smaller, larger than can be read, or that reads further than a step away.
    """
    found = network(model, window(model))
    names = {node.key[0] for node in found.nodes.values() if node.kind == "computed"}
    if len(names) < 2:
        raise NoPicture("fewer than two equations")
    drawing, unnamed = drawn(found, layout(found))
    steps = [
        step for step in found.columns if any(k[1] == step and n.kind == "computed" for k, n in found.nodes.items())
    ]
    title = "The model, unrolled over steps" if len(steps) > 1 else "The model"
    alt = _said(found)
    return Picture(file_name("model", str(number)), drawing.svg(title, alt), _caption(title, found, unnamed), alt)


def drawn(found: Network, placed: Layout, marked: Collection[Pair] | None = None) -> tuple[Drawing, tuple[str, ...]]:
    """The network as a drawing, edges in `marked` and their nodes heavier, and the names that found no room.

    Raises `NoPicture` where it is too large.
    """
    if placed.width > WIDEST or placed.height > HIGHEST:
        raise NoPicture(f"wider than {WIDEST} or higher than {HIGHEST}")
    drawing = Drawing(placed.width, placed.height)
    heavy = {key for pair in marked or () for key in pair}
    wired: dict[tuple[Key, str], list[tuple[Point, Point]]] = {}
    for edge in sorted(found.edges, key=lambda e: (e.source, e.target) in (marked or ())):
        _draw_edge(drawing, edge, placed, marked, wired)
    for key, node in found.nodes.items():
        _draw_node(drawing, placed.boxes[key], node.label, node.kind, marked is None or key in heavy)
    return drawing, _name_edges(drawing, found, placed, marked)


def _draw_edge(
    drawing: Drawing, edge: Edge, placed: Layout, marked: Collection[Pair] | None,
    wired: dict[tuple[Key, str], list[tuple[Point, Point]]],
) -> None:  # fmt: skip
    """An arrow; what it shares with another one out of the same node is drawn once, with a dot where they part."""
    stroke, width, dash, kind = INK, 1.1, "", "edge"
    if marked is not None:
        is_marked = (edge.source, edge.target) in marked
        stroke, width, dash, kind = (ACCENT, 3.0, "", "edge marked") if is_marked else (MUTED, 0.8, "3 3", "edge")
    known = wired.setdefault((edge.source, stroke), [])
    points = placed.routes[edge.source, edge.target]
    rest = _parted(points, known)
    known += pairwise(points)
    drawing.arrow(rest, stroke, width, dash, kind)
    if rest[0] != points[0]:
        drawing.dot(rest[0], 1.4 + width / 2, stroke, stroke, "parting")


def _parted(points: Sequence[Point], known: Sequence[tuple[Point, Point]]) -> list[Point]:
    """A route without its beginning, as far as that runs along known segments."""
    rest = list(points)
    while len(rest) > 1:
        ahead = [end for segment in known if (end := _along(rest[0], rest[1], segment)) is not None]
        if not ahead:
            break
        furthest = max(ahead, key=lambda end: abs(end[0] - rest[0][0]) + abs(end[1] - rest[0][1]))
        rest = rest[1:] if furthest == rest[1] and len(rest) > 2 else [furthest, *rest[1:]]
        if furthest != rest[0]:
            break
    return rest


def _along(start: Point, end: Point, segment: tuple[Point, Point]) -> Point | None:
    """How far the level or upright way from start to end runs along a segment that holds start; None for not at all."""
    for axis in (0, 1):
        across = 1 - axis
        if len({start[across], end[across], segment[0][across], segment[1][across]}) == 1:
            low, high = sorted((segment[0][axis], segment[1][axis]))
            reach = min(high, end[axis]) if end[axis] > start[axis] else max(low, end[axis])
            if low <= start[axis] <= high and abs(reach - start[axis]) > 0.01:
                return (reach, start[1]) if axis == 0 else (start[0], reach)
    return None


def _draw_node(drawing: Drawing, box: Box, label: Label, kind: str, is_heavy: bool) -> None:
    """Inputs have square corners, what is computed round ones and a tint, a loss a double line."""
    corner = (box.x - box.width / 2, box.y - box.height / 2)
    line = 1.5 if is_heavy else 0.8
    if kind == "input":
        drawing.box(corner, box.width, box.height, line=line, kind="node input")
    elif kind != "outside":
        opacity = 0.28 if is_heavy else 0.08
        drawing.box(
            corner, box.width, box.height, fill=ACCENT, opacity=opacity, line=line, round=9, kind=f"node {kind}"
        )
    if kind == "loss":
        inner = (corner[0] + 3, corner[1] + 3)
        drawing.box(inner, box.width - 6, box.height - 6, line=0.8, round=6)
    drawing.label((box.x, box.y), label, SIZE, kind="label node")


# --- names on arrows -------------------------------------------------------------------------------------------


def _name_edges(drawing: Drawing, found: Network, placed: Layout, marked: Collection[Pair] | None) -> tuple[str, ...]:
    """Names at the middle step's arrows, each where it meets no node, no other name and few lines."""
    taken = list(placed.boxes.values())
    lines = [pair for points in placed.routes.values() for pair in pairwise(points)]
    unnamed: dict[str, None] = {}
    for edge in _named(found, marked):
        labels = [indexed(name) for name in edge.names]
        width = sum(label.width(NAME_SIZE) for label in labels) + 6 * (len(labels) - 1)
        own = placed.routes[edge.source, edge.target]
        best = _best(_spots(own, width), taken, lines, placed.width)
        if best is None:
            unnamed |= dict.fromkeys(edge.names)
            continue
        taken.append(best)
        x = best.x - width / 2
        for label in labels:
            drawing.label((x, best.y), label, NAME_SIZE, "start", kind="label name")
            x += label.width(NAME_SIZE) + 6
    return tuple(unnamed)


def _named(found: Network, marked: Collection[Pair] | None) -> list[Edge]:
    """The arrows that carry names: those into one step, the middle one; of a marked path all of its own."""
    edges = [edge for edge in found.edges if edge.names]
    if marked is not None:
        return [edge for edge in edges if (edge.source, edge.target) in marked]
    steps = sorted({edge.target[1] for edge in edges if edge.target[1] is not None})
    middle = steps[len(steps) // 2] if steps else None
    return [edge for edge in edges if edge.target[1] in (middle, None)]


def _best(spots: Iterable[Spot], taken: list[Box], lines: list[tuple[Point, Point]], width: float) -> Box | None:
    """The spot that meets nothing, with few lines over it or between it and its arrow; None where all meet."""
    best: tuple[int, Box] | None = None
    for bends, at, spot in spots:
        if best is not None and best[0] <= 3 * bends:
            break  # spots come from an arrow's end to its start: all that follow cost more
        if not spot.width / 2 < spot.x < width - spot.width / 2 or any(spot.meets(box, 2.0) for box in taken):
            continue
        over = sum(spot.is_crossed(a, b, 1.5) for a, b in lines)
        between = sum(_cross(at, (spot.x, spot.y), a, b) for a, b in lines)
        cost = over + 2 * between + 3 * bends
        best = (cost, spot) if best is None or cost < best[0] else best
    return None if best is None else best[1]


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the line from a to b, without its start, crosses that from c to d."""

    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    inside = side(c, d, a) * side(c, d, b) < -1e-6
    return inside and side(a, b, c) * side(a, b, d) <= 0


def _spots(points: list[Point], width: float) -> Iterable[Spot]:
    """Where a name may stand beside an arrow: how many bends from its end, beside which point, and the place."""
    height = NAME_SIZE * 1.25
    for bends, (a, b) in enumerate(reversed(list(pairwise(points)))):
        for share in SHARES:
            x, y = b[0] + share * (a[0] - b[0]), b[1] + share * (a[1] - b[1])
            if abs(a[0] - b[0]) > 3 * abs(a[1] - b[1]):  # along a level line: above, below
                places = [(x, y - height / 2 - 2), (x, y + height / 2 + 2)]
            else:
                near, slope = width / 2 + 4, abs((a[0] - b[0]) / (a[1] - b[1]))
                away = near + height / 2 * slope
                places = [(x + away, y), (x - away, y), (x + near, y), (x - near, y)]
            yield from ((bends, (x, y), Box(px, py, width, height)) for px, py in places)


# --- words -----------------------------------------------------------------------------------------------------


def _caption(title: str, found: Network, unnamed: tuple[str, ...]) -> str:
    parts = [f"{title}: an arrow runs from what an equation reads to what it computes"]
    if any(edge.names for edge in found.edges):
        is_long = len(found.columns) > 1
        where = "on the arrows into one step" if is_long else "on the arrows"
        parts.append(f"{where} stand the parameters and functions" + (", the same at every step" if is_long else ""))
    if found.own:
        parts.append(f"added without an arrow: {', '.join(map(show_name, found.own))}")
    if unnamed:
        parts.append(f"not written for want of room: {', '.join(map(show_name, unnamed))}")
    return "; ".join(parts) + ". Square corners are inputs, round ones are computed, a double line is a loss."


def _said(found: Network) -> str:
    """The arrows of the middle step in words."""
    steps = sorted({edge.target[1] for edge in found.edges if edge.target[1] is not None})
    middle = steps[len(steps) // 2] if steps else None
    into: dict[Key, list[str]] = {}
    for edge in found.edges:
        if edge.target[1] in (middle, None) and found.nodes[edge.target].kind != "outside":
            into.setdefault(edge.target, []).append(found.nodes[edge.source].label.text)
    sentences = [f"{found.nodes[key].label.text} from {', '.join(sources)}" for key, sources in into.items()]
    return f"A graph: {'; '.join(sentences)}."
