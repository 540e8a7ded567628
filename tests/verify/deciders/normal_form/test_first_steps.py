"""Symbolic steps down to the step before the run's first, where members are inputs that no equation makes."""

import pytest
import sympy as sp

from derive.language.build import matadd, matmul, sequence, transpose
from derive.language.derivatives import Gradient
from derive.language.functions import elementwise
from derive.model import Equation, Loss, Model, Time
from verify.claim import Claim, Index
from verify.deciders import normal_form, prime_field

n = sp.Symbol("n", integer=True, positive=True)
t, k, T = sp.symbols("t k T", integer=True)
W, V, U = (sp.MatrixSymbol(name, n, n) for name in "WVU")
a, s, y, x = (sequence(name, n) for name in "asyx")
f, E = elementwise("f"), sp.MatrixSymbol("E", 1, 1)


def model(first=1):
    """a_t = U x_t + W s_{t-1} + y_{t-1}, s_t = f(a_t), y_t = V s_t: s and y before the first step are inputs."""
    equations = (
        Equation(a[t], matadd(matmul(U, x[t]), matmul(W, s[t - 1]), y[t - 1]), t),
        Equation(s[t], f(a[t]), t),
        Equation(y[t], matmul(V, s[t]), t),
    )
    return Model(equations, Loss.last(s), Time(first, T))


BACK = matmul(transpose(W), Gradient(E, a[k + 1]))
SIDES = {
    "value": (y[k], matmul(V, s[k])),
    "gradient": (Gradient(E, s[k]), matadd(BACK, matmul(transpose(V), Gradient(E, y[k])))),
    "shifted": (y[k + 1], matmul(V, s[k + 1])),
}
BEFORE = {"value": 0, "gradient": 0, "shifted": -1}  # the letter where an input is written


@pytest.mark.parametrize("name", SIDES)
@pytest.mark.parametrize("first", [1, 3])
def test_the_step_before_the_first_is_a_case_of_its_own(name, first):
    """What an equation says of a member holds where it makes it: with one step more the claim is false there."""
    for start, expected in ((BEFORE[name] + 1, "equal"), (BEFORE[name], "unknown")):
        index = Index(k, sp.Integer(start + first - 1), T)
        claim = Claim(*SIDES[name], model(first), indices=(index,))
        assert normal_form.decide_symbolic(claim).outcome == expected
        assert prime_field.decide_window(claim).outcome == expected
    times = {T: first + 1, k: BEFORE[name] + first - 1}
    assert normal_form.decide_at(claim, times).outcome == "differ"


def test_what_holds_of_inputs_too_is_equal_from_there_on():
    """∂E/∂y_k = ∂E/∂a_{k+1} for k ≥ 0, with y_0 an input."""
    claim = Claim(Gradient(E, y[k]), Gradient(E, a[k + 1]), model(), indices=(Index(k, sp.Integer(0), T - 1),))
    assert normal_form.decide_symbolic(claim).outcome == "equal"
    assert prime_field.decide_window(claim).outcome == "equal"
