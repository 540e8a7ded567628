"""Every system of the reference as one kind of test case: sizes and a seed fill it, E = Σ cotangents · values."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from hypothesis import strategies as st

from verify.reference import cells, convolution, dense, gru, jordan, layer_norm, lstm, residual, stacked
from verify.reference.activations import GELU, IDENTITY, LEAKY_RELU, SIGMOID, SOFTMAX, SOFTPLUS, TANH
from verify.reference.bidirectional import bidirectional


@dataclass(frozen=True)
class Sizes:
    """T, B, the widths, and the seed that fills the arrays."""

    steps: int
    batch: int
    m: int
    n: int
    p: int
    seed: int


SIZES = st.builds(
    Sizes,
    steps=st.integers(1, 4),
    batch=st.integers(1, 3),
    m=st.integers(1, 3),
    n=st.integers(1, 4),
    p=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
EPSILON = 1e-5  # of layer normalization, as the libraries have it
TELLING = Sizes(steps=4, batch=2, m=2, n=3, p=4, seed=7)  # no error can hide: T ≥ 3, all widths different


@dataclass(frozen=True)
class Case:
    """A system at drawn inputs. `axis` is where directions stand in time-major arrays and values, None if nowhere.

    `sequences` are the time-major inputs; `module` is where a cell's forward pass keeps its values.
    """

    inputs: dict[str, Any]
    forward: Callable[..., dict[str, Any]]
    backward: Callable[..., dict[str, Any]]
    seed: int
    axis: int | None = 1
    sequences: frozenset[str] = frozenset({"x"})
    module: ModuleType | None = None

    @property
    def values(self):
        return self.forward(self.inputs)

    @property
    def cotangents(self):
        """One for every value, drawn by its name."""
        return {key: uniform(value.shape, self.seed, f"cotangent of {key}") for key, value in self.values.items()}

    def adjoints(self):
        return self.backward(self.inputs, self.values, self.cotangents)


def uniform(shape, *seeds):
    """Entries in (-1, 1), by name and seed: an array does not change when another one is left out."""
    return np.random.default_rng([zlib.crc32(str(seed).encode()) for seed in seeds]).uniform(-1, 1, shape)


def filled(shapes, seed):
    return {key: uniform(shape, seed, key) for key, shape in shapes.items()}


def gate_shapes(size, gates, m=None, bias=True):
    m, n = m or size.m, size.n
    one = {"U": (n, m), "W": (n, n), "b": (n,)} if bias else {"U": (n, m), "W": (n, n)}
    return {f"{letter}_{gate}": shape for gate in gates for letter, shape in one.items()}


def sequence_shapes(size, *initial, m=None):
    return {"x": (size.steps, size.batch, m or size.m), **dict.fromkeys(initial, (size.batch, size.n))}


def lstm_shapes(size, coupled=False, peepholes="", bias=True, m=None):
    shapes = sequence_shapes(size, "h0", "c0", m=m) | gate_shapes(size, "igo" if coupled else "ifgo", m, bias)
    return shapes | {f"p_{gate}": (size.n,) for gate in peepholes}


def gru_shapes(size, reset="after", bias=True, m=None):
    shapes = sequence_shapes(size, "h0", m=m) | gate_shapes(size, "rzn", m, bias)
    return shapes | {"c_n": (size.n,)} if reset == "after" and bias else shapes


def elman_shapes(size, bias=True, m=None):
    shapes = sequence_shapes(size, "s0", m=m) | {"U": (size.n, m or size.m), "W": (size.n, size.n)}
    return shapes | {"b": (size.n,)} if bias else shapes


def jordan_shapes(size, bias=True):
    n, m, p = size.n, size.m, size.p
    shapes = {"x": (size.steps, size.batch, m), "o0": (size.batch, p), "U": (n, m), "W": (n, p), "V": (p, n)}
    return shapes | {"b": (n,), "c": (p,)} if bias else shapes


def layer_norm_shapes(size):
    return elman_shapes(size, bias=False) | {"gamma": (size.n,), "beta": (size.n,)}


def of_cell(cell, shapes, size, module=None):
    return Case(filled(shapes, size.seed), cell.forward, cell.backward, size.seed, module=module)


def of_lstm(size, coupled=False, peepholes="", bias=True):
    return of_cell(cells.lstm(coupled), lstm_shapes(size, coupled, peepholes, bias), size, lstm)


def of_gru(size, reset, update, bias=True):
    return of_cell(cells.gru(reset, update), gru_shapes(size, reset, bias), size, gru)


def of_jordan(size, g, bias=True):
    return of_cell(cells.jordan(TANH, g), jordan_shapes(size, bias), size, jordan)


def of_residual(size, f, bias=True):
    return of_cell(cells.residual(f), elman_shapes(size, bias), size, residual)


def of_layer_norm(size, f, epsilon=EPSILON):
    return of_cell(cells.layer_norm(f, epsilon), layer_norm_shapes(size), size, layer_norm)


def of_bidirectional(size, cell, shapes):
    both = {f"{key}_{way}": shape for way in ("ahead", "back") for key, shape in shapes.items() if key != "x"}
    return of_cell(bidirectional(cell), both | {"x": shapes["x"]}, size)


def of_stack(size):
    """An LSTM on a GRU on a bidirectional Elman network; a layer's number stands before its keys."""
    layers = [bidirectional(cells.rnn(SIGMOID)), cells.gru("before", "1-z"), cells.lstm()]
    lowest = {f"{key}_{way}": s for way in ("ahead", "back") for key, s in elman_shapes(size).items() if key != "x"}
    shapes = [lowest | sequence_shapes(size), gru_shapes(size, "before", m=2 * size.n), lstm_shapes(size, m=size.n)]
    flat = {f"{k}.{key}": s for k, one in enumerate(shapes) for key, s in one.items() if k == 0 or key != "x"}
    forward, backward = partial(flat_forward, layers), partial(flat_backward, layers)
    return Case(filled(flat, size.seed), forward, backward, size.seed, sequences=frozenset({"0.x"}))


