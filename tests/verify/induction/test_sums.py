"""Sums over the steps in a forward equation: what the checker refuses."""

from dataclasses import replace

import pytest
import sympy as sp

from derive.language.build import matadd, matmul, transpose
from derive.language.derivatives import Gradient
from derive.language.nodes import Scale, TimeSum
from derive.model import Equation, Loss, Model, Time
from tests.verify.induction import summed as made
from tests.verify.induction.summed import E, T, V, X, Y, k, kernel, one, pick, s, t
from verify.claim import Assumption
from verify.induction import prove, sums
from verify.induction.certificate import encode
from verify.induction.redone import Rejected, known_of
from verify.induction.summing import carried, fixed, running

CONVOLUTION = made.of_convolution()
READOUT = made.of_readout(one)


def as_data(inputs):
    """What a certificate says of the inputs in the place of sums."""
    return {"inputs": [[encode(symbol), encode(part)] for symbol, part in inputs.items()]}


def test_a_sum_that_nothing_moves():
    """The sum is an input where ∂E/∂b moves b alone; not where X or W_k moves it."""
    goal = CONVOLUTION["b"]
    child, inputs = fixed(goal)
    assert list(inputs.values()) == [goal.model.by_name["Y"].right.args[0]]
    sums.fixed(as_data(inputs), goal, (), child)
    for name in ("X", "W"):
        assert fixed(CONVOLUTION[name]) is None
        forged = replace(CONVOLUTION[name], model=child.model)
        with pytest.raises(Rejected, match="a derivative moves it"):
            sums.fixed(as_data(inputs), CONVOLUTION[name], (), forged)


def test_an_input_is_new_and_says_what_it_stands_for():
    """A name of the model, another sum, another equation and an assumption are refused."""
    goal = CONVOLUTION["b"]
    child, inputs = fixed(goal)
    ((symbol, part),) = inputs.items()
    shorter = TimeSum(part.body, part.index, part.lo, part.hi - 1)
    with pytest.raises(Rejected, match="something else"):
        sums.fixed(as_data({symbol: shorter}), goal, (), child)
    with pytest.raises(Rejected, match="not new"):
        sums.fixed(as_data({sp.MatrixSymbol("A", *symbol.shape): part}), goal, (), child)
    assumed = Assumption("zero", Y)
    with pytest.raises(Rejected, match="assumed"):
        sums.fixed(as_data(inputs), replace(goal, assumptions=(assumed,)), (), replace(child, assumptions=(assumed,)))


def test_nothing_is_assumed_of_a_sum():
    """Where something is assumed, neither an input nor a running sum takes the place of a sum."""
    for name, rule in (("b", fixed), ("X", running)):
        assert rule(CONVOLUTION[name]) is not None
        assert rule(replace(CONVOLUTION[name], assumptions=(Assumption("zero", Y),))) is None


def test_a_running_sum():
    """The child has y_j = y_{j-1} + b_j and a loss of the last y; another sum, factor, loss or start is refused."""
    goal = CONVOLUTION["X"]
    child = running(goal)
    sums.running({}, goal, (), child)
    *kept, step = child.model.equations
    loss = child.model.losses[-1]
    twice = replace(step, right=matadd(*step.right.args, step.right.args[-1]))
    others = (
        Model([*kept, twice], (loss,), child.model.time),
        Model([*kept, replace(step, first=sp.Integer(2))], (loss,), child.model.time),
        Model([*kept, step], (Loss(loss.symbol, ((step.name, "each"),)),), child.model.time),
        Model([*kept, step], (loss,), Time(1, T + 1)),
    )
    for model in others:
        with pytest.raises(Rejected):
            sums.running({}, goal, (), replace(child, model=model))
    with pytest.raises(Rejected):
        sums.running({}, goal, (), replace(child, right=matmul(2, child.right)))


