"""z and 1 - z: a claim in one convention of the update gate against a model in the other."""

from dataclasses import replace

import pytest
import sympy as sp

from derive.language.build import hadamard, matadd, matmul, negate, ones, sequence
from derive.language.functions import elementwise
from derive.model import Loss, Model
from derive.models.letters import STEPS, U, W, n, s, t, x
from derive.models.systems import system
from verify import api
from verify.claim import Assumption, Claim
from verify.mirror import gates, mirrored
from verify.quantities import claim_of

KEPT, OTHER = (system("gru", update=update, reset="before", loss="every") for update in ("z", "1-z"))
ABOUT_Z = ("delta.Net_z", "delta.h", "delta.Net_n", "grad.W_z", "grad.h0", "J.h.Net_n", "J.h.Net_z", "J.h.h-1")


def against(other, derivation):
    """A derivation's formula, claimed of the other model with the same names for gradients."""
    from derive.derivation import with_definitions

    return replace(claim_of(derivation), model=with_definitions(other.model, derivation.definitions))


def test_the_gates_of_the_gru_turn_with_their_parameters():
    found = {gate.name: gate.turned for gate in gates(KEPT.model)}
    assert found["z"] == {"\\mathrm{Net}^{z}", "U_{z}", "W_{z}", "b_{z}"}
    assert set(found) == {"r", "z"}


@pytest.mark.parametrize(("mine", "other"), [(KEPT, OTHER), (OTHER, KEPT)], ids=["z", "1-z"])
def test_every_formula_of_one_convention_is_one_of_the_other(mine, other):
    """Both deciders prove what the map gives, for every quantity; those about z are wrong before it."""
    from verify.check import settle
    from verify.limits import Effort

    few = Effort(examples=0)
    changed = 0
    for derivation in mine.quantities():
        claim = against(other, derivation)
        gate = next(gate for gate in gates(claim.model) if gate.name == "z")
        turned = mirrored(claim, gate)
        assert settle(turned or claim, few).verdict == "proved", derivation.name
        if derivation.name in ABOUT_Z and "grad" not in derivation.name and "Net_z" not in derivation.name:
            assert settle(claim, few).verdict == "refuted", derivation.name
            changed += 1
    assert changed == 4


def test_the_forward_formula_in_python():
    """h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t against a model that keeps z_t."""
    h, new, z = sequence("h", n), sequence("\\tilde{h}", n), sequence("z", n)
    kept = matadd(ones(n, 1), negate(z[t]))
    formula = matadd(hadamard(kept, h[t - 1]), hadamard(z[t], new[t]))
    verdict = api.claim(h[t], formula, model=KEPT.model, examples=4)
    assert verdict.verdict == "refuted"
    assert verdict.hint == "equal after z → 1 - z: it holds where z and 1 - z change places in the model"


def test_what_is_wrong_in_both_conventions_is_not_called_equal():
    h, z = sequence("h", n), sequence("z", n)
    verdict = api.claim(h[t], hadamard(z[t], h[t - 1]), model=KEPT.model, examples=4)
    assert verdict.verdict == "refuted"
    assert verdict.hint == ""


@pytest.mark.parametrize("shared", ["parameter", "preactivation", "constant"])
def test_no_mirror_where_the_theorem_does_not_hold(shared):
    """A parameter or a pre-activation that another equation reads, and a term that keeps its sign."""
    a, z = sequence("a", n), sequence("z", n)
    σ = elementwise("\\sigma", "sigmoid")
    affine = matadd(matmul(U, x[t]), ones(n, 1)) if shared == "constant" else matmul(U, x[t])
    other = {"parameter": matmul(U, x[t]), "preactivation": a[t], "constant": matmul(W, s[t - 1])}[shared]
    model = Model({a[t]: affine, z[t]: σ(a[t]), s[t]: hadamard(z[t], s[t - 1], other)}, Loss.last(s), STEPS)
    assert list(gates(model)) == []


def test_a_gate_written_in_one_equation_has_a_mirror_too():
    z, b = sequence("z", n), sp.MatrixSymbol("b", n, 1)
    argument = matadd(matmul(U, x[t]), b)
    σ = elementwise("\\sigma", "sigmoid")
    model = Model({z[t]: σ(argument), s[t]: hadamard(z[t], s[t - 1])}, Loss.last(s), STEPS)
    (gate,) = gates(model)
    assert gate.turned == {"U", "b"}
    claim = api.claim(s[t], hadamard(matadd(ones(n, 1), negate(σ(argument))), s[t - 1]), model=model, examples=4)
    assert claim.hint.startswith("equal after z → 1 - z")


