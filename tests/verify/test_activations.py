"""leaky relu, softplus, gelu and the normal distribution: facts proved, slips refuted, kinks named, loops closed."""

import mpmath
import numpy as np
import pytest

from derive.language.show import show
from derive.models.activations import ACTIVATIONS
from derive.models.losses import LOSSES
from derive.models.systems import system
from derive.printed import printed
from verify.check import settle
from verify.deciders.prime_field.exact import Balls
from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort
from verify.oracles.arithmetic import UNIT
from verify.oracles.functions import KNOWN, Known
from verify.quantities import claim_of

HEAD = r"""
```backproof
symbols: {z: n, x: n, W: n x n, '\alpha': 1, f: leaky relu, a: leaky relu \alpha, fifth: leaky relu 1/5, g: gelu,
  r: elementwise relu, '\sigma': sigmoid, '\Phi': normal cdf, '\phi': normal density,
  out: 'leaky relu, prime of output'}
layout: numerator
given: []
```
"""
KINK = "z ≠ 0 in every entry (relu has a kink at 0)"
CASES = r"\begin{cases} 1 & z > 0 \\ %s & z < 0 \end{cases}"

TRUE = [
    r"\operatorname{softplus}'(z) = \sigma(z)",
    r"\operatorname{softplus}''(z) = \sigma(z) \odot (1 - \sigma(z))",
    r"\operatorname{softplus}(z) = \log(1 + \exp(z))",
    r"\frac{\partial \operatorname{softplus}(W x)}{\partial x} = \operatorname{diag}(\sigma(W x)) W",
    r"\operatorname{GELU}(z) = z \odot \Phi(z)",
    r"\operatorname{GELU}'(z) = \Phi(z) + z \odot \phi(z)",
    r"g''(z) = 2 \phi(z) - z^2 \odot \phi(z)",
    r"\Phi'(z) = \phi(z)",
    r"\phi''(z) = (z^2 - 1) \odot \phi(z)",
    r"\frac{\partial g(W x)}{\partial x} = \operatorname{diag}(\Phi(W x) + W x \odot \phi(W x)) W",
    r"\operatorname{LeakyReLU}'(z) = " + CASES % "0.01",
    r"f(z) = \frac{1}{100} z + \frac{99}{100} r(z)",
    r"f(z) = z \odot f'(z)",
    r"f''(z) = 0",
    r"\frac{\partial f(W x)}{\partial x} = \operatorname{diag}(f'(W x)) W",
    r"a'(z) = " + CASES % r"\alpha",
    r"a(z) = \alpha z + (1 - \alpha) r(z)",
    r"a''(z) = 0",
    r"fifth'(z) = " + CASES % "0.2",
]
TRUE += [  # a · 1/(c + d a) under a sum, where no denominator is cleared
    r"W \left(\frac{1}{1 - \sigma(z)} \odot \sigma'(z)\right) = W \sigma(z)",
    r"W \left(\frac{1}{2 + 3 z} \odot z\right) = \frac{1}{3} W \left(1 - \frac{2}{2 + 3 z}\right)",
    r"z^\top \left(\frac{1}{1 - \sigma(x)} \odot \sigma(x)\right) = z^\top \frac{1}{1 - \sigma(x)} - z^\top \mathbf{1}",
]
TESTED = [  # of laws that the deciders do not know
    r"\operatorname{softplus}(z) - \operatorname{softplus}(-z) = z",
    r"\Phi(-z) = 1 - \Phi(z)",
    r"\phi(-z) = \phi(z)",
]
FALSE = [
    r"\operatorname{softplus}'(z) = 1 - \sigma(z)",
    r"\operatorname{softplus}(z) = \log(1 + \exp(-z))",
    r"\operatorname{softplus}''(z) = \sigma(z)",
    r"\operatorname{GELU}'(z) = \Phi(z)",
    r"\operatorname{GELU}'(z) = \Phi(z) - z \odot \phi(z)",
    r"\operatorname{GELU}(z) = z \odot \sigma(z)",
    r"W \left(\frac{1}{1 - \sigma(z)} \odot \sigma'(z)\right) = W (1 - \sigma(z))",
    r"W \left(\frac{1}{2 + 3 z} \odot z\right) = W \left(1 - \frac{2}{2 + 3 z}\right)",
    r"\phi'(z) = z \odot \phi(z)",
    r"\Phi''(z) = \phi(z)",
    r"\operatorname{LeakyReLU}'(z) = " + CASES % "0.02",
    r"f(z) = \frac{1}{100} z + r(z)",
    r"a'(z) = " + CASES % "0.01",
    r"fifth'(z) = f'(z)",
    r"\frac{\partial f(W x)}{\partial x} = \operatorname{diag}(f'(x)) W",
]


