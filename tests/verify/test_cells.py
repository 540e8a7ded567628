"""`backproof derive`: names, choices, documents as models; what each refusal says."""

import json

import pytest
from click.testing import CliRunner

from verify.cli import main

CELL = r"""```backproof
symbols: {x_t: m, s_t: n, a_t: n, U: n x m, W: n x n, f: elementwise, E: loss(last s)}
time: 1..T
given: ['1', '2']
```

$$a_t = U x_t + W s_{t-1} \tag{1}$$
$$s_t = f(a_t) \tag{2}$$
"""


def derive(*arguments, stdin=None):
    done = CliRunner().invoke(main, ["derive", *arguments], input=stdin)
    return done.exit_code, done.output


def test_a_document_on_standard_input():
    code, output = derive("-", "--wrt", "W", stdin=CELL)
    assert code == 0
    assert "grad.W  ∂E/∂W = Σ_{k=1..T} δ[k] s[k-1]ᵀ" in output.splitlines()


def test_json_has_every_step_with_its_theorem():
    code, output = derive("gru", "--wrt", "W_n", "--with", "reset=before", "--as", "json")
    assert code == 0
    found = json.loads(output)
    assert found["system"] == "gru"
    assert found["steps"] == [1, "t"]
    assert found["losses"] == {"E": [["h", "last"]]}
    by_id = {one["id"]: one for one in found["derivations"]}
    last = by_id["grad.W_n"]
    assert last["right"] == "\\sum_{k=1}^{t} \\delta^{n}_k \\left(r_k \\odot h_{k-1}\\right)^\\top"
    assert last["names"] == {"\\delta^{n}_t": "\\frac{\\partial E}{\\partial \\mathrm{Net}^{n}_t}"}
    assert last["steps"][-1]["after"] == last["right"]
    assert all(step["rule"] and step["names"] for step in last["steps"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lstn"], "no system is called 'lstn'; expected one of bidirectional"),
        (["gru", "--with", "updat=z"], "gru has no choice of updat; it has loss, bias, update, reset; did you mean"),
        (["gru", "--with", "update=y"], "update is one of z, 1-z, not 'y'"),
        (["stacked", "--with", "layers=two"], "layers is a number below 1000, not 'two'"),
        (["stacked", "--with", "layers=0"], "a stack has one layer at least, not 0"),
        (["lstm", "--with", "peepholes=maybe"], "peepholes is yes or no, not 'maybe'"),
        (["lstm", "--wrt", "W"], "lstm derives nothing by 'W'; expected one of Net_f, Net_g"),
        (["dense", "--loss", "every"], "dense has no choice of loss; it has layers, bias"),
        (["lstm", "--loss", "outputs", "--batch"], "the equation of E has no form over a batch: choose an opaque loss"),
        (["lstm", "--loss", "first"], "loss is one of last, every, outputs, not 'first'"),
        (["layers", "--loss", "outputs"], "loss is one of last, every, not 'outputs': layers has no outputs"),
        (["missing.md"], "missing.md: cannot be read: No such file or directory"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)  # fmt: skip
def test_refusals_say_what_was_expected(arguments, said):
    code, output = derive(*arguments)
    assert code == 2
    assert said in " ".join(output.split())


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("given: ['1', '2']", "", "<stdin> gives no model: list the forward equations under `given`"),
        ("W s_{t-1}", "Q s_{t-1}", "<stdin>:7:17: the given equation 1: Q is not declared $$a_t = U x_t + Q s_{t-1}"),
        ("W s_{t-1}", "W^\\top x_t", "<stdin>:7:"),
        ("s_t = f(a_t)", "s_t = f(a_{t+1})", "no order of steps computes a, s"),
        ("W s_{t-1}", "W s_t", "a step needs itself: a → s → a"),
        (
            "given: ['1', '2']",
            "given: ['1']",
            "no equation produces the state s: a[t] = U x[t] + W s[t-1] reads s[t-1]",
        ),
        ("U: n x m,", "U: n x m x p,", "<stdin>:2:"),
        (
            "s_t = f(a_t)",
            "s_t = f(a_t) + s_0",
            "s[t] reads s[0], which is no fixed number of steps away",
        ),
        ("W s_{t-1}", "[W, W] [s_{t-1}; s_{t-1}]", "write W [a; b] as W_a a + W_b b"),
        ("loss(last s)", "loss(last x)", "<stdin>: the loss E depends on x, which no equation computes"),
        ("loss(last s)", "loss(last \\mathbf{s})", "stands in quotes: E: 'loss(last \\mathbf{h})'"),
    ],
)
@pytest.mark.parametrize("mode", ["reverse", "forward", "second"])
def test_a_wrong_document_is_told_where(before, after, said, mode):
    assert CELL.count(before) == 1
    code, output = derive("-", "--mode", mode, stdin=CELL.replace(before, after))
    assert code == 2
    assert said in " ".join(output.split())
    assert "Usage" not in output


def test_a_document_has_no_choices():
    code, output = derive("-", "--bias", stdin=CELL)
    assert code == 2
    assert "<stdin> says itself what its model is: it has no choice of bias" in " ".join(output.split())


TWO = CELL.replace("E: loss(last s)", "E: loss(last s), F: 1, '\\lambda': 1").replace("'2'", "'2', '3'")
TWO += r"$$F = \lambda \sum_{t=1}^T \|s_t\|^2 \tag{3}$$"


@pytest.mark.parametrize(("loss", "other"), [("E", "F"), ("F", "E")])
def test_of_several_losses_one_is_said(loss, other):
    code, output = derive("-", stdin=TWO)
    assert code == 2
    assert "the model has 2 losses, E and F; say which one is meant" in " ".join(output.split())
    code, output = derive("-", "--loss", loss, "--wrt", "W", stdin=TWO)
    assert code == 0
    assert f"grad.W  ∂{loss}/∂W = " in output
    assert f"∂{other}/∂W" not in output
    code, output = derive("-", "--loss", "every", stdin=TWO)
    assert code == 2
    assert "<stdin> has no loss every; it has E, F" in " ".join(output.split())


def test_the_list_of_models_names_choices_and_variables():
    done = CliRunner().invoke(main, ["models"])
    assert done.exit_code == 0
    assert "lstm: LSTM, loss on the last state" in done.output
    assert "  choices: loss=last, bias=yes, peepholes=no, coupled=no" in done.output
    assert "  derives by: Net_f, Net_g, Net_i, Net_o, U_f," in done.output
    lines = done.output.splitlines()
    assert lines.index("Networks") < lines.index("Losses of outputs") < lines.index("Activations")
    assert "gelu, identity, leaky relu, relu, sigmoid, softmax, softplus, tanh" in lines  # each is a[t] = f(z[t])
    assert max(len(line) for line in lines if line.startswith("  ")) <= 80
