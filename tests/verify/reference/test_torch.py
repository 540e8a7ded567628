"""PyTorch's layers, in float64, against the reference: outputs and all gradients, on 200 generated instances each.

The largest relative error of each layer is printed at the end of the run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.verify.reference.systems import EPSILON, uniform
from verify.reference import cells, convolution, embedding, layer_norm, losses, stacked
from verify.reference.activations import GELU, IDENTITY, LEAKY_RELU, RELU, SOFTPLUS, TANH
from verify.reference.bidirectional import bidirectional

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

WANTED = 200  # instances a layer
GATES = {"RNN": [""], "LSTM": ["_i", "_f", "_g", "_o"], "GRU": ["_r", "_z", "_n"]}  # in the order of PyTorch's rows


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """The instances are tiny: handing them to threads costs more than computing them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class Stack:
    """A recurrent module's settings and the seed that fills it."""

    steps: int
    batch: int
    m: int
    n: int
    layers: int
    both_ways: bool
    bias: bool
    relu: bool
    seed: int

    @property
    def ways(self):
        return ("_ahead", "_back") if self.both_ways else ("",)


STACKS = st.builds(
    Stack,
    steps=st.integers(1, 5),
    batch=st.integers(1, 3),
    m=st.integers(1, 4),
    n=st.integers(1, 4),
    layers=st.integers(1, 3),
    both_ways=st.booleans(),
    bias=st.booleans(),
    relu=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)


def filled(module, seed):
    """The module in float64, its parameters drawn."""
    module = module.double()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(torch.from_numpy(uniform(tuple(parameter.shape), seed, name)))
    return module


def leaf(array):
    return torch.from_numpy(array.copy()).requires_grad_()


def of_rows(kind, arrays, ending, joined):
    """PyTorch's weight_ih, weight_hh, bias_ih, bias_hh (or their gradients) under the reference's keys.

    Two of its biases are one of ours, `joined`, but for a GRU's c_n, which stands inside the reset.
    """
    found = {}
    rows = {name: np.split(array, len(GATES[kind])) for name, array in arrays.items()}
    for k, gate in enumerate(GATES[kind]):
        found |= {f"U{gate}{ending}": rows["weight_ih"][k], f"W{gate}{ending}": rows["weight_hh"][k]}
        if "bias_ih" in rows and gate == "_n":
            found |= {f"b_n{ending}": rows["bias_ih"][k], f"c_n{ending}": rows["bias_hh"][k]}
        elif "bias_ih" in rows:
            found[f"b{gate}{ending}"] = joined(rows["bias_ih"][k], rows["bias_hh"][k])
    return found


def by_keys(module, kind, problem, layer, read, joined):
    """What `read` gives of each of one layer's parameters, by the reference's keys."""
    found = {}
    for way in problem.ways:
        ending = f"_l{layer}_reverse" if way == "_back" else f"_l{layer}"
        names = ["weight_ih", "weight_hh"] + (["bias_ih", "bias_hh"] if problem.bias else [])
        found |= of_rows(kind, {name: read(getattr(module, name + ending)) for name in names}, way, joined)
    return found


def parameters(module, kind, problem, layer):
    """U x + b_ih + W h + b_hh = U x + W h + b with b = b_ih + b_hh."""
    return by_keys(module, kind, problem, layer, lambda p: p.detach().numpy(), np.add)


def gradients(module, kind, problem, layer):
    """∂E/∂b = ∂E/∂b_ih = ∂E/∂b_hh: all gradients with the one, and with the other."""
    for chosen in (0, 1):
        yield from by_keys(
            module, kind, problem, layer, lambda p: p.grad.numpy(), lambda *both, chosen=chosen: both[chosen]
        ).items()


def module_of(kind, problem):
    settings_ = {"num_layers": problem.layers, "bidirectional": problem.both_ways, "bias": problem.bias}
    if kind == "RNN":
        settings_["nonlinearity"] = "relu" if problem.relu else "tanh"
    return filled(getattr(torch.nn, kind)(problem.m, problem.n, **settings_), problem.seed)


def cell_of(kind, problem):
    cell = {"RNN": cells.rnn(RELU if problem.relu else TANH), "LSTM": cells.lstm(), "GRU": cells.gru("after", "z")}
    return bidirectional(cell[kind]) if problem.both_ways else cell[kind]


def initial_states(kind, problem):
    """x and PyTorch's h_0 (and c_0), (layers · ways, B, n)."""
    shape = (problem.layers * len(problem.ways), problem.batch, problem.n)
    names = ["h0", "c0"] if kind == "LSTM" else ["h0"]
    return {name: uniform(shape, problem.seed, name) for name in names}


def own_name(kind, name):
    """The reference calls an Elman network's state s."""
    return "s" + name[1:] if kind == "RNN" and name[0] == "h" else name