RECURRENT = r"""
```backproof
symbols: {x_t: m, s_t: n, '\mathrm{Net}_t': n, U: n x m, W: n x n, r: relu}
time: 1..t
layout: numerator
given: ['1']
```
$$\mathrm{Net}_t = U x_t + W s_{t-1}, \quad s_t = r(\mathrm{Net}_t) \tag{1}$$
$$\frac{\partial s_t}{\partial s_{t-1}} = \operatorname{diag}\left[r'(\mathrm{Net}_t)\right] W \tag{through}$$
$$U x_t + W s_{t-1} = \mathrm{Net}_t \tag{below}$$
"""


def verdicts(text, effort=Effort(examples=12)):  # noqa: B008
    document = read("facts.md", text)
    assert not document.errors, document.errors
    return {entry.id: entry.verdict for entry in Judge(document, effort).entries() if entry.role == "claim"}


def settled(line):
    (verdict,) = verdicts(f"{HEAD}\n$${line}$$\n").values()
    return verdict


@pytest.mark.parametrize("line", TRUE)
def test_facts_are_proved(line):
    verdict = settled(line)
    assert verdict.verdict == "proved", verdict.message


@pytest.mark.parametrize("line", TESTED)
def test_facts_beyond_the_laws_are_tested_and_say_so(line):
    verdict = settled(line)
    assert (verdict.verdict, "analytic fact" in verdict.message) == ("tested", True)


@pytest.mark.parametrize("line", FALSE)
def test_slips_are_refuted_by_an_instance(line):
    verdict = settled(line)
    assert verdict.verdict == "refuted", verdict.message
    assert verdict.counterexample is not None
    assert not verdict.counterexample.is_numeric


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (r"f'(W x) = f'(W x)", ("W x ≠ 0 in every entry (leaky relu has a kink at 0)",)),
        (r"f(z) + r(z) = r(z) + f(z)", ()),
        (r"\frac{\partial r(z)}{\partial z} = \operatorname{diag}(r'(z))", (KINK,)),
        (r"|z| = z \odot (2 r'(z) - 1)", (KINK,)),
        (r"\frac{\partial g(z)}{\partial z} = \operatorname{diag}(g'(z))", ()),
    ],
)  # fmt: skip
def test_a_kink_is_a_hypothesis_where_a_slope_is_needed(line, expected):
    verdict = settled(line)
    assert (verdict.verdict, verdict.assumptions) == ("proved", expected)


def test_a_kink_reached_through_the_model_is_named():
    """The claim names s and Net; that a relu lies between them, the given says."""
    found = verdicts(RECURRENT)
    kink = "Net[t] ≠ 0 in every entry (relu has a kink at 0)"
    assert {key: verdict.assumptions for key, verdict in found.items()} == {"through": (kink,), "below": ()}
    assert {verdict.verdict for verdict in found.values()} == {"proved"}


def test_a_slope_that_is_neither_a_number_nor_declared_is_named():
    (verdict,) = verdicts(HEAD.replace(r"leaky relu \alpha", r"leaky relu \beta") + "\n$$a'(z) = a'(z)$$\n").values()
    assert verdict.verdict == "unreadable"
    assert verdict.message == r"the slope \beta of a leaky relu is a number or a declared scalar"