def numbered(layers):
    return {f"{k}.{key}": array for k, layer in enumerate(layers) for key, array in layer.items()}


def unnumbered(arrays, count):
    return [{key[2:]: a for key, a in arrays.items() if key.startswith(f"{k}.")} for k in range(count)]


def flat_forward(layers, inputs):
    return numbered(stacked.forward(unnumbered(inputs, len(layers)), layers))


def flat_backward(layers, inputs, values, cotangents):
    split = [unnumbered(arrays, len(layers)) for arrays in (inputs, values, cotangents)]
    return numbered(stacked.backward(*split, layers))


def of_dense(size, f, bias=True):
    widths = [size.m, size.n, size.p, size.n]
    shapes = {"x": (size.batch, size.m)}
    for layer in range(1, 4):
        shapes[f"W{layer}"] = (widths[layer], widths[layer - 1])
        if bias:
            shapes[f"b{layer}"] = (widths[layer],)
    forward, backward = partial(dense.forward, f=f), partial(dense.backward, f=f)
    return Case(filled(shapes, size.seed), forward, backward, size.seed, axis=0, sequences=frozenset())


def of_convolution(size, axes, stride, padding, f=TANH, bias=True):
    kernel, places = (2, 3)[:axes], (size.steps + 3, size.p + 3)[:axes]
    shapes = {"x": (size.batch, size.m, *places), "K": (size.n, size.m, *kernel)}
    if bias:
        shapes["b"] = (size.n,)
    settings = {"stride": stride, "padding": padding, "f": f}
    forward, backward = partial(convolution.forward, **settings), partial(convolution.backward, **settings)
    return Case(filled(shapes, size.seed), forward, backward, size.seed, axis=None)


RECURRENT = {
    "LSTM": of_lstm,
    "LSTM, peepholes": partial(of_lstm, peepholes="ifo"),
    "LSTM, one peephole": partial(of_lstm, peepholes="o"),
    "LSTM, coupled": partial(of_lstm, coupled=True),
    "LSTM, coupled, peepholes": partial(of_lstm, coupled=True, peepholes="io"),
    "LSTM, no biases": partial(of_lstm, bias=False),
    **{
        f"GRU, reset {reset}, update {update}": partial(of_gru, reset=reset, update=update)
        for reset in gru.RESETS
        for update in gru.UPDATES
    },
    "GRU, no biases": partial(of_gru, reset="after", update="z", bias=False),
    "Jordan": partial(of_jordan, g=SIGMOID),
    "Jordan, softmax": partial(of_jordan, g=SOFTMAX),
    "Jordan, no biases": partial(of_jordan, g=IDENTITY, bias=False),
    "residual": partial(of_residual, f=TANH),
    "residual, gelu, no bias": partial(of_residual, f=GELU, bias=False),
    "layer norm": partial(of_layer_norm, f=TANH),
    "layer norm, no ε": lambda size: of_layer_norm(replace(size, n=size.n + 2), TANH, epsilon=0.0),
    "layer norm, softplus": partial(of_layer_norm, f=SOFTPLUS),
}
OTHERS = {
    "bidirectional RNN": lambda size: of_bidirectional(size, cells.rnn(), elman_shapes(size)),
    "bidirectional LSTM": lambda size: of_bidirectional(size, cells.lstm(), lstm_shapes(size)),
    "bidirectional GRU": lambda size: of_bidirectional(size, cells.gru(), gru_shapes(size)),
    "stack": of_stack,
    "dense": partial(of_dense, f=[TANH, GELU, SOFTMAX]),
    "dense, no biases": partial(of_dense, f=[SOFTPLUS, SIGMOID, LEAKY_RELU], bias=False),
    "convolution 1-D": partial(of_convolution, axes=1, stride=1, padding=0),
    "convolution 1-D, stride 2, padding 1": partial(of_convolution, axes=1, stride=2, padding=1, bias=False),
    "convolution 2-D": partial(of_convolution, axes=2, stride=1, padding=0, f=SIGMOID),
    "convolution 2-D, strides, paddings": partial(of_convolution, axes=2, stride=(3, 2), padding=(2, 1)),
}
SYSTEMS = RECURRENT | OTHERS
