"""Cells as their authors write them, with names and letters of their own: what is derived from each is proved."""

import pytest
from click.testing import CliRunner

from derive.printed import printed
from verify.cells import system_of
from verify.cli import main
from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort

JANET = (
    r"x_t: m, s_t: n_h, c_t: n_h, '\tilde{c}_t': n_h, h_t: n_h, U_f: n_h x n_h, W_f: n_h x m, U_c: n_h x n_h, "
    r"W_c: n_h x m, '\beta': 1, '\sigma': sigmoid, J: loss(last h)",
    "1..T",
    [
        r"s_t = U_f h_{t-1} + W_f x_t",
        r"\tilde c_t = \tanh(U_c h_{t-1} + W_c x_t)",
        r"c_t = \sigma(s_t) \odot c_{t-1} + (1 - \sigma(s_t - \beta)) \odot \tilde c_t",
        r"h_t = c_t",
    ],
)
TAKEN = (  # δ, e and k are the author's
    r"x_t: m, e_t: n, '\delta_t': n, k_t: n, Net_t: n, U: n x m, W: n x n, '\epsilon': n, f: elementwise, "
    "L: loss(each e)",
    "1..T",
    [
        r"Net_t = U x_t + W e_{t-1}",
        r"\delta_t = f(Net_t)",
        r"k_t = f(\delta_t \odot \epsilon)",
        r"e_t = k_t \odot \delta_t + e_{t-1}",
    ],
)
SCRIPTS = (
    r"x_t: m, '\overrightarrow{h}_t': n, '\overleftarrow{h}_t': n, 'z_{it}': n, out_t: p, "
    r"'W_{\overrightarrow{h}}': n x n, W_x: n x m, V_f: p x n, V_b: p x n, R: n x n, Q: n x m, "
    "f: elementwise, E: loss(each out)",
    "1..T",
    [
        r"z_{it} = W_x x_t + W_{\overrightarrow{h}} \overrightarrow{h}_{t-1}",
        r"\overrightarrow{h}_t = f(z_{it})",
        r"\overleftarrow{h}_t = f(Q x_t + R \overleftarrow{h}_{t+1})",
        r"out_t = V_f \overrightarrow{h}_t + V_b \overleftarrow{h}_t",
    ],
)
LAST_STEP_K = (
    "x_k: m, h_k: n, a_k: n, U: n x m, W: n x n, f: elementwise, E: loss(each h)",
    "1..k",
    ["a_k = U x_k + W h_{k-1}", "h_k = f(a_k)"],
)
SIZE_K = (
    "x_t: k, h_t: n, a_t: n, U: n x k, W: n x n, f: elementwise, E: loss(each h)",
    "1..T",
    ["a_t = U x_t + W h_{t-1}", "h_t = f(a_t)"],
)
RELU = (
    r"x_t: m, h_t: n, W: n x m, u: n, b: n, '\sigma': relu, J: loss(last h)",
    "1..T",
    [r"h_t = \sigma(W x_t + u \odot h_{t-1} + b)"],
)
CELLS = {"janet": JANET, "taken": TAKEN, "scripts": SCRIPTS, "k last": LAST_STEP_K, "k size": SIZE_K, "relu": RELU}
TESTED = {"scripts": {"grad.x"}}  # no induction was found: two recurrences, one in each direction, meet in x


def document(symbols, time, equations):
    given = ", ".join(f"'{number}'" for number in range(1, len(equations) + 1))
    block = f"```backproof\nsymbols: {{{symbols}}}\ntime: {time}\ngiven: [{given}]\n```\n"
    return "\n\n".join([block, *(f"$${one} \\tag{{{number}}}$$" for number, one in enumerate(equations, start=1))])


@pytest.mark.parametrize("batch", [False, True], ids=["", "batch"])
@pytest.mark.parametrize("cell", CELLS)
def test_what_is_derived_is_proved(tmp_path, cell, batch):
    path = tmp_path / "cell.md"
    path.write_text(document(*CELLS[cell]), encoding="utf-8")
    derived = read("derived.md", printed(system_of(str(path), {}), form="md", batch=batch))
    assert not derived.errors, derived.errors
    found = {e.id: e.verdict.verdict for e in Judge(derived, Effort(examples=12)).entries() if e.role == "claim"}
    assert len(found) > 5
    assert {id for id, verdict in found.items() if verdict != "proved"} <= TESTED.get(cell, set()), found
    assert set(found.values()) <= {"proved", "tested"}


def test_names_that_are_taken_are_left_to_their_owner():
    done = CliRunner().invoke(main, ["derive", "-", "--wrt", "W"], input=document(*TAKEN))
    assert done.exit_code == 0
    assert "grad.W  ∂L/∂W = Σ_{j=1..T} Δ^Net[j] e[j-1]ᵀ" in done.output.splitlines()


def test_arrows_stand_over_their_letters():
    done = CliRunner().invoke(main, ["derive", "-", "--wrt", "z_i"], input=document(*SCRIPTS))
    assert "J.h_overrightarrow.z_i  ∂h\u20d7[t]/∂z_i[t] = diag(f'(z_i[t]))" in done.output.splitlines()
