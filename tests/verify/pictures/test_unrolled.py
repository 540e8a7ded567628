"""The unrolled graph: its arrows are the equations, and nothing stands on anything else, for every model."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import pytest
import sympy as sp

from derive import Loss, Model, sequence
from derive.model import Time
from derive.models.systems import system, systems
from tests.verify.pictures.reading import boxes, meet, parsed, shapes, text_of
from verify.pictures.layout import layout
from verify.pictures.network import between, network, run_of, window
from verify.pictures.picture import NoPicture
from verify.pictures.unrolled import unrolled_picture

CHOICES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in systems()),
    ("rnn", {"loss": "every"}),
    ("rnn", {"loss": "outputs", "bias": True}),
    ("lstm", {"peepholes": True, "loss": "every"}),
    ("lstm", {"coupled": True}),
    ("gru", {"reset": "before"}),
    ("stacked", {"cell": "lstm"}),
    ("stacked", {"layers": 4}),
]
MODELS = [pytest.param(system(name, **choices).model, id=f"{name} {choices}") for name, choices in CHOICES]


def placed(model: Model) -> Any:
    found = network(model, window(model))
    return found, layout(found)


@pytest.mark.parametrize("model", MODELS)
def test_labels_and_nodes_do_not_meet_and_no_arrow_runs_through_a_node(model: Model) -> None:
    found, where = placed(model)
    for (one, box), (other, second) in combinations(where.boxes.items(), 2):
        assert not box.meets(second), (one, other)
    for (source, target), route in where.routes.items():
        for key, box in where.boxes.items():
            if key not in (source, target):
                assert not any(box.is_crossed(a, b, 0.5) for a, b in pairwise(route)), (source, target, key)
    assert len(where.routes) == len(found.edges)
    computed = {key[0] for key, node in found.nodes.items() if node.kind == "computed"}
    if len(computed) < 2:
        with pytest.raises(NoPicture, match="fewer than two"):
            unrolled_picture(model)
        return
    root = parsed(unrolled_picture(model).svg)
    width, height = (float(root.get(name, "nan")) for name in ("width", "height"))
    texts = list(boxes(root))
    for (one, first), (other, second) in combinations(texts, 2):
        assert not meet(first, second), (one, other)
    for text, (left, top, right, bottom) in texts:
        assert left >= 0, text
        assert top >= 0, text
        assert right <= width, text
        assert bottom <= height, text


@pytest.mark.parametrize("model", MODELS)
def test_wires_of_different_nodes_do_not_run_over_each_other(model: Model) -> None:
    _, where = placed(model)
    segments = [(source, *pair) for (source, _), route in where.routes.items() for pair in pairwise(route)]
    for (one, a, b), (other, c, d) in combinations(segments, 2):
        for axis in (0, 1):
            across = 1 - axis
            if (
                one != other
                and a[across] == b[across]
                and abs(c[across] - d[across]) < 0.01
                and abs(a[across] - c[across]) < 2
            ):
                low, high = (
                    max(min(a[axis], b[axis]), min(c[axis], d[axis])),
                    min(max(a[axis], b[axis]), max(c[axis], d[axis])),
                )
                assert high - low < 1, (one, other, (a, b), (c, d))


def test_arrows_are_what_the_equations_read() -> None:
    """Net_t = U x_t + W s_{t-1}, s_t = f(Net_t), E of the last s, for three steps."""
    found = network(system("rnn").model, run_of(system("rnn").model, 3))
    arrows = {(edge.source, edge.target): edge.names for edge in found.edges}
    net = "\\mathrm{Net}"
    expected: dict[Any, tuple[str, ...]] = {(("s", 3), ("E", None)): ()}
    for t in (1, 2, 3):
        expected[("x", t), (net, t)] = ("U",)
        expected[("s", t - 1), (net, t)] = ("W",)
        expected[(net, t), ("s", t)] = ("f",)
    assert arrows == expected
    assert found.nodes["s", 0].kind == "input"


def test_factors_that_are_parameters_are_named_and_biases_are_said() -> None:
    """h̃ reads r ⊙ (W_n h + c_n): W_n acts on h, not on r; the biases have no arrow."""
    found = network(system("gru").model, run_of(system("gru").model, 2))
    names = {(e.source, e.target): e.names for e in found.edges}
    assert names[("h", 1), ("\\mathrm{Net}^{n}", 2)] == ("W_{n}",)
    assert names[("r", 2), ("\\mathrm{Net}^{n}", 2)] == ()
    assert set(found.own) == {"b_{r}", "b_{z}", "b_{n}", "c_{n}"}


def test_a_model_without_steps_reads_x_and_ends_in_its_loss() -> None:
    """Y = Σ_j W_j X S_j + b 1ᵀ, A = f(Y), E = L(A): j counts kernel offsets, not steps."""
    found = network(system("convolution").model, window(system("convolution").model))
    names = {(e.source[0], e.target[0]): e.names for e in found.edges}
    assert names == {("X", "Y"): ("W", "S"), ("Y", "A"): ("f",), ("A", "E"): ("L",)}
    assert {key[0]: node.kind for key, node in found.nodes.items()} == {
        "X": "input", "Y": "computed", "A": "computed", "E": "loss",
    }  # fmt: skip


def test_an_equation_reads_the_future_where_it_says_so() -> None:
    found = network(system("bidirectional").model, run_of(system("bidirectional").model, 3))
    assert any(e.source == ("r", 3) and e.target == ("\\mathrm{Net}^{r}", 2) for e in found.edges)
    assert found.nodes["r", 4].kind == "input"


def test_between_is_every_path_and_nothing_else() -> None:
    found = network(system("rnn", loss="every").model, run_of(system("rnn").model, 3))
    marked = between(found.edges, ("s", 2), ("E", None))
    net = "\\mathrm{Net}"
    assert marked == {(("s", 2), ("E", None)), (("s", 2), (net, 3)), ((net, 3), ("s", 3)), (("s", 3), ("E", None))}


def test_between_leaves_out_what_leads_nowhere() -> None:
    """z_2 reads s_2, and s_3 does not read z_2."""
    model = system("rnn", loss="outputs").model
    marked = between(network(model, run_of(model, 3)).edges, ("s", 2), ("s", 3))
    assert marked == {(("s", 2), ("\\mathrm{Net}", 3)), (("\\mathrm{Net}", 3), ("s", 3))}


def test_what_cannot_be_drawn_is_refused() -> None:
    n = sp.Symbol("n", integer=True, positive=True)
    t = sp.Symbol("t", integer=True)
    a, b = sequence("a", n), sequence("b", n)
    with pytest.raises(NoPicture, match="further than one step"):
        unrolled_picture(Model({a[t]: b[t] + a[t - 2], b[t]: a[t - 1]}, loss=Loss.last(a)))
    many = [sequence(f"a^{{{k}}}", n) for k in range(40)]
    wide = Model({many[k][t]: many[k - 1][t] + many[k][t - 1] if k else many[0][t - 1] for k in range(40)})
    with pytest.raises(NoPicture, match="more than 72 nodes"):
        unrolled_picture(wide)


def test_the_middle_step_carries_the_names() -> None:
    root = parsed(unrolled_picture(system("rnn").model).svg)
    assert sorted(text_of(label) for label in shapes(root, "name")) == ["U", "W", "f"]


def test_a_long_run_costs_what_a_short_one_does() -> None:
    rnn = system("rnn", loss="every").model
    long = Model(rnn.equations, rnn.losses, Time(1, sp.Integer(10**7)))
    found = network(long, window(long))
    assert [found.nodes["s", 10**7 - back].label.text for back in (2, 1, 0)] == [
        "s_{9999998}",
        "s_{9999999}",
        "s_{10000000}",
    ]
    assert sorted(e.source[1] for e in found.edges if e.target == ("E", None)) == [10**7 - 2, 10**7 - 1, 10**7]
