"""Where a network's nodes stand and how its edges run: a column a step, a row a depth within the step.

Within a step edges run upwards and straight where nothing stands in the way. All others run like wires: out of their
node, along a track of their own between two rows, through a lane of their own between two columns, and in again.
Nothing is drawn through a node, and no two wires of different nodes share a track or a lane.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from verify.pictures.labels import Label
from verify.pictures.network import Edge, Key, Network
from verify.pictures.svg import SIZE, Point

NODE_HEIGHT = 30.0
GAP = 24.0  # between nodes of a row
LANE, TRACK = 13.0, 11.0  # between wires side by side
GUTTER, CHANNEL = 56.0, 58.0  # between columns and rows, without wires
BEFORE = 32.0  # between a lane and the column at its right: room for an arrow's head and name
MARGIN = 26.0
ALL = "all"  # the row of what belongs to no step, as a loss


@dataclass(frozen=True)
class Box:
    """A rectangle by its centre."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: Box, room: float = 0.0) -> bool:
        """Whether two rectangles come closer than `room`."""
        return (
            abs(self.x - other.x) < (self.width + other.width) / 2 + room
            and abs(self.y - other.y) < (self.height + other.height) / 2 + room
        )

    def is_crossed(self, a: Point, b: Point, room: float = 3.0) -> bool:
        """Whether a straight line from a to b runs through the rectangle or closer to it than `room`."""
        low, high = 0.0, 1.0
        for start, end, middle, half in (
            (a[0], b[0], self.x, self.width / 2 + room),
            (a[1], b[1], self.y, self.height / 2 + room),
        ):
            step = end - start
            if abs(step) < 1e-9:
                if abs(start - middle) >= half:
                    return False
                continue
            first, last = sorted(((middle - half - start) / step, (middle + half - start) / step))
            low, high = max(low, first), min(high, last)
        return low < high


@dataclass
class Layout:
    """The drawing's size, the box of each node and the points of each edge, from source to target."""

    width: float
    height: float
    boxes: dict[Key, Box]
    routes: dict[tuple[Key, Key], list[Point]]
    columns: dict[int | None, float]


def layout(found: Network) -> Layout:
    """A layout of the network; equal networks have equal ones."""
    return _Layout(found).run()


@dataclass
class _Wire:
    """What one node sends into one direction: shared by all that read it there."""

    source: Key
    to: int | None  # the column
    edges: list[Edge] = field(default_factory=list)


