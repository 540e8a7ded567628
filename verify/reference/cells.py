"""The recurrent cells as one kind of thing: x (T, B, m) comes in, a sequence of states goes out.

A cell's adjoints hold x̄ under "x", so that cells can stand on one another: `verify.reference.stacked`,
`verify.reference.bidirectional`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from verify.reference import gru as gru_module
from verify.reference import jordan as jordan_module
from verify.reference import layer_norm as layer_norm_module
from verify.reference import lstm as lstm_module
from verify.reference import residual as residual_module
from verify.reference import rnn as rnn_module
from verify.reference.activations import IDENTITY, SIGMOID, TANH, Activation
from verify.reference.sequences import Array, Arrays


@dataclass(frozen=True)
class Cell:
    """`output` names the value that a cell hands on; `initial` its initial states.

    `forward(inputs)` and `backward(inputs, values, cotangents)` as in the cell's own module.
    """

    output: str
    initial: tuple[str, ...]
    forward: Callable[[Arrays], dict[str, Array]]
    backward: Callable[[Arrays, Arrays, Arrays], dict[str, Array]]


def rnn(f: Activation = TANH, g: Activation = IDENTITY) -> Cell:
    """The Elman network; without W, a feed-forward layer."""
    return Cell("s", ("s0",), partial(rnn_module.forward, f=f, g=g), partial(rnn_module.backward, f=f, g=g))


def lstm(coupled: bool = False, sigma: Activation = SIGMOID, phi: Activation = TANH) -> Cell:
    """The LSTM."""
    settings: dict[str, Any] = {"coupled": coupled, "sigma": sigma, "phi": phi}
    return Cell("h", ("h0", "c0"), partial(lstm_module.forward, **settings), partial(lstm_module.backward, **settings))


def gru(reset: str = "after", update: str = "z", sigma: Activation = SIGMOID, phi: Activation = TANH) -> Cell:
    """The GRU."""
    settings: dict[str, Any] = {"reset": reset, "update": update, "sigma": sigma, "phi": phi}
    return Cell("h", ("h0",), partial(gru_module.forward, **settings), partial(gru_module.backward, **settings))


def jordan(f: Activation = TANH, g: Activation = IDENTITY) -> Cell:
    """The Jordan network."""
    return Cell("o", ("o0",), partial(jordan_module.forward, f=f, g=g), partial(jordan_module.backward, f=f, g=g))


def residual(f: Activation = TANH) -> Cell:
    """The residual recurrence."""
    return Cell("s", ("s0",), partial(residual_module.forward, f=f), partial(residual_module.backward, f=f))


def layer_norm(f: Activation = TANH, epsilon: float = 0.0) -> Cell:
    """The recurrence with layer normalization."""
    return Cell(
        "s",
        ("s0",),
        partial(layer_norm_module.forward, f=f, epsilon=epsilon),
        partial(layer_norm_module.backward, f=f, epsilon=epsilon),
    )
