"""Hand-engineered NumPy: the LSTM with gates i, f, o, g, forward and through time.

    i, f, o = σ(U_a x_t + W_a h_{t-1} + b_a)    g = tanh(…)    c_t = f ⊙ c_{t-1} + i ⊙ g    h_t = o ⊙ tanh(c_t)
    x (T, B, m) · h0, c0 (B, n) · U_a (n, m) · W_a (n, n) · b_a (n)  ->  h, c (T, B, n)

A yardstick for generated code: the fastest schedule that measuring found, written for this one model. U_a x_t + b_a is
one product over many steps before them. The gates stand in the order o, i, f, g with c_{t-1} behind them, so that
i ⊙ g and f ⊙ c_{t-1} are one product of neighbours; one tanh serves all four, since σ(z) = ½ + ½ tanh(z/2) and the ½
is taken into the weights.

    B = 1    `lstm_one`: a step's gates are a row of 4n, every operation one of vectors
    B > 1    `lstm_many`: a contiguous (B, n) block for each gate and step; columns of a common row would be strided,
             and cost NumPy two to five times as much

Backward, all that depends on values of the forward pass alone is computed for a window of steps at once,

    c̄_t = k ⊙ h̄_t + f_{t+1} ⊙ c̄_{t+1},  k = o (1 - tanh² c_t)      δ_o = tanh(c_t) o (1 - o) ⊙ h̄_t
    δ_i = g i (1 - i) ⊙ c̄_t      δ_f = c_{t-1} f (1 - f) ⊙ c̄_t      δ_g = i (1 - g²) ⊙ c̄_t

and the coefficients become the δ's in place.
"""

from __future__ import annotations

from types import ModuleType

from benchmarks.handmade import lstm_many, lstm_one
from benchmarks.handmade.lstm_gates import Arrays


def forward(inputs: Arrays) -> tuple[Arrays, Arrays]:
    """h and c at every step, and what `backward` needs."""
    return _of(inputs["x"].shape[1]).forward(inputs)


def backward(saved: Arrays, cotangents: Arrays) -> Arrays:
    """∂E/∂ of every input from h (and c, where it is given), the direct ∂E/∂h_t, ∂E/∂c_t (T, B, n), at every step."""
    return _of(saved["x"].shape[1]).backward(saved, cotangents["h"], cotangents.get("c"))


def gradients(inputs: Arrays, cotangents: Arrays) -> Arrays:
    """`backward` after `forward`."""
    return backward(forward(inputs)[1], cotangents)


def _of(batch: int) -> ModuleType:
    return lstm_one if batch == 1 else lstm_many