class _Layout:
    def __init__(self, found: Network) -> None:
        self.found = found
        self.level = _levels(found)
        self.rows = self._ordered_rows()
        self.place = {key: number for number, key in enumerate(found.columns)}
        widest = max(node.label.width(SIZE) for node in found.nodes.values())
        narrow = max(NODE_HEIGHT, Label("⋯").width(SIZE))
        self.widths = {k: narrow if n.kind == "outside" else max(40.0, widest + 16) for k, n in found.nodes.items()}

    def run(self) -> Layout:
        wires, straight = self._split()
        self._tracks(wires)
        boxes = self._boxes()
        straight, blocked = self._clear(straight, boxes)
        if blocked:
            wires += [_Wire(edge.source, edge.source[1], [edge]) for edge in blocked]
            self._tracks(wires)
            boxes = self._boxes()
        routes = self._routes(wires, straight, boxes)
        columns = {step: self.centre[step] for step in self.found.columns}
        return Layout(self.total, self.bottom, boxes, routes, columns)

    # --- rows and columns ----------------------------------------------------------------------------------------

    def _ordered_rows(self) -> dict[int, list[str]]:
        """The names of each row from left to right: near what they read and what reads them."""
        rows: dict[int, list[str]] = defaultdict(list)
        names = {key[0] for key in self.found.nodes if not self._is_wide(key)}
        for name in sorted(names, key=self.found.order.index):
            rows[self.level[name]].append(name)
        near: dict[str, set[str]] = defaultdict(set)
        for edge in self.found.edges:
            if edge.source[1] == edge.target[1]:
                near[edge.target[0]].add(edge.source[0])
                near[edge.source[0]].add(edge.target[0])
        for sweep in range(6):
            at = {name: (k + 0.5) / len(row) for row in rows.values() for k, name in enumerate(row)}
            for level in sorted(rows, reverse=bool(sweep % 2)):
                rows[level].sort(key=lambda name: _mean([at[n] for n in near[name] if n in at], at[name]))
                at |= {name: (k + 0.5) / len(rows[level]) for k, name in enumerate(rows[level])}
        return dict(rows)

    def _row(self, level: int, column: int | None) -> list[Key]:
        """The nodes of a row in a column that are there."""
        keys = [(name, column) for name in self.rows.get(level, ())]
        return [key for key in keys if key in self.found.nodes]

    def _is_wide(self, key: Key) -> bool:
        """Whether a node belongs to no step in a network that has steps."""
        return key[1] is None and self.found.columns != (None,)

    # --- wires ---------------------------------------------------------------------------------------------------

    def _split(self) -> tuple[list[_Wire], list[Edge]]:
        """Edges to another column, bundled, and those within one."""
        wires: dict[tuple[Key, int | None], _Wire] = {}
        straight = []
        for edge in self.found.edges:
            if self._is_wide(edge.target) or edge.source[1] == edge.target[1]:
                straight.append(edge)
            else:
                wires.setdefault((edge.source, edge.target[1]), _Wire(edge.source, edge.target[1])).edges.append(edge)
        return list(wires.values()), straight

    def _side(self, wire: _Wire) -> int:
        """1 where a wire leaves to the right, -1 to the left."""
        return -1 if wire.to is not None and wire.to < (wire.source[1] or 0) else 1

    def _lane_of(self, wire: _Wire) -> tuple[int, str]:
        """The gutter, numbered by the column at its right, and what takes a lane in it, the same in every gutter."""
        column = self.place[wire.source[1]]
        is_inside = wire.to == wire.source[1]
        return column + (1 if self._side(wire) > 0 else 0), f"{wire.source[0]} {self._side(wire)} {is_inside}"

    def _tracks(self, wires: list[_Wire]) -> None:
        """A lane for each wire in each gutter, a track for each in each channel; channel k lies below row k."""
        leftward: dict[str, None] = {}  # these have the lanes on the left, near the column into which they run
        rightward: dict[str, None] = {}
        self.channels: dict[int, list[str]] = defaultdict(list)
        self.gutters: set[int] = set()
        self.wired_bars = {e.target[0] for wire in wires for e in wire.edges if self._is_wide(e.target)}
        for wire in wires:
            gutter, name = self._lane_of(wire)
            self.gutters.add(gutter)
            (leftward if self._side(wire) < 0 else rightward)[name] = None
            if not self._exits_at_side(wire):
                self._add_track(self.level[wire.source[0]] + 1, name)
            for edge in wire.edges:
                if not self._is_wide(edge.target) and not self._enters_at_side(wire, edge):
                    self._add_track(self.level[edge.target[0]], name)

        self.lanes = {name: number for number, name in enumerate([*leftward, *rightward])}

    def _add_track(self, channel: int, name: str) -> None:
        if name not in self.channels[channel]:
            self.channels[channel].append(name)

    def _exits_at_side(self, wire: _Wire) -> bool:
        row = self._row(self.level[wire.source[0]], wire.source[1])
        return wire.source == row[-1 if self._side(wire) > 0 else 0]

    def _enters_at_side(self, wire: _Wire, edge: Edge) -> bool:
        """Into the nearest node of a row, where the wire comes from another column."""
        row = self._row(self.level[edge.target[0]], edge.target[1])
        return wire.to != wire.source[1] and edge.target == row[0 if self._side(wire) > 0 else -1]

    # --- places --------------------------------------------------------------------------------------------------

    def _boxes(self) -> dict[Key, Box]:
        self._set_rows()
        self._set_columns()
        boxes = {}
        for column in self.found.columns:
            for level in self.rows:
                row = self._row(level, column)
                left = self.centre[column] - (sum(self.widths[k] for k in row) + GAP * (len(row) - 1)) / 2
                for key in row:
                    boxes[key] = Box(left + self.widths[key] / 2, self.ys[level], self.widths[key], NODE_HEIGHT)
                    left += self.widths[key] + GAP
        return boxes | self._wide_boxes(boxes)

    def _set_rows(self) -> None:
        """The height of each row, the lowest last, below those of what belongs to no step."""
        wide = [key for key in self.found.nodes if self._is_wide(key)]
        y = MARGIN + NODE_HEIGHT / 2
        self.bars = {}
        for name in sorted({k[0] for k in wide}, key=lambda n: -self.level[n]):
            self.bars[name] = y
            y += NODE_HEIGHT + CHANNEL
        self.ys: dict[int, float] = {}
        levels = sorted(self.rows, reverse=True)
        for level in levels:
            y += TRACK * len(self.channels[level + 1])
            self.ys[level] = y
            y += NODE_HEIGHT + CHANNEL
        y += TRACK * len(self.channels[min(levels)]) - CHANNEL - NODE_HEIGHT / 2
        self.bottom = y + MARGIN

    def _set_columns(self) -> None:
        self.centre: dict[int | None, float] = {}
        self.ends: list[float] = []  # where each column ends
        x = MARGIN
        for number, column in enumerate(self.found.columns):
            rows = [self._row(level, column) for level in self.rows]
            width = max((sum(self.widths[k] for k in row) + GAP * (len(row) - 1) for row in rows), default=0)
            if number in self.gutters:
                x += GUTTER + LANE * len(self.lanes) if number else LANE * len(self.lanes) + BEFORE
            elif number:
                x += GUTTER
            self.centre[column] = x + width / 2
            x += width
            self.ends.append(x)
        if len(self.found.columns) in self.gutters:
            x += GUTTER + LANE * len(self.lanes)
        self.total = x + MARGIN

    def _wide_boxes(self, boxes: dict[Key, Box]) -> dict[Key, Box]:
        """A bar over all that it reads."""
        found: dict[Key, Box] = {}
        for name in sorted(self.bars, key=lambda name: self.level[name]):
            reads = [e.source for e in self.found.edges if e.target == (name, None)]
            under = [box for key, box in {**boxes, **found}.items() if key in reads] or list(boxes.values())
            room = GUTTER - BEFORE + LANE * (len(self.lanes) + 1) if name in self.wired_bars else 0.0
            left = min(box.x - box.width / 2 for box in under)
            right = max(box.x + box.width / 2 for box in under) + room
            found[name, None] = Box((left + right) / 2, self.bars[name], right - left, NODE_HEIGHT)
        return found

    # --- routes --------------------------------------------------------------------------------------------------

    def _clear(self, edges: list[Edge], boxes: dict[Key, Box]) -> tuple[list[Edge], list[Edge]]:
        """Edges that may run straight, and those with a node in their way."""
        free: list[Edge] = []
        blocked: list[Edge] = []
        for edge in edges:
            a, b = self._straight(edge, boxes, 0.0)
            others = (box for key, box in boxes.items() if key not in (edge.source, edge.target))
            (blocked if any(box.is_crossed(a, b) for box in others) else free).append(edge)
        return free, blocked

    def _straight(self, edge: Edge, boxes: dict[Key, Box], shift: float) -> tuple[Point, Point]:
        source, target = boxes[edge.source], boxes[edge.target]
        x = source.x if self._is_wide(edge.target) else target.x
        return (source.x, source.y - source.height / 2), (x + shift, target.y + target.height / 2)

    def _routes(
        self, wires: list[_Wire], straight: list[Edge], boxes: dict[Key, Box]
    ) -> dict[tuple[Key, Key], list[Point]]:
        ports = self._ports(wires, straight, boxes)
        routes = {}
        for edge in straight:
            shift = 0.0 if self._is_wide(edge.target) else ports[edge.source, edge.target]
            a, b = self._straight(edge, boxes, shift)
            routes[edge.source, edge.target] = [a, b]
        for wire in wires:
            for edge in wire.edges:
                points = self._wired(wire, edge, boxes, ports.get((edge.source, edge.target), 0.0))
                routes[edge.source, edge.target] = _without_repeats(points)
        return {(e.source, e.target): routes[e.source, e.target] for e in self.found.edges}

    def _ports(self, wires: list[_Wire], straight: list[Edge], boxes: dict[Key, Box]) -> dict[tuple[Key, Key], float]:
        """How far from the middle of its side each edge meets its target, in the order of the sources."""
        below: dict[Key, list[tuple[float, Edge]]] = defaultdict(list)
        beside: dict[tuple[Key, int], list[tuple[float, Edge]]] = defaultdict(list)
        for edge in straight:
            below[edge.target].append((boxes[edge.source].x, edge))
        for wire in wires:
            for edge in wire.edges:
                if self._is_wide(edge.target):
                    continue
                if self._enters_at_side(wire, edge):
                    beside[edge.target, self._side(wire)].append((boxes[edge.source].y, edge))
                else:
                    start = -1e6 if wire.to != wire.source[1] and self._side(wire) > 0 else 1e6
                    below[edge.target].append((start + self._track_y(self.level[edge.target[0]], wire), edge))
        found: dict[tuple[Key, Key], float] = {}
        for key, arriving in below.items():
            found |= _spread(arriving, boxes[key].width * 0.8)
        for arriving in beside.values():
            found |= _spread(arriving, NODE_HEIGHT * 0.8)
        return found

    def _track_y(self, channel: int, wire: _Wire) -> float:
        """The height of a wire's track in a channel: the lowest of the channel's, near the row below."""
        name = self._lane_of(wire)[1]
        tracks = self.channels[channel]
        lower = self.ys.get(channel - 1)
        if lower is None:
            return self.ys[channel] + NODE_HEIGHT / 2 + 30 + TRACK * (tracks.index(name) if name in tracks else 0)
        return lower - NODE_HEIGHT / 2 - 12 - TRACK * (tracks.index(name) if name in tracks else 0)

    def _wired(self, wire: _Wire, edge: Edge, boxes: dict[Key, Box], port: float) -> list[Point]:
        source, target, side = boxes[wire.source], boxes[edge.target], self._side(wire)
        lane = self._lane_x(wire)
        if self._exits_at_side(wire):
            points = [(source.x + side * source.width / 2, source.y), (lane, source.y)]
        else:
            y, x = self._track_y(self.level[wire.source[0]] + 1, wire), source.x + side * source.width / 4
            points = [(x, source.y - source.height / 2), (x, y), (lane, y)]
        if self._is_wide(edge.target):
            return [*points, (lane, target.y + target.height / 2)]
        if self._enters_at_side(wire, edge):
            y = target.y + port
            if len(points) == 2 and abs(source.y - target.y) < 1:
                return [(points[0][0], y), (target.x - side * target.width / 2, y)]  # straight over
            return [*points, (lane, y), (target.x - side * target.width / 2, y)]
        y = self._track_y(self.level[edge.target[0]], wire)
        x = target.x + port
        return [*points, (lane, y), (x, y), (x, target.y + target.height / 2)]

    def _lane_x(self, wire: _Wire) -> float:
        gutter, name = self._lane_of(wire)
        start = self.ends[gutter - 1] + GUTTER - BEFORE if gutter else MARGIN - LANE
        return start + LANE * (self.lanes[name] + 1)


