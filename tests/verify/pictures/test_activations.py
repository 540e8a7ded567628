"""Activation pictures: the curves are the functions and their derivatives, and a kink is shown as one."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
import pytest
import sympy as sp

from derive import Model, elementwise, sequence
from derive.language.build import hadamard, matadd, matmul
from derive.language.functions import KINKED
from derive.language.laws import law_of
from tests.verify.pictures.reading import at, parsed, points, shapes
from verify.pictures.activations import DRAWN, activation_picture, activation_pictures, curves, own_curves
from verify.reference.activations import ACTIVATIONS

KNOWN = {
    "tanh": cmath.tanh,
    "sigmoid": lambda z: 1 / (1 + cmath.exp(-z)),
    "softplus": lambda z: cmath.log(1 + cmath.exp(z)),
    "relu": lambda z: z if z.real > 0 else 0 * z,
    "leaky relu": lambda z: z if z.real > 0 else z / 100,
}


@pytest.mark.parametrize("kind", sorted(KNOWN))
def test_curves_are_the_function_and_its_complex_step_derivative(kind: str) -> None:
    found = curves(kind)
    for z, value, slope in zip(found.z, found.value, found.slope, strict=True):
        inside = [place for place in range(len(z)) if z[place] != 0]
        for k in inside:
            f = KNOWN[kind](complex(z[k], 1e-20))
            assert value[k] == pytest.approx(f.real, rel=1e-14, abs=1e-16)
            assert slope[k] == pytest.approx(f.imag / 1e-20, rel=1e-12, abs=1e-16)


@pytest.mark.parametrize("kind", DRAWN)
def test_the_drawing_holds_those_points(kind: str) -> None:
    """Ticks give the scale: places of the axes' numbers are compared with those of the curve."""
    root = parsed(activation_picture(kind).svg)
    ticks = shapes(root, "tick")
    across = {float((t.text or "").replace("−", "-")): at(t, "x")[0] for t in ticks if t.get("text-anchor") == "middle"}
    up = {float((t.text or "").replace("−", "-")): at(t, "y")[0] for t in ticks if t.get("text-anchor") == "end"}
    scale_x, scale_y = (across[4] - across[-4]) / 8, (up[max(up)] - up[0]) / max(up)
    f = ACTIVATIONS[kind]
    for piece in shapes(root, "value"):
        for px, py in points(piece)[::17]:
            z = (px - across[0]) / scale_x
            expected = float(f.value(np.array([z]))[0])
            assert py == pytest.approx(up[0] - 0.34 * 11.5 + scale_y * expected, abs=0.05)


def test_no_line_runs_over_a_kink() -> None:
    for kind in DRAWN:
        root = parsed(activation_picture(kind).svg)
        pieces = [points(one) for one in shapes(root, "slope")]
        assert len(pieces) == (2 if kind in KINKED else 1)
        assert len(shapes(root, "open")) == (2 if kind in KINKED else 0)
        if kind in KINKED:
            assert pieces[0][-1][0] == pieces[1][0][0], "both end at the kink"
            assert {y for _, y in pieces[0]} != {y for _, y in pieces[1]}, "at two values"


def test_the_steepest_slopes() -> None:
    assert max(curves("tanh").slope[0]) == pytest.approx(1.0)
    assert max(curves("sigmoid").slope[0]) == pytest.approx(0.25)
    assert math.isclose(max(curves("relu").slope[1]), 1.0)


def test_only_what_is_used_is_drawn() -> None:
    from derive.models.lstm import lstm
    from derive.models.rnn import rnn

    assert [p.name for p in activation_pictures([lstm().model])] == ["tanh-activation", "sigmoid-activation"]
    assert activation_pictures([rnn().model]) == (), "of an f that is only differentiable there is nothing to draw"


def own(value: Any) -> tuple[Any, ...]:
    """The pictures of a model that applies a function of its own."""
    n = sp.Symbol("n", integer=True, positive=True)
    t = sp.Symbol("t", integer=True)
    s, z = sequence("s", n), sequence("z", n)
    return activation_pictures([Model({s[t]: elementwise("swish", value=value)(z[t])})])


def test_a_function_of_a_documents_own_is_drawn_by_its_formula() -> None:
    """swish(z) = z σ(z), swish' = σ + z σ (1 - σ)."""
    sigma, tanh = elementwise("\\sigma", "sigmoid"), elementwise("\\tanh", "tanh")
    (picture,) = own(lambda z: matadd(hadamard(z, sigma(z)), matmul(sp.Rational(1, 2), tanh(z))))
    assert picture.name == "swish-own-activation"
    assert picture.caption == "swish and its derivative: swish(z) = z ⊙ σ(z) + 1/2 tanh(z)."
    z = sp.MatrixSymbol("z", sp.Symbol("n", integer=True, positive=True), 1)
    law = law_of(
        elementwise("swish", value=lambda z: matadd(hadamard(z, sigma(z)), matmul(sp.Rational(1, 2), tanh(z))))(z)
    )
    assert law is not None
    found, _ = own_curves(law) or pytest.fail("not drawn")
    for x, value, slope in zip(found.z[0], found.value[0], found.slope[0], strict=True):
        s = 1 / (1 + math.exp(-x))
        assert value == pytest.approx(x * s + math.tanh(x) / 2, abs=1e-15)
        assert slope == pytest.approx(s + x * s * (1 - s) + (1 - math.tanh(x) ** 2) / 2, rel=1e-13)


@pytest.mark.parametrize("kind", ["relu", "log", "reciprocal", "sqrt"])
def test_own_functions_with_kinks_or_without_values_are_not_drawn(kind: str) -> None:
    assert own(elementwise("g", kind)) == ()
