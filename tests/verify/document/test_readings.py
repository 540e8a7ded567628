"""Verdicts on what the reader alone could get wrong: labels, numbered entries, layers, roots, orders, givens."""

import pytest

from verify.document.interpret import Interpreter
from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort

FEW = Effort(examples=12)


def verdicts(text, effort=FEW):
    document = read("notes.md", text)
    assert not document.errors, document.errors
    return {entry.id: entry.verdict for entry in Judge(document, effort).entries() if entry.role == "claim"}


def kinds(text):
    return {name: verdict.verdict for name, verdict in verdicts(text).items()}


def block(*lines):
    return "```backproof\n" + "\n".join(lines) + "\n```\n"


def test_a_label_is_a_one_hot_vector_that_may_stand_as_an_index():
    """∂(-log p_y)/∂z = p - y; without the label the line is false, and refuted with a label."""
    text = block(
        "symbols: {z: n, p: n, y: label n, L: 1}", "indices: {i: component, j: component}", "gradient: shape",
        "given: [m]",
    )  # fmt: skip
    text += r"""
$$p = \operatorname{softmax}(z), \quad L = -\log p_y \tag{m}$$
$$\frac{\partial L}{\partial z_i} = p_i - \mathbb{1}(y = i) \tag{good}$$
$$\frac{\partial L}{\partial z_i} = p_i - \mathbf{1}_{i,y} \tag{same}$$
$$\frac{\partial L}{\partial z_i} = \mathbb{1}(y = i) - p_i \tag{sign}$$
"""
    assert kinds(text) == {"good": "proved", "same": "proved", "sign": "refuted"}


def test_numbers_as_components_are_entries_of_their_own():
    """W_12 is an entry off the diagonal, W_11 one on it; an axis has no first entry."""
    text = block("symbols: {W: n x n, U: n x m, w: entries of W}", "indices: {i: component, j: component}")
    text += r"""
$$w_{12} = W_{12} \tag{same}$$
$$W_{12} = W_{21} \tag{turned}$$
$$W_{12} - W_{11} = W_{12} - W_{11} \tag{two}$$
$$U_{11} = U_{12} \tag{other}$$
$$\frac{\partial W_{12}}{\partial W_{11}} = 0 \tag{zero}$$
$$\frac{\partial W_{11}}{\partial W_{11}} = 1 \tag{one}$$
"""
    found = kinds(text)
    assert found == {
        "same": "proved", "turned": "refuted", "two": "proved", "other": "refuted", "zero": "proved", "one": "proved",
    }  # fmt: skip


DENSE = block(
    "symbols: {'z^l': n_l, 'a^l': n_l, 'b^l': n_l, 'w^l': 'n_l x n_{l-1}', '\\delta^l': n_l, '\\sigma': elementwise,",
    "          C: loss(last a)}",
    "indices: {l: 1..L, j: component, k: component}",
    "layout: numerator",
    "gradient: shape",
    "given: [forward, error]",
)
DENSE += r"""
$$z^l = w^l a^{l-1} + b^l, \quad a^l = \sigma(z^l) \tag{forward}$$
$$\delta^l = \frac{\partial C}{\partial z^l} \tag{error}$$
"""


def test_sizes_may_differ_from_layer_to_layer():
    """The four equations of backpropagation, for every number of layers and all their sizes."""
    text = (
        DENSE
        + r"""
$$\delta^L = \nabla_{a^L} C \odot \sigma'(z^L) \tag{BP1}$$
$$\delta^l = \left((w^{l+1})^T \delta^{l+1}\right) \odot \sigma'(z^l) \tag{BP2}$$
$$\frac{\partial C}{\partial b^l_j} = \delta^l_j \tag{BP3}$$
$$\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j \tag{BP4}$$
$$\delta^l = \left((w^{l})^T \delta^{l+1}\right) \odot \sigma'(z^l) \tag{layer}$$
$$\delta^l = \left(w^{l+1} \delta^{l+1}\right) \odot \sigma'(z^l) \tag{turned}$$
$$\frac{\partial C}{\partial w^l_{jk}} = a^{l}_k \delta^l_j \tag{early}$$
"""
    )
    found = verdicts(text)
    assert {name: verdict.verdict for name, verdict in found.items()} == {
        "BP1": "proved", "BP2": "proved", "BP3": "proved", "BP4": "proved", "layer": "refuted", "turned": "refuted",
        "early": "refuted",
    }  # fmt: skip
    assert {name for name, verdict in found.items() if verdict.reason == "shape"} == {"layer", "turned", "early"}


