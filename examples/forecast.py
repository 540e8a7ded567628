"""Forecast next year's sunspots with an LSTM whose gradient is verified as it trains.

    pip install statsmodels            # the series: yearly sunspot numbers, 1700 to 2008, in the public domain
    python examples/forecast.py --steps 600

The LSTM and its backward pass are `verify.reference.lstm`, the output layer is `verify.reference.dense`, the windows
are `verify.reference.windows`, the optimizer is Adam (Kingma & Ba 2015) in NumPy. At every hundredth step the whole
gradient is computed a second time, entry by entry, by the complex step of the loss: ∂E/∂θ = Im E(θ + ih) / h. The
relative error is printed, and a gradient that is off by more than 1e-10 ends the run.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from verify.reference import dense, losses, lstm
from verify.reference.activations import IDENTITY
from verify.reference.windows import windows

TESTED = 60  # the last years, which training never sees
STEP = 2.0**-400
BOUND = 1e-10  # near a minimum the terms of a gradient cancel, and what is left of them is known to fewer digits


def sunspots():
    """The yearly series (N,), by statsmodels' public interface."""
    try:
        from statsmodels.datasets import sunspots as data
    except ImportError:
        sys.exit("the series ships with statsmodels: pip install statsmodels")
    return data.load_pandas().data["SUNACTIVITY"].to_numpy(dtype=float)


def initial_parameters(units, seed):
    """U_a, W_a, b_a of the gates i, f, o, g and the output's W1, b1; the forget gate starts open (b_f = 1)."""
    r = np.random.default_rng(seed)
    found = {"W1": r.normal(0, units**-0.5, (1, units)), "b1": np.zeros(1)}
    for gate in "ifog":
        found |= {
            f"U_{gate}": r.normal(0, 1, (units, 1)),
            f"W_{gate}": r.normal(0, units**-0.5, (units, units)),
            f"b_{gate}": np.full(units, float(gate == "f")),
        }
    return found


def cell_inputs(parameters, x):
    zero = np.zeros((x.shape[1], len(parameters["b_i"])))
    return {**{key: a for key, a in parameters.items() if "_" in key}, "x": x, "h0": zero, "c0": zero}


def output_inputs(parameters, h):
    return {"W1": parameters["W1"], "b1": parameters["b1"], "x": h}


def forecast(parameters, x):
    """The value after each window: W1 h_T + b1; x (T, B, 1) -> (B, 1)."""
    h = lstm.forward(cell_inputs(parameters, x))["h"][-1]
    return dense.forward(output_inputs(parameters, h), [IDENTITY])["a1"]


def loss(parameters, x, y):
    """E = Σ ½ (forecast - y)² / B."""
    return losses.squared_error(forecast(parameters, x), y).sum() / len(y)


def gradient(parameters, x, y):
    """E and ∂E/∂θ for every parameter, by the hand-written backward passes."""
    inputs = cell_inputs(parameters, x)
    values = lstm.forward(inputs)
    top = output_inputs(parameters, values["h"][-1])
    out = dense.forward(top, [IDENTITY])
    cotangent = losses.SQUARED_ERROR.cotangent(out["a1"], y) / len(y)
    above = dense.backward(top, out, {"a1": cotangent}, [IDENTITY])
    h_bar = np.zeros_like(values["h"])
    h_bar[-1] = above["x"]
    found = above | lstm.backward(inputs, values, {"h": h_bar})
    return losses.squared_error(out["a1"], y).sum() / len(y), {key: found[key] for key in parameters}


def by_complex_step(parameters, x, y):
    """∂E/∂θ = Im E(θ + ih) / h, one entry of one parameter at a time."""
    found = {}
    for key, parameter in parameters.items():
        found[key] = np.empty_like(parameter)
        for at in np.ndindex(parameter.shape):
            moved = parameter.astype(complex)
            moved[at] += 1j * STEP
            found[key][at] = loss({**parameters, key: moved}, x, y).imag / STEP
    return found


def relative_error(found, expected):
    """The largest difference of any entry, by the largest entry."""
    scale = max(np.abs(array).max() for array in expected.values())
    return max(np.abs(found[key] - expected[key]).max() for key in expected) / scale


class Adam:
    """θ ← θ - rate · m̂ / (√v̂ + ε), m and v being running means of the gradient and of its square."""

    def __init__(self, parameters, rate):
        self.rate, self.count = rate, 0
        self.m = {key: np.zeros_like(array) for key, array in parameters.items()}
        self.v = {key: np.zeros_like(array) for key, array in parameters.items()}

    def moved(self, parameters, gradients):
        self.count += 1
        found = {}
        for key, g in gradients.items():
            self.m[key] = 0.9 * self.m[key] + 0.1 * g
            self.v[key] = 0.999 * self.v[key] + 0.001 * g**2
            mean, square = self.m[key] / (1 - 0.9**self.count), self.v[key] / (1 - 0.999**self.count)
            found[key] = parameters[key] - self.rate * mean / (np.sqrt(square) + 1e-8)
        return found


def train(parameters, x, y, steps, rate):
    """Full-batch Adam; verifies the gradient of the first and of every hundredth step, returns the largest error."""
    optimizer, worst = Adam(parameters, rate), 0.0
    for step in range(1, steps + 1):
        value, found = gradient(parameters, x, y)
        if step == 1 or step % 100 == 0:
            error = relative_error(found, by_complex_step(parameters, x, y))
            print(f"step {step:5}   loss {value:.4f}   gradient off by {error:.1e} (relative, all entries)")
            if not error <= BOUND:
                sys.exit(f"the gradient of step {step} is wrong")
            worst = max(worst, error)
        parameters = optimizer.moved(parameters, found)
    return parameters, worst


def root_mean_square(errors):
    return float(np.sqrt((errors**2).mean()))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--width", type=int, default=11, help="years in a window (a solar cycle is about eleven)")
    parser.add_argument("--units", type=int, default=6)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)

    series = sunspots()
    seen = series[:-TESTED]
    mean, spread = seen.mean(), seen.std()
    x, y = windows((series - mean) / spread, chosen.width)
    parameters, worst = train(
        initial_parameters(chosen.units, chosen.seed), x[:, :-TESTED], y[:-TESTED], chosen.steps, chosen.rate
    )
    own = root_mean_square(forecast(parameters, x[:, -TESTED:]) - y[-TESTED:]) * spread
    naive = root_mean_square(x[-1, -TESTED:] - y[-TESTED:]) * spread
    print(f"largest error of a verified gradient: {worst:.1e}")
    print(f"the last {TESTED} years, root mean square error in sunspots: LSTM {own:.1f}, last year's value {naive:.1f}")


if __name__ == "__main__":
    main()
