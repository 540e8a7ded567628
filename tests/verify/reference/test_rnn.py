"""The hand-written backward against three routes that know nothing of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.reference.routes import STEP, check_close
from verify.reference import cells, losses, rnn, stacked
from verify.reference.activations import ACTIVATIONS, SIGMOID, SOFTMAX, TANH
from verify.reference.tangents import tangents

FEW = settings(deadline=None, derandomize=True, max_examples=40)


def entries(array):
    """All unit directions of an array."""
    for i in range(array.size):
        direction = np.zeros(array.size)
        direction[i] = 1
        yield direction.reshape(array.shape)


def by_complex_step(problem, key):
    """∂E/∂key = Im E(key + ih) / h."""
    inputs = problem.inputs
    stepped = [problem.energy({**inputs, key: inputs[key] + 1j * STEP * d}).imag / STEP for d in entries(inputs[key])]
    return np.array(stepped).reshape(inputs[key].shape)


def by_tangents(problem, key):
    """∂E/∂key = Σ cotangents · (the values' tangents), one direction an entry."""
    inputs, cotangents = problem.inputs, problem.cotangents
    values = rnn.forward(inputs, *problem.functions)
    found = []
    for direction in entries(inputs[key]):
        moved = tangents(inputs, values, {key: direction}, *problem.functions)
        found.append(sum((cotangents[name] * moved[name]).sum() for name in moved))
    return np.array(found).reshape(inputs[key].shape)


def by_differences(problem, key, h=2.0**-10):
    """Central differences, extrapolated once."""
    inputs = problem.inputs

    def c(step):
        up, down = (
            [problem.energy({**inputs, key: inputs[key] + s * d}) for d in entries(inputs[key])] for s in (step, -step)
        )
        return (np.array(up) - np.array(down)) / (2 * step)

    return ((4 * c(h) - c(2 * h)) / 3).reshape(inputs[key].shape)


KEYS = ("x", "s0", "U", "W", "b", "V", "c")


@FEW
@given(data=st.data())
def test_backward_is_the_complex_step(problems, data):
    """∂E/∂θ for every input and parameter, E linear in all of Net, s, z, o at all steps."""
    problem = data.draw(problems)
    gradients = problem.gradients()
    for key in KEYS:
        check_close(gradients[key], by_complex_step(problem, key))


@FEW
@given(data=st.data())
def test_backward_is_the_transpose_of_the_tangents(problems, data):
    """⟨cotangents, J v⟩ = ⟨Jᵀ cotangents, v⟩ for every unit direction v."""
    problem = data.draw(problems)
    gradients = problem.gradients()
    for key in KEYS:
        check_close(gradients[key], by_tangents(problem, key))


@pytest.mark.parametrize("g", sorted(ACTIVATIONS))
@pytest.mark.parametrize("f", ["tanh", "sigmoid", "identity"])
def test_backward_is_the_limit_of_differences(telling, f, g):
    """Smooth f; the one kink of g = relu lies farther than the step at this seed."""
    from dataclasses import replace

    problem = replace(telling, f=f, g=g)
    gradients = problem.gradients()
    for key in KEYS:
        check_close(gradients[key], by_differences(problem, key), relative=1e-9)


@FEW
@given(data=st.data())
def test_adjoints_of_members_are_total_derivatives(problems, data):
    """N̄et_k: moving b at step k alone moves Net_k, and nothing before it."""
    problem = data.draw(problems)
    gradients, inputs = problem.gradients(), problem.inputs
    k = data.draw(st.integers(0, problem.steps - 1))
    late = {
        **inputs,
        "x": inputs["x"][k:],
        "s0": rnn.forward(inputs, *problem.functions)["s"][k - 1] if k else inputs["s0"],
    }

    def energy(net_change):
        f, g = problem.functions
        net = rnn.forward({**late, "x": late["x"][:1]}, f, g)["Net"][0] + net_change
        first = {"Net": net, "s": f.value(net)}
        first["z"] = first["s"] @ inputs["V"].T + inputs["c"]
        first["o"] = g.value(first["z"])
        total = sum((problem.cotangents[key][k] * first[key]).sum() for key in first)
        if k + 1 < problem.steps:
            rest = rnn.forward({**late, "x": late["x"][1:], "s0": first["s"]}, f, g)
            total += sum((problem.cotangents[key][k + 1 :] * rest[key]).sum() for key in rest)
        return total

    shape = (problem.batch, problem.n)
    expected = np.array([energy(1j * STEP * d).imag / STEP for d in entries(np.empty(shape))]).reshape(shape)
    check_close(gradients["Net"][k], expected)


@pytest.mark.parametrize("loss", sorted(losses.LOSSES))
@pytest.mark.parametrize("over", [losses.on_last, losses.on_every])
def test_losses_have_their_cotangents(loss, over):
    """∂L/∂o by complex step, on the last and on every step."""
    r = np.random.default_rng(3)
    o, y = r.uniform(0.2, 1, (3, 2, 4)), r.uniform(0.2, 1, (3, 2, 4))
    value, cotangent = over(losses.LOSSES[loss], o, y)
    stepped = [over(losses.LOSSES[loss], o + 1j * STEP * d, y)[0].imag / STEP for d in entries(o)]
    assert np.isfinite(value)
    check_close(cotangent, np.array(stepped).reshape(o.shape))


def test_cross_entropy_of_softmax_folds_to_a_difference(telling):
    """z̄_t = o_t - y_t where Σ y = 1, and ((1ᵀy) o - y) where it is not."""
    inputs = telling.inputs
    values = rnn.forward(inputs, TANH, SOFTMAX)
    y = np.random.default_rng(1).uniform(0.1, 1, values["o"].shape)
    for scale in (1.0, 2.0):
        target = scale * y / y.sum(axis=-1, keepdims=True)
        _, cotangent = losses.on_every(losses.CROSS_ENTROPY, values["o"], target)
        z_bar = rnn.backward(inputs, values, {"o": cotangent}, TANH, SOFTMAX)["z"]
        check_close(z_bar, scale * values["o"] - target)


def test_many_cotangents_in_one_run(telling):
    """One-hot cotangents before the batch give the rows of the Jacobian, as one run each does."""
    inputs, functions = telling.inputs, telling.functions
    values = rnn.forward(inputs, *functions)
    hot = np.zeros((telling.steps, telling.n, 1, telling.n))
    hot[-1, :, 0] = np.eye(telling.n)
    together = rnn.backward(inputs, values, {"Net": hot}, *functions)
    for i in range(telling.n):
        alone = rnn.backward(inputs, values, {"Net": np.broadcast_to(hot[:, i], values["Net"].shape)}, *functions)
        check_close(together["W"][i], alone["W"])
        check_close(together["s0"][i], alone["s0"])


def test_many_problems_side_by_side(telling):
    """Parameters with a leading axis: every problem has its own."""
    two = [telling, type(telling)(**{**telling.__dict__, "seed": 8})]
    both = {key: np.stack([p.inputs[key] for p in two], axis=1 if key == "x" else 0) for key in telling.inputs}
    values = rnn.forward(both, *telling.functions)
    cotangents = {key: np.stack([p.cotangents[key] for p in two], axis=1) for key in telling.cotangents}
    together = rnn.backward(both, values, cotangents, *telling.functions)
    for i, problem in enumerate(two):
        for key in ("U", "W", "b", "V", "c", "s0"):
            check_close(together[key][i], problem.gradients()[key])


def test_absent_parts_are_left_out():
    """Without W, b, V, c: s_t = f(U x_t), and only U has a gradient; without U, x_t itself is the pre-activation."""
    r = np.random.default_rng(5)
    x, u = r.uniform(-1, 1, (3, 2, 2)), r.uniform(-1, 1, (4, 2))
    values = rnn.forward({"x": x, "U": u})
    check_close(values["s"], np.tanh(x @ u.T))
    found = rnn.backward({"x": x, "U": u}, values, {"s": np.ones_like(values["s"])})
    assert {"U", "x"} <= set(found)
    assert not {"W", "b", "V", "s0"} & set(found)
    plain = rnn.forward({"x": x})
    check_close(rnn.backward({"x": x}, plain, {"s": np.ones_like(plain["s"])})["x"], 1 - np.tanh(x) ** 2)


def test_an_input_that_nothing_reads_is_refused(telling):
    """A misspelt bias must not count as none, nor one of shape (1,) as n equal ones."""
    with pytest.raises(KeyError, match="inputs bias, which nothing reads; expected some of x"):
        rnn.forward({**telling.inputs, "bias": np.zeros(3)})
    with pytest.raises(ValueError, match="b is n with n = 1, but"):
        rnn.forward({**telling.inputs, "b": np.zeros(1)})


def test_a_cotangent_of_nothing_is_refused(telling):
    """A misspelt key must not count as zero."""
    values = rnn.forward(telling.inputs, *telling.functions)
    with pytest.raises(KeyError, match="cotangents of h; expected some of Net"):
        rnn.backward(telling.inputs, values, {"h": values["s"]}, *telling.functions)


@pytest.mark.parametrize("lower_is_recurrent", [False, True])
def test_two_layers(lower_is_recurrent):
    """Row 2.5: (δ^{l-1}_t)ᵀ = (δ^l_t)ᵀ U diag f^{l-1}', plus the lower layer's own next step where it is recurrent."""
    r = np.random.default_rng(11)
    lower = {"x": r.uniform(-1, 1, (4, 2, 2)), "U": r.uniform(-1, 1, (3, 2)), "b": r.uniform(-1, 1, 3)}
    if lower_is_recurrent:
        lower |= {"W": r.uniform(-1, 1, (3, 3)), "s0": r.uniform(-1, 1, (2, 3))}
    upper = {"U": r.uniform(-1, 1, (4, 3)), "W": r.uniform(-1, 1, (4, 4)), "s0": r.uniform(-1, 1, (2, 4))}
    layered = [cells.rnn(SIGMOID), cells.rnn(TANH)]
    values = stacked.forward([lower, upper], layered)
    d = r.uniform(-1, 1, values[1]["s"].shape)
    found = stacked.backward([lower, upper], values, [{}, {"s": d}], layered)
    a = values[0]["s"]
    local = (found[1]["Net"] @ upper["U"]) * a * (1 - a)
    check_close(found[0]["Net"][-1], local[-1])
    if lower_is_recurrent:
        later = (found[0]["Net"][1:] @ lower["W"]) * (a * (1 - a))[:-1]
        check_close(found[0]["Net"][:-1], local[:-1] + later)
        assert not np.allclose(found[0]["Net"][:-1], local[:-1])
    else:
        check_close(found[0]["Net"], local)
    for level, key in [(0, "U"), (0, "b"), (1, "U"), (1, "W"), (0, "x")]:
        layers = [lower, upper]

        def energy(change, level=level, key=key, layers=layers):
            moved = [dict(layer) for layer in layers]
            moved[level][key] = moved[level][key] + change
            return (d * stacked.forward(moved, layered)[1]["s"]).sum()

        expected = np.array([energy(1j * STEP * e).imag / STEP for e in entries(layers[level][key])])
        check_close(found[level][key], expected.reshape(layers[level][key].shape))