def check_recurrent(kind, problem, record):
    """Output, final states, and the gradients of everything, E being linear in the output and the final states."""
    module, states = module_of(kind, problem), initial_states(kind, problem)
    x = uniform((problem.steps, problem.batch, problem.m), problem.seed, "x")
    layers = [parameters(module, kind, problem, k) for k in range(problem.layers)]
    for name, array in states.items():
        for k, layer in enumerate(layers):
            for j, way in enumerate(problem.ways):
                layer[own_name(kind, name) + way] = array[k * len(problem.ways) + j]
    layers[0]["x"] = x
    values = stacked.forward(layers, [cell_of(kind, problem)] * problem.layers)

    leaves = {name: leaf(array) for name, array in {"x": x, **states}.items()}
    given_states = tuple(leaves[name] for name in states)
    output, final = module(leaves["x"], given_states if kind == "LSTM" else given_states[0])
    final = dict(zip(states, final if kind == "LSTM" else (final,), strict=True))
    cotangents = {name: uniform(tuple(one.shape), problem.seed, f"{name} at the end") for name, one in final.items()}
    along = uniform(tuple(output.shape), problem.seed, "along")
    energy = (output * torch.from_numpy(along)).sum()
    energy = energy + sum((final[name] * torch.from_numpy(d)).sum() for name, d in cotangents.items())
    energy.backward()

    top = cell_of(kind, problem).output
    record(values[-1][top], output.detach().numpy())
    given_ = [{} for _ in layers]
    given_[-1][top] = along.copy()
    for name, d in cotangents.items():
        for k in range(problem.layers):
            for j, way in enumerate(problem.ways):
                row, last = k * len(problem.ways) + j, 0 if way == "_back" else -1
                key = own_name(kind, name)[0] + way
                record(values[k][key][last], final[name][row].detach().numpy())
                given_[k].setdefault(key, np.zeros_like(values[k][key]))[last] += d[row]
    found = stacked.backward(layers, values, given_, [cell_of(kind, problem)] * problem.layers)

    record(found[0]["x"], leaves["x"].grad.numpy())
    for k, one in enumerate(found):
        for key, expected in gradients(module, kind, problem, k):
            record(one[key], expected)
        for name in states:
            for j, way in enumerate(problem.ways):
                record(one[own_name(kind, name) + way], leaves[name].grad[k * len(problem.ways) + j].numpy())


@pytest.mark.parametrize("kind", sorted(GATES))
def test_recurrent_layers_agree(kind, agreement):
    """nn.RNN, nn.LSTM, nn.GRU: one to three layers, one way or both, with and without biases."""

    @settings(max_examples=WANTED)
    @given(problem=STACKS)
    def check(problem):
        with agreement.instance(f"torch nn.{kind}") as record:
            check_recurrent(kind, problem, record)

    check()
    assert agreement.counts[f"torch nn.{kind}"] >= WANTED


@st.composite
def convolutions(draw, axes):
    """Channels, sizes, kernel, stride and padding of each axis, batch, bias, seed; the kernel fits."""
    ranges = ((1, 6), (1, 3), (1, 3), (0, 2))
    sizes, kernel, stride, padding = (tuple(draw(st.integers(*ends)) for _ in range(axes)) for ends in ranges)
    assume(all(k <= n + 2 * p for n, k, p in zip(sizes, kernel, padding, strict=True)))
    batch, ins, outs = (draw(st.integers(1, 3)) for _ in range(3))
    return (batch, ins, *sizes), outs, kernel, stride, padding, draw(st.booleans()), draw(st.integers(0, 2**32 - 1))


def check_convolution(problem, record):
    """Output and the gradients of x, K, b."""
    shape, outs, kernel, stride, padding, bias, seed = problem
    kind = {1: torch.nn.Conv1d, 2: torch.nn.Conv2d}[len(kernel)]
    module = filled(kind(shape[1], outs, kernel, stride, padding, bias=bias), seed)
    inputs = {"x": uniform(shape, seed, "x"), "K": module.weight.detach().numpy()}
    if bias:
        inputs["b"] = module.bias.detach().numpy()
    values = convolution.forward(inputs, stride, padding)
    x = leaf(inputs["x"])
    output = module(x)
    record(values["z"], output.detach().numpy())
    d = uniform(values["z"].shape, seed, "d")
    output.backward(torch.from_numpy(d))
    found = convolution.backward(inputs, values, {"z": d}, stride, padding)
    record(found["x"], x.grad.numpy())
    record(found["K"], module.weight.grad.numpy())
    if bias:
        record(found["b"], module.bias.grad.numpy())