def _spread(arriving: list[tuple[float, Edge]], width: float) -> dict[tuple[Key, Key], float]:
    ordered = [edge for _, edge in sorted(arriving, key=lambda pair: pair[0])]
    step = width / (len(ordered) + 1)
    return {(e.source, e.target): step * (k + 1) - width / 2 for k, e in enumerate(ordered)}


def _without_repeats(points: Iterable[Point]) -> list[Point]:
    found: list[Point] = []
    for point in points:
        if not found or abs(point[0] - found[-1][0]) + abs(point[1] - found[-1][1]) > 0.01:
            found.append(point)
    return found


def _mean(values: Iterable[float], default: float) -> float:
    found = list(values)
    return sum(found) / len(found) if found else default


def _levels(found: Network) -> dict[str, int]:
    """The row of each name: above all that it reads at its own step, inputs just below what reads them."""
    same = [(e.source[0], e.target[0]) for e in found.edges if e.source[1] == e.target[1] or e.target[1] is None]
    inputs = {key[0] for key, node in found.nodes.items() if node.kind == "input"}
    computed = {key[0] for key, node in found.nodes.items() if node.kind in ("computed", "loss")}
    level = {key[0]: 1 for key in found.nodes}
    for _ in range(len(level) + 1):
        for source, target in same:
            if source in computed:
                level[target] = max(level[target], level[source] + 1)
    for name in inputs - computed:
        level[name] = min((level[target] for source, target in same if source == name), default=1) - 1
    used = sorted(set(level.values()))
    return {name: used.index(value) for name, value in level.items()}