def test_a_size_that_differs_from_layer_to_layer_is_not_counted():
    """1ᵀ1 would be n_l, which one size for all layers cannot tell from n_{l-1}."""
    text = (
        DENSE
        + r"""
$$\mathbf{1}^\top a^l = \mathbf{1}^\top a^l \tag{ones}$$
"""
    )
    (verdict,) = verdicts(text).values()
    assert verdict.verdict == "unreadable"
    assert "may not be counted" in verdict.message


STACK = block(
    "symbols: {'h_t^{(l)}': n_l, 'z_t^{(l)}': n_l, 'U^{(l)}': n_l x n_l, 'W^{(l)}': 'n_l x n_{l-1}',",
    "          '\\delta_t^{(l)}': n_l, f: elementwise, E: loss(last h)}",
    "indices: {t: 1..T, l: 1..L}",
    "gradient: shape",
    "given: [forward, error]",
)
STACK += r"""
$$z_t^{(l)} = U^{(l)} h_{t-1}^{(l)} + W^{(l)} h_t^{(l-1)}, \quad h_t^{(l)} = f(z_t^{(l)}) \tag{forward}$$
$$\delta_t^{(l)} = \frac{\partial E}{\partial z_t^{(l)}} \tag{error}$$
<!-- backproof: where: 'l < L, t < T' -->
$$\delta_t^{(l)} = \left((U^{(l)})^\top \delta_{t+1}^{(l)} + (W^{(l+1)})^\top \delta_t^{(l+1)}\right)
  \odot f'(z_t^{(l)}) \tag{both}$$
<!-- backproof: where: 'l < L, t < T' -->
$$\delta_t^{(l)} = \left((U^{(l)})^\top \delta_{t+1}^{(l)}\right) \odot f'(z_t^{(l)}) \tag{time alone}$$
"""


def test_layers_and_steps_at_once_are_settled_for_few_layers():
    found = verdicts(STACK)
    assert found["both"].verdict == "tested"
    assert "L = 3, l = 2" in found["both"].message
    assert found["time alone"].verdict == "refuted"
    assert "with L = 2, l = 1" in found["time alone"].message


def test_a_key_stands_once_before_an_equation():
    text = STACK.replace("'l < L, t < T'", "l < L; where: t < T", 1)
    document = read("notes.md", text)
    assert "where stands twice" in str(document.errors[0])


def test_a_root_of_a_size_is_any_number_for_the_deciders_and_itself_for_the_numbers():
    text = block("symbols: {Q: N x d, K: N x d, S: N x N, E: loss(S)}", "gradient: shape", "given: [m]")
    text += r"""
$$S = \frac{1}{\sqrt{d}} Q K^\top \tag{m}$$
$$\frac{\partial E}{\partial Q} = \frac{1}{\sqrt{d}} \frac{\partial E}{\partial S} K \tag{good}$$
$$\frac{\partial E}{\partial Q} = \frac{\partial E}{\partial S} K \tag{lost}$$
$$\frac{\sqrt{d}}{d} Q = \frac{1}{\sqrt{d}} Q \tag{root}$$
$$\sqrt{d} S K = \sqrt{N} S K \tag{other}$$
"""
    found = kinds(text)
    assert found["good"] == "proved"
    assert found["lost"] == found["other"] == "refuted"
    assert found["root"] in ("proved", "tested", "undecided")  # r² = d is not used, and nothing false is said


def test_a_reading_whose_entries_are_in_another_order_is_false_not_dropped():
    """vec(ABC) = (A ⊗ Cᵀ) vec B by rows; by columns it is another line, and false."""
    text = block("symbols: {A: a x b, B: b x c, C: c x d}")
    text += r"$$\operatorname{vec}(ABC) = (A \otimes C^T) \operatorname{vec}(B) \tag{open}$$" + "\n"
    assert kinds(text) == {"open": "conditional"}


