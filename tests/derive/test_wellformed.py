"""Ill-formed models: each is refused at construction, with the equation and the reason."""

import pytest
import sympy as sp

from derive.errors import ModelError, ShapeError
from derive.language.build import hadamard, matadd, matmul, sequence
from derive.language.functions import elementwise
from derive.language.nodes import Softmax
from derive.model import Equation, Loss, Model
from derive.models.letters import STEPS, U, W, m, n, net, s, t, x

f = elementwise("f")
r = sequence("r", n)
X = sequence("X", n, m)


def refused(error, match, equations, loss=None):
    with pytest.raises(error, match=match):
        Model(equations, loss, STEPS)


def test_what_is_cyclic_within_a_step():
    refused(ModelError, r"a step needs itself: Net → s → Net", {net[t]: matmul(W, s[t]), s[t]: f(net[t])})


def test_two_equations_for_one_letter():
    two = [Equation(s[t], f(x[t]), t), Equation(s[t], x[t], t)]
    refused(ModelError, "two equations define s", [Equation(e.left, matmul(U, x[t]), t) for e in two])


def test_a_step_that_nothing_binds():
    free = sp.Symbol("q", integer=True)
    refused(ModelError, r"the equation of s\[t\] uses the step q, which nothing binds", {s[t]: f(r[free])})


def test_a_step_that_is_no_letter_plus_a_number():
    refused(ModelError, r"reads r\[2\*t\]: a step is a letter plus a number", [Equation(s[t], f(r[2 * t]), t)])


def test_a_state_without_an_equation():
    refused(
        ModelError,
        r"no equation produces the state s: Net\[t\] = W s\[t-1\] reads s\[t-1\], and nothing says what s\[t\] is",
        {net[t]: matmul(W, s[t - 1])},
    )


def test_a_shape_that_does_not_fit():
    refused(ShapeError, r"Net\[t\] is n×1, but .* is m×1", {net[t]: x[t]})


def test_a_loss_on_what_does_not_exist():
    refused(ModelError, r"the loss E depends on r, which no equation has", {s[t]: f(s[t - 1])}, Loss.last(r))


def test_a_softmax_of_a_matrix():
    with pytest.raises(ShapeError, match=r"softmax of the matrix X\[t\], which is n×m: of rows or of columns\?"):
        Model({sequence("Y", n, m)[t]: Softmax(X[t])}, None, STEPS)


def test_steps_that_wait_for_each_other():
    """s_t needs r_{t+1}, which needs s_{t+2}; and s_t needs s_{t-1}: no order computes both."""
    equations = {s[t]: matadd(s[t - 1], r[t + 1]), r[t]: f(s[t + 1])}
    refused(ModelError, "no order of steps computes r, s", equations)


def test_a_circle_that_stands_still_in_time():
    """s_t needs r_{t+1}, and r_t needs s_{t-1}: s_t needs itself, though no equation reads its own step."""
    refused(ModelError, "no order of steps computes r, s", {s[t]: f(r[t + 1]), r[t]: f(s[t - 1])})


def test_both_directions_side_by_side_are_fine():
    """A forward and a backward recurrence that do not read each other; a circle with lags +1 and -2 moves forwards."""
    Model({s[t]: f(s[t - 1]), r[t]: hadamard(r[t + 1], s[t])}, None, STEPS)
    Model({s[t]: f(r[t + 1]), r[t]: f(s[t - 2])}, None, STEPS)