@pytest.mark.parametrize("name", [*ACTIVATIONS, *LOSSES, *(f"weighted {loss}" for loss in LOSSES)])
def test_what_derive_prints_of_activations_and_losses_is_proved(name):
    found = verdicts(printed(system(name), form="md"), Effort(examples=6))
    assert found
    assert {key: verdict.verdict for key, verdict in found.items()} == dict.fromkeys(found, "proved")


def test_the_gradient_through_sigmoids_and_a_binary_cross_entropy_is_proved():
    """δ_t = diag[f'(Net_t)] Vᵀ (o_t - y_t): the sigmoid's slope cancels inside a sum over the outputs."""
    chosen = system("rnn", loss="outputs", output="sigmoid")
    derivation = next(one for one in chosen.quantities() if one.name == "2.3t")
    assert show(derivation.right) == "diag(f'(Net[t])) Vᵀ (o[t] - y[t])"
    assert settle(claim_of(derivation), Effort(examples=6)).verdict == "proved"


# --- numbers -----------------------------------------------------------------------------------------------------

EXACT = {
    "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    "normal cdf": mpmath.ncdf,
    "normal density": mpmath.npdf,
    "gelu": lambda z: z * mpmath.ncdf(z),
    "leaky relu": lambda z: z if z > 0 else z / 100,
}


@pytest.mark.parametrize("kind", sorted(EXACT))
@pytest.mark.parametrize("order", [0, 1, 2])
def test_floats_lie_within_their_error_bound(kind, order):
    """|f⁽ᵏ⁾ found - f⁽ᵏ⁾| ≤ 8 u (size + |f⁽ᵏ⁺¹⁾| (|z| + 1)), in the tails too."""
    z = np.array([-12.0, -5.3, -2.1, -1.9, -0.4, 0.3, 1.7, 2.2, 6.1, 9.0])
    function = Known(kind)
    found, size = function.value(order, z), function.size(order, z)
    bound = 8 * UNIT * (size + np.abs(function.value(order + 1, z)) * (np.abs(z) + 1))
    with mpmath.workdps(50):
        exact = [mpmath.diff(EXACT[kind], mpmath.mpf(float(x)), order) for x in z]
        errors = np.array([float(abs(mpmath.mpf(float(one)) - other)) for one, other in zip(found, exact, strict=True)])
    assert (errors <= bound + 1e-30).all(), errors / bound


@pytest.mark.parametrize("kind", sorted(EXACT))
def test_the_complex_step_needs_no_slope(kind):
    """Im f(z + ih)/h = f'(z), at arguments on both sides of where one formula hands over to another."""
    z = np.array([-9.0, -4.0, -2.001, -1.999, -0.5, 0.5, 1.999, 2.001, 4.0])
    step = 2.0**-400
    found = KNOWN[kind](0, z + 1j * step).imag / step
    assert np.abs(found - KNOWN[kind](1, z)).max() <= 1e-15
    relative = np.abs(found / KNOWN[kind](1, z) - 1)
    assert relative.max() <= 1e-13


@pytest.mark.parametrize("kind", ["softplus", "normal_cdf", "normal_density"])
@pytest.mark.parametrize("z", [-25.0, -3.0, -0.25, 0.0, 0.75, 3.0, 25.0])
def test_balls_hold_the_true_value_and_are_small(kind, z):
    """The interval is no wider than 1e-30 of the value, and holds it."""
    balls = Balls(2, 0)
    (found,) = getattr(balls, kind)(np.array([balls._iv.mpf(z)], dtype=object))
    with mpmath.workdps(60):
        exact = EXACT[kind.replace("_", " ")](mpmath.mpf(z))
        low, high = (mpmath.mpf(end._mpi_[0]) for end in (found.a, found.b))
        assert low <= exact <= high
        assert high - low <= 1e-30 * max(exact, 1)


def test_the_normal_cdf_of_a_wide_ball_holds_all_its_values():
    balls = Balls(2, 0)
    (found,) = balls.normal_cdf(np.array([balls._iv.mpf([-1, 2])], dtype=object))
    assert float(found.a) <= float(mpmath.ncdf(-1)) < float(mpmath.ncdf(2)) <= float(found.b)
