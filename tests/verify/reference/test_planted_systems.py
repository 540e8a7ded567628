"""Errors planted in the hand-written backward passes themselves, one edit each: the checks reject every one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from tests.verify.reference.routes import check_adjoints, check_gradients, edited
from tests.verify.reference.systems import SYSTEMS, TELLING
from verify.reference import (
    bidirectional,
    convolution,
    dense,
    gru,
    jordan,
    layer_norm,
    lstm,
    residual,
)

BEFORE, AFTER = "GRU, reset before, update z", "GRU, reset after, update z"
PLANTED = {  # name of the error: (module, what is written, what is planted, the systems that must show it)
    "f̄ reads c_t for c_{t-1}": (lstm, "c_bar * earlier[k]", "c_bar * c", ["LSTM", "LSTM, coupled"]),
    "c̄ is lost on its way back": (lstm, "c_later = f * c_bar", "c_later = 0 * f", ["LSTM", "LSTM, coupled"]),
    "c̄ passes the forget gate unscaled": (lstm, "c_later = f * c_bar", "c_later = c_bar", ["LSTM"]),
    "φ' is missing at the output": (lstm, "phi.pull(c, o * h_bar)", "o * h_bar", ["LSTM"]),
    "o is missing at the output": (lstm, "phi.pull(c, o * h_bar)", "phi.pull(c, h_bar)", ["LSTM"]),
    "ō reads c for φ(c)": (lstm, "h_bar * phi.value(c)", "h_bar * c", ["LSTM"]),
    "ī and ḡ are swapped": (lstm, "c_bar * i)", "c_bar * g)", ["LSTM"]),
    "a coupled ī forgets f̄": (lstm, "c_bar * g - f_bar if", "c_bar * g if", ["LSTM, coupled"]),
    "c̄ forgets the peephole of o": (
        lstm,
        ' + seen(inputs, "o", net_bars)',
        "",
        ["LSTM, peepholes", "LSTM, one peephole"],
    ),
    "c̄ forgets the peephole of i": (lstm, ' + seen(inputs, "i", net_bars)', "", ["LSTM, peepholes"]),
    "c̄ forgets the peephole of f": (lstm, ' + seen(inputs, "f", net_bars)', "", ["LSTM, peepholes"]),
    "p̄_o reads c_{t-1}": (lstm, 'values["c"] if gate == "o" else memories', "memories", ["LSTM, peepholes"]),
    "p̄_i, p̄_f read c_t": (lstm, 'values["c"] if gate == "o" else memories', 'values["c"]', ["LSTM, peepholes"]),
    "W̄ reads h_t for h_{t-1}": (lstm, 'before(inputs["h0"], values["h"])', 'list(values["h"])', ["LSTM"]),
    "W of the LSTM is not transposed": (
        lstm,
        'd @ inputs[f"W_{gate}"]',
        'd @ inputs[f"W_{gate}"].swapaxes(-1, -2)',
        ["LSTM"],
    ),
    "h0 receives nothing": (lstm, 'h_later + np.zeros_like(inputs["h0"])', "np.zeros_like(h_later)", ["LSTM"]),
    "n̄ reads z of the other variant": (gru, "(1 - z) * h_bar, (h - n)", "z * h_bar, (h - n)", [AFTER]),
    "z̄ has the wrong sign": (gru, "(n - h) * h_bar", "(h - n) * h_bar", ["GRU, reset before, update 1-z"]),
    "h̄ forgets what was kept": (gru, "later = kept + through", "later = through", [BEFORE]),
    "h̄ forgets the way through n": (gru, "later = kept + through", "later = kept", ["GRU, reset after, update 1-z"]),
    "r̄ reads h where q stands": (gru, 'values["q"][k] * net_n', "h * net_n", [AFTER]),
    "r is missing before the product": (gru, "q_bar * h, r * q_bar", "q_bar * h, q_bar", [BEFORE]),
    "r is missing after the product": (gru, 'adjoint("q", k, r * net_n)', 'adjoint("q", k, net_n)', [AFTER]),
    "W̄_n reads h for r ⊙ h": (gru, 'adjoint["Net_n"], values["q"]', 'adjoint["Net_n"], states', [BEFORE]),
    "c̄_n stands outside the reset": (gru, '"c_n", adjoint["q"]', '"c_n", adjoint["Net_n"]', [AFTER]),
    "W̄_n stands outside the reset": (gru, '"n", adjoint["q"]', '"n", adjoint["Net_n"]', [AFTER]),
    "h̄ forgets the gate z": (gru, ' + net_z @ inputs["W_z"]', "", [AFTER]),
    "h̄ forgets the gate r": (gru, ' + net_r @ inputs["W_r"]', "", [AFTER]),
    "ō forgets the next step": (jordan, 'adjoint("o", k, later)', 'adjoint("o", k)', ["Jordan", "Jordan, softmax"]),
    "W̄ reads o_t for o_{t-1}": (jordan, 'before(inputs["o0"], values["o"])', 'values["o"]', ["Jordan"]),
    "s̄ forgets what passes by": (residual, "later = s_bar + net_bar", "later = net_bar", ["residual"]),
    "s̄ forgets the branch": (residual, 's_bar + net_bar @ inputs["W"]', "s_bar", ["residual"]),
    "ρ is taken for constant": (layer_norm, " - w * mean(d * w)", "", ["layer norm", "layer norm, softplus"]),
    "μ is taken for constant": (layer_norm, "d - mean(d)", "d", ["layer norm"]),
    "1/ρ is missing": (layer_norm, ") / spread(a, epsilon)\n\n\ndef forward", ")\n\n\ndef forward", ["layer norm"]),
    "γ is missing": (layer_norm, 'row(inputs["gamma"]) * net_bar', "net_bar", ["layer norm"]),
    "the way back is not turned": (
        bidirectional,
        "x_bar = in_order(ran",
        "x_bar = (lambda a, way: a)(ran",
        ["bidirectional GRU"],
    ),
    "x̄ of one direction is lost": (bidirectional, 'found["x"] + x_bar if', "x_bar if", ["bidirectional RNN"]),
    "both directions receive one half": (
        bidirectional,
        "y_bar[..., split:]",
        "y_bar[..., :split]",
        ["bidirectional LSTM"],
    ),
    "f' is missing": (dense, 'f[layer - 1].pull(values[f"z{layer}"], a_bar)', "a_bar", ["dense"]),
    "W̄ reads a^l for a^{l-1}": (dense, 'values[f"a{layer - 1}"] if', 'values[f"z{layer - 1}"] if', ["dense"]),
    "b̄ stands in reverse order": (dense, "z_bar.sum(axis=-2)", "z_bar.sum(axis=-2)[::-1]", ["dense"]),
    "overlapping windows overwrite": (convolution, "x_bar[met] += across", "x_bar[met] = across", ["convolution 1-D"]),
    "K̄ is flipped": (
        convolution,
        "kernel_bar[k] =",
        "kernel_bar[:, :, ::-1][k] =",
        ["convolution 1-D", "convolution 2-D"],
    ),
    "the padding is not cut off": (
        convolution,
        "slice(p, p + n) for p",
        "slice(0, n) for p",
        ["convolution 2-D, strides, paddings"],
    ),
    "b̄ forgets a position": (
        convolution,
        "z_bar.sum(axis=windows.axes)",
        "z_bar[:, :, 1:].sum(axis=windows.axes)",
        ["convolution 1-D"],
    ),
}


def with_backward(case, copy):
    """The case with the copy's backward in place of its own, under the same settings."""
    own = case.backward
    return replace(case, backward=partial(copy.backward, *own.args, **own.keywords))