DOCUMENT = r"""```backproof
symbols: {x_t: m, h_t: n, z_t: n, a_t: n, g_t: n, U: n x m, W: n x n, G: n x m, '\sigma': sigmoid, E: loss(each h),
  '\delta_t': n, '\delta^h_t': n}
time: 1..T
layout: numerator
gradient: shape
given: ['1', '2', '3', '4', 'd', 'dh']
```

$$a_t = U x_t + W h_{t-1} \tag{1}$$
$$z_t = \sigma(a_t) \tag{2}$$
$$g_t = \tanh(G x_t) \tag{3}$$
$$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot g_t \tag{4}$$
$$\delta_t = \frac{\partial E}{\partial a_t} \tag{d}$$
$$\delta^h_t = \frac{\partial E}{\partial h_t} \tag{dh}$$
$$\delta_t = \sigma'(a_t) \odot (g_t - h_{t-1}) \odot \delta^h_t \tag{delta}$$
$$\frac{\partial h_t}{\partial g_t} = \operatorname{diag}(z_t) \tag{jacobian}$$
$$\frac{\partial E}{\partial W} = \sum_{k=1}^{T} \delta_k h_{k-1}^\top \tag{W}$$
"""


def test_in_a_document(tmp_path):
    """Lines of the 1 - z convention under givens of the z convention."""
    path = tmp_path / "gru.md"
    path.write_text(DOCUMENT, encoding="utf-8")
    report = api.document(path, examples=4)
    for name in ("delta", "jacobian"):
        assert report[name].verdict == "refuted"
        assert report[name].hint.startswith("equal after z → 1 - z"), report[name].hint
    assert report["W"].verdict == "proved"


TWICE = r"2 \frac{\partial E}{\partial a_t}"


@pytest.mark.parametrize(
    ("given", "line", "has_hint"),
    [
        (TWICE, r"\delta_t = -2 \frac{\partial E}{\partial a_t}", False),
        (TWICE, r"\delta_t = 2 \sigma'(a_t) \odot (g_t - h_{t-1}) \odot \delta^h_t", True),
        (r"a_t + \frac{\partial E}{\partial a_t}", r"\delta_t = a_t - \frac{\partial E}{\partial a_t}", False),
        (r"z_t \odot \frac{\partial E}{\partial a_t}", r"\delta_t = -z_t \odot \frac{\partial E}{\partial a_t}", False),
    ],
    ids=["multiple", "multiple in the other convention", "sum", "product"],
)
def test_a_name_for_a_formula_with_a_derivative(tmp_path, given, line, has_hint):
    """It changes its sign with the formula; where that does neither, there is no mirror."""
    path = tmp_path / "gru.md"
    plain = r"\frac{\partial E}{\partial a_t} \tag{d}"
    text = DOCUMENT.replace(plain, given + r" \tag{d}")
    assert text != DOCUMENT
    path.write_text(f"{text}\n$${line} \\tag{{line}}$$\n", encoding="utf-8")
    found = api.document(path, examples=4)["line"]
    assert found.verdict == "refuted"
    assert found.hint.startswith("equal after") == has_hint, found.hint


def test_what_is_assumed_of_a_parameter_is_assumed_in_both_conventions():
    """1ᵀ b = 1 is not 1ᵀ(-b) = 1: 1ᵀ b = -1 holds in neither; a symmetric W is one with its sign changed."""
    z, b = sequence("z", n), sp.MatrixSymbol("b", n, 1)
    σ, row = elementwise("\\sigma", "sigmoid"), ones(1, n)
    argument = matadd(matmul(W, s[t - 1]), b)
    model = Model({z[t]: σ(argument), s[t]: hadamard(z[t], s[t - 1])}, Loss.last(s), STEPS)
    (gate,) = gates(model)
    assert gate.turned == {"W", "b"}
    sum_one, symmetric = Assumption("sum_one", b, sp.Identity(1)), Assumption("symmetric", W)
    claim = Claim(matmul(row, b), negate(sp.Identity(1)), model, assumptions=(sum_one,))
    assert mirrored(claim, gate) is None
    assert mirrored(replace(claim, assumptions=()), gate) is not None
    assert mirrored(replace(claim, assumptions=(symmetric,)), gate) is not None