def test_other_ways_to_the_loss():
    """Where X moves the loss beside the sum, or a step reads Y, the loss is none of the running sum."""
    right = CONVOLUTION["X"]
    child = running(right)
    beside = made.convolution(beside=matmul(kernel[T], X, pick[T]))
    reading = Equation(made.sequence("z", made.n, made.q)[t], Y, t)
    for model, why in ((beside, "beside the sum"), (Model([*right.model.equations, reading], (), Time(1, T)), None)):
        goal = replace(right, model=model)
        assert running(goal) is None
        with pytest.raises(Rejected, match=why):
            sums.running({}, goal, (), child)
    assert prove(replace(right, model=beside)) is None


def test_states_read_beside_the_sum():
    """q = Σ_k V s_k + V s_T: δ_T has Vᵀ ∂E/∂q twice, and the gradients of the plain sum are not proved."""
    beside = made.readout(beside=matmul(V, s[T]))
    for name in ("last δ", "V", "V inside"):
        assert prove(replace(READOUT[name], model=beside)) is None


def test_a_loss_of_two_sums_and_the_last_state():
    """Both sums run, and s_T is a third argument; s_{T-1} is none, and a state that is not named is refused."""
    goal = made.of_two()["W"]
    child = running(goal)
    (loss,) = child.model.losses
    assert [place for _, place in loss.parts] == ["last"] * 3
    assert loss.parts[-1] == ("s", "last")
    sums.running({}, goal, (), child)
    assert running(made.of_two(beside=s[T - 1])["W"]) is None
    for parts in (loss.parts[:2], (*loss.parts[:2], ("s", "each")), loss.parts[::-1]):
        forged = replace(child, model=replace_loss(child.model, Loss(loss.symbol, parts)))
        with pytest.raises(Rejected):
            sums.running({}, goal, (), forged)


def replace_loss(model, loss):
    """A model with another last loss."""
    return Model(model.equations, (*model.losses[:-1], loss), model.time)


def test_a_gradient_along_a_running_sum():
    """∂E/∂y_T is ∂E/∂y_k for 1 ≤ k ≤ T; not where a later step, another equation or the loss reads y."""
    goal = running(CONVOLUTION["W"])
    rewriting = carried(goal)
    assert [step["rule"] for step in rewriting.steps] == ["carried"]
    model, known = goal.model, known_of(goal)
    *kept, step = model.equations
    node = Gradient(E, step.left.at(T))
    to = {"to": encode(k)}
    assert sums.on(model, to)(node, known) == Gradient(E, step.left.at(k))
    for where in (T + 1, k - 2):
        with pytest.raises(Rejected, match="no step of the run"):
            sums.on(model, {"to": encode(where)})(node, known)
    doubled = replace(step, right=matadd(*step.right.args, step.left.at(step.index - 1)))
    reading = Equation(made.sequence("z", made.n, made.q)[t], step.left.at(t), t)
    losses = (Loss(E, ((step.name, "each"),)), Loss(E, ((step.name, "last"), (step.name, "last"))))
    for other in (
        Model([*kept, doubled], model.losses, model.time),
        Model([*kept, replace(step, last=T - 1)], model.losses, model.time),
        Model([*kept, step, reading], model.losses, model.time),
        *(Model([*kept, step], loss, model.time) for loss in losses),
    ):
        with pytest.raises(Rejected):
            sums.on(other, to)(node, known)
    with pytest.raises(Rejected):
        sums.on(model, to)(Gradient(E, step.left.at(T), "immediate"), known)


def test_the_value_of_the_sum_or_of_the_loss():
    """A claim that names Y's value, or E's, is not one of every loss."""
    goal, child = CONVOLUTION["X"], running(CONVOLUTION["X"])
    named = replace(goal, right=matmul(transpose(kernel[T]), Y, transpose(pick[T])))
    assert running(named) is None
    with pytest.raises(Rejected, match="is named"):
        sums.running({}, named, (), replace(child, right=named.right))
    scaled = replace(goal, right=Scale(E, goal.right))
    with pytest.raises(Rejected, match="the value of E"):
        sums.running({}, scaled, (), replace(child, right=Scale(E, child.right)))