@pytest.mark.parametrize("error", sorted(PLANTED))
def test_every_planted_error_is_rejected(error):
    module, written, planted, systems = PLANTED[error]
    for name in systems:
        case = with_backward(SYSTEMS[name](TELLING), edited(module, written, planted))
        with pytest.raises(AssertionError, match="array"):  # two arrays that differ, not two shapes
            check_gradients(case)


@pytest.mark.parametrize("module", [lstm, gru, jordan, residual, layer_norm, bidirectional, dense, convolution])
def test_the_copy_without_an_edit_passes(module):
    """It is the edit that is rejected, not the copying."""
    systems = {name for where, _, _, names in PLANTED.values() if where is module for name in names}
    for name in systems:
        check_gradients(with_backward(SYSTEMS[name](TELLING), edited(module, '"""\n\nfrom', '"""\n\nfrom')))


def test_an_adjoint_that_is_only_stored_wrong_is_rejected(monkeypatch):
    """Every parameter's gradient is right, and the entry of one gate is not."""
    case = SYSTEMS["LSTM"](TELLING)

    def stored_wrong(inputs, values, cotangents):
        found = lstm.backward(inputs, values, cotangents)
        return {**found, "f": found["f"] + case.cotangents["f"] * 1e-9}

    wrong = replace(case, backward=stored_wrong)
    check_gradients(wrong)
    with pytest.raises(AssertionError, match="array"):
        check_adjoints(wrong, monkeypatch)
