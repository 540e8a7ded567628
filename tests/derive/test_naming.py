"""Which gradients get names, and what the names are."""

import pytest
import sympy as sp

from derive.language.build import hadamard, matadd, matmul, sequence
from derive.language.functions import elementwise
from derive.language.keys import plain_key
from derive.latex.binding import name_with_index
from derive.model import Loss, Model
from derive.models.letters import STEPS, U, W, n, net, s, t, x
from derive.models.systems import system
from derive.naming import delta_names, states


def marks(name, **choices):
    return {plain_key(family): delta for family, delta in delta_names(system(name, **choices).model).items()}


def test_one_preactivation_is_named_delta():
    assert marks("rnn") == {"Net": "\\delta"}


def test_gates_are_named_by_their_marks_and_states_by_their_letters():
    """c_t reads itself, and h_t is read by four gates and reached from two families."""
    assert marks("lstm") == {
        "Net_i": "\\delta^{i}", "Net_f": "\\delta^{f}", "Net_o": "\\delta^{o}", "Net_g": "\\delta^{g}",
        "c": "\\delta^{c}", "h": "\\delta^{h}",
    }  # fmt: skip


def test_layers_are_named_by_their_numbers():
    assert marks("stacked", layers=3) == {f"Net{layer}": f"\\delta^{{{layer}}}" for layer in (1, 2, 3)}


def test_a_mark_that_is_taken_says_its_family():
    """c^{1} and Net^{1} cannot both have δ^{1}."""
    c, pre = sequence("c^{1}", n), sequence("\\mathrm{Net}^{1}", n)
    f = elementwise("f")
    model = Model({pre[t]: matmul(W, c[t - 1]), c[t]: hadamard(f(pre[t]), c[t - 1])}, Loss.last(c), STEPS)
    assert delta_names(model) == {"\\mathrm{Net}^{1}": "\\delta^{1}", "c^{1}": "\\delta^{(c^{1})}"}


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "stacked", "jordan", "residual", "bidirectional", "layer norm"])
def test_every_circle_passes_through_a_name(name):
    """Without the named families the equations have no circle: every recursion closes."""
    model = system(name).model
    named = set(delta_names(model))
    reads = {
        e.name: {str(leaf.name) for leaf in e.right.atoms(type(s[t])) if leaf.indices} - named
        for e in model.equations
        if e.name not in named
    }
    while reads:
        free = [family for family, read in reads.items() if not read & set(reads)]
        assert free, f"{sorted(reads)} read each other"
        for family in free:
            del reads[family]


def test_states_are_what_is_carried_from_step_to_step():
    assert [plain_key(name) for name in states(system("lstm").model)] == ["c", "h"]
    assert states(system("dense").model) == []


def test_a_name_of_the_models_own_stays():
    from derive.language.derivatives import Gradient
    from derive.model import Equation

    E, d = sp.MatrixSymbol("E", 1, 1), sequence("d", n)
    model = Model(
        [
            Equation(net[t], matadd(matmul(U, x[t]), matmul(W, s[t - 1])), t),
            Equation(s[t], elementwise("f")(net[t]), t),
            Equation(d[t], Gradient(E, net[t]), t),
        ],
        Loss.last(s),
        STEPS,
    )
    assert delta_names(model) == {"\\mathrm{Net}": "d"}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("U_{i}", "U_i"), ("\\mathrm{Net}^{i}", "Net_i"), ("W^{1}", "W1"), ("\\tilde{h}", "h_tilde"),
        ("\\delta^{c}", "delta_c"), ("U^{2}_{i}", "U2_i"), ("\\mathrm{Net}^{i,2}", "Net_i_2"), ("W_{hh}", "W_hh"),
    ],
)  # fmt: skip
def test_plain_keys(name, key):
    assert plain_key(name) == key


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("\\delta^{z_{i}}", "\\delta^{z_{i}}_t"),
        ("z_{i}", "z_{i,t}"), ("z_i", "z_{i,t}"), ("z_\\alpha", "z_{\\alpha,t}"),
        ("W_{\\overrightarrow{h}}", "W_{\\overrightarrow{h},t}"), ("U_{i}^{2}", "U_{i,t}^{2}"),
        ("\\tilde{h}", "\\tilde{h}_t"),
    ],
)  # fmt: skip
def test_an_index_joins_the_subscript_of_the_name_itself(name, written):
    assert name_with_index(name, "t") == written