@pytest.mark.parametrize("axes", [1, 2])
def test_convolutions_agree(axes, agreement):
    """nn.Conv1d and nn.Conv2d with channels, stride and padding on each axis."""
    name = f"torch nn.Conv{axes}d"

    @settings(max_examples=WANTED)
    @given(problem=convolutions(axes))
    def check(problem):
        with agreement.instance(name) as record:
            check_convolution(problem, record)

    check()
    assert agreement.counts[name] >= WANTED


ACTIVATIONS = {"GELU": (GELU, {}), "Softplus": (SOFTPLUS, {}), "LeakyReLU": (LEAKY_RELU, {"negative_slope": 0.01})}


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activations_agree(name, agreement):
    """nn.GELU in its exact form, nn.Softplus, nn.LeakyReLU: value and slope, far out as well."""
    f, chosen = ACTIVATIONS[name]
    z = np.concatenate([np.linspace(-5, 5, 201), [-18.0, 18.0]])
    own = leaf(z)
    value = getattr(torch.nn, name)(**chosen)(own)
    value.sum().backward()
    with agreement.instance(f"torch nn.{name}") as record:
        record(f.value(z), value.detach().numpy())
        record(f.pull(z, np.ones_like(z)), own.grad.numpy())


LOSSES = {
    "BCEWithLogitsLoss": losses.BINARY_CROSS_ENTROPY_OF_SIGMOID,
    "CrossEntropyLoss": losses.CROSS_ENTROPY_OF_SOFTMAX,
    "BCELoss": losses.BINARY_CROSS_ENTROPY,
}


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_losses_agree(name, agreement):
    """Summed over batch and entries, targets being probabilities."""
    r = np.random.default_rng(2)
    o, y = r.uniform(0.1, 0.9, (2, 5, 4))
    y = y / y.sum(axis=-1, keepdims=True)
    own = leaf(o)
    value = getattr(torch.nn, name)(reduction="sum")(own, torch.from_numpy(y))
    value.backward()
    with agreement.instance(f"torch nn.{name}") as record:
        record(LOSSES[name].value(o, y).sum(), value.detach().numpy())
        record(LOSSES[name].cotangent(o, y), own.grad.numpy())


def test_embeddings_agree(agreement):
    """nn.Embedding holds Aᵀ, a row a word."""
    words, matrix = np.array([[0, 3], [3, 3], [1, 0]]), uniform((2, 5), 1, "A")
    weight = leaf(matrix.T)
    output = torch.nn.functional.embedding(torch.from_numpy(words), weight)
    d = uniform((3, 2, 2), 1, "d")
    output.backward(torch.from_numpy(d))
    values = embedding.forward({"w": words, "A": matrix})
    with agreement.instance("torch nn.Embedding") as record:
        record(values["x"], output.detach().numpy())
        record(embedding.backward({"w": words, "A": matrix}, values, {"x": d})["A"], weight.grad.numpy().T)


def test_layer_norms_agree(agreement):
    """nn.LayerNorm is one step of the recurrence with U = I, W = 0 and no squashing."""
    x, gamma, beta = uniform((1, 3, 5), 1, "x"), uniform((5,), 1, "gamma"), uniform((5,), 1, "beta")
    inputs = {"x": x, "s0": 0 * x[0], "U": np.eye(5), "W": np.zeros((5, 5)), "gamma": gamma, "beta": beta}
    values, d = layer_norm.forward(inputs, IDENTITY, EPSILON), uniform(x.shape, 1, "d")
    leaves = {name: leaf(inputs[name]) for name in ("x", "gamma", "beta")}
    output = torch.nn.functional.layer_norm(leaves["x"], (5,), leaves["gamma"], leaves["beta"], EPSILON)
    output.backward(torch.from_numpy(d))
    found = layer_norm.backward(inputs, values, {"s": d}, IDENTITY, EPSILON)
    with agreement.instance("torch nn.LayerNorm") as record:
        record(values["s"], output.detach().numpy())
        for name, one in leaves.items():
            record(found[name].reshape(one.shape), one.grad.numpy())


@pytest.mark.parametrize("off", ["one entry", "all", "one shape"])
def test_an_error_is_seen(off, agreement):
    """The comparison rejects an array that is off by ten times its bound, in one entry too, and one turned over."""
    expected = uniform((3, 4), 1, "any") + 2
    factor = np.ones(expected.shape)
    factor[(1, 2) if off == "one entry" else ...] += 1e-11
    wrong = expected.T.reshape(4, 3) if off == "one shape" else expected * factor
    compared(agreement, (expected, expected), (0 * expected, 0 * expected))
    with pytest.raises(AssertionError):
        compared(agreement, (expected, expected), (wrong, expected))


def compared(agreement, *pairs):
    with agreement.instance("planted", kept=False) as record:
        for found, expected in pairs:
            record(found, expected)