def test_a_given_that_cannot_be_named_is_told_and_never_passed_over():
    text = block("symbols: {z: n, a: n, d: n, C: loss(a), f: elementwise}", "gradient: shape", "given: [m, x]")
    text += "$$a = f(z) \\tag{m}$$\n$$d + z = \\frac{\\partial C}{\\partial z} \\tag{x}$$\n$$d = d \\tag{c}$$\n"
    (verdict,) = verdicts(text).values()
    assert verdict.verdict == "unreadable"
    assert "the given equation x" in verdict.message


@pytest.mark.parametrize("given", [r"z_i = \sum_j W_{ij} x_j", r"z = W x"])
def test_a_given_may_define_every_entry(given):
    text = block(
        "symbols: {z: n, x: m, W: n x m}", "indices: {i: component, j: component, k: component}", "layout: numerator",
        "given: [m]",
    )  # fmt: skip
    text += f"$${given} \\tag{{m}}$$\n"
    text += r"""
$$\frac{\partial z}{\partial x} = W \tag{J}$$
$$\frac{\partial z_i}{\partial W_{jk}} = \delta_{ij} x_k \tag{W}$$
$$\frac{\partial z_i}{\partial W_{jk}} = \delta_{ij} x_i \tag{letter}$$
"""
    found = kinds(text.replace("x: m", "x: n").replace("W: n x m", "W: n x n"))
    assert found == {"J": "proved", "W": "proved", "letter": "refuted"}


def test_a_given_at_a_shifted_step_defines_the_same_family():
    text = block(
        "symbols: {x_t: m, s_t: n, net_t: n, U: n x m, W: n x n, f: elementwise}", "time: 1..t", "layout: numerator",
        "given: [m]",
    )  # fmt: skip
    text += r"""
$$net_t = U x_t + W s_{t-1}, \quad s_{t-1} = f(net_{t-1}) \tag{m}$$
$$\frac{\partial net_t}{\partial net_{t-1}} = W \operatorname{diag}[f'(net_{t-1})] \tag{J}$$
"""
    assert kinds(text) == {"J": "proved"}


def test_losses_of_every_step_are_losses_of_their_own():
    """E = Σ E_t; ∂E_t/∂W is total even where derivatives by parameters are immediate."""
    text = block(
        "symbols: {x_t: m, s_t: n, U: n x m, W: n x n, f: elementwise, 'E_t': loss(s_t), E: 1}", "time: 1..T",
        "indices: {k: t}", "gradient: row", "matrix: family", "products: descending", "partial: immediate",
        "layout: numerator", "given: [m]",
    )  # fmt: skip
    text += r"""
$$s_t = f(U x_t + W s_{t-1}), \quad E = \sum_{t=1}^{T} E_t \tag{m}$$
$$\frac{\partial E}{\partial W} = \sum_{t=1}^{T} \frac{\partial E_t}{\partial W} \tag{sum}$$
$$\frac{\partial E_t}{\partial W}
  = \sum_{k=1}^{t} \frac{\partial E_t}{\partial s_k} \frac{\partial s_k}{\partial W} \tag{steps}$$
$$\frac{\partial E_t}{\partial W} = \frac{\partial E_t}{\partial s_t} \frac{\partial s_t}{\partial W} \tag{last}$$
"""
    assert kinds(text) == {"sum": "proved", "steps": "proved", "last": "refuted"}


def test_a_condition_on_a_step_and_a_layer_holds_at_each_layer():
    """t < l at l = 3 is t < 3; at l = 1 nothing is claimed."""
    line = r"$$h_t^{(l)} = f(z_t^{(l)}) \tag{c}$$"
    document = read("notes.md", f"{STACK}<!-- backproof: where: t < l -->\n{line}\n")
    statement = document.claims[-1]
    (reading,) = Interpreter(document).readings(statement, statement.links[0])
    assert {(which.rpartition(" ")[2], *map(str, claim.conditions)) for which, claim in reading.instances} == {
        ("1", "t < 1"), ("2", "t < 2"), ("3", "t < 3"),
    }  # fmt: skip
