"""The reference's routes to all gradients of a recurrent network: backward, forward tangents, complex step.

    python benchmarks/witnesses.py        # a Markdown table on standard output

Net_t = U x_t + W s_{t-1} + b, s_t = tanh Net_t, o_t = V s_t + c with a cotangent at every o_t, B = 1, float64, and an
LSTM with a cotangent at every h_t. One fresh process for each point, one BLAS thread, routes in turn, medians. Each
route runs its own forward pass. *The products alone* are those of the forward tangents, nothing between them. The last
column is the largest difference between the routes, in units of a gradient's largest entry (of the sum of absolute
products for the complex step).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from verify.reference import cells, lstm, rnn
from verify.reference.complex_step import slopes
from verify.reference.sensitivities import elman_gradients, lstm_gradients
from verify.reference.sequences import Array

POINTS = ((8, 20), (32, 100), (64, 100))
LSTM_POINTS = ((8, 20), (32, 100))
SECONDS, FEWEST, MOST = 4.0, 5, 200
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
ROUTES = ("backward", "forward tangents", "the products alone", "complex step")
Route = Callable[[], dict[str, Array]]


def main() -> None:
    if len(sys.argv) == 4:
        print(json.dumps(measured(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
        return
    print("| network | n = m | T | parameters | " + " | ".join(ROUTES) + " | differ by |")
    print("|---" * (5 + len(ROUTES)) + "|")
    for name, points in (("RNN", POINTS), ("LSTM", LSTM_POINTS)):
        for n, steps in points:
            found = in_fresh_process(name, n, steps)
            times = " | ".join(f"{1000 * found[route]:.3g} ms" for route in ROUTES)
            print(f"| {name} | {n} | {steps} | {found['parameters']:,} | {times} | {found['error']:.1e} |", flush=True)


def in_fresh_process(name: str, n: int, steps: int) -> dict[str, float]:
    """A point in a process of its own, with one BLAS thread."""
    command = [sys.executable, __file__, name, str(n), str(steps)]
    root = Path(__file__).resolve().parents[1]
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    one_thread = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": path}
    ran = subprocess.run(command, env=one_thread, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def measured(name: str, n: int, steps: int, seconds: float = SECONDS) -> dict[str, float]:
    """The median seconds of each route, the number of parameters, and by how much the routes differ."""
    inputs = drawn(name, n, steps)
    directions = {key: entries(key, array.shape) for key, array in inputs.items() if key not in ("x", "s0", "h0", "c0")}
    routes, products = routes_of(name, inputs, directions)
    found = {key: run() for key, run in routes.items()}
    error = disagreement(found, directions)
    times = medians({**routes, "the products alone": products}, seconds)
    return {**times, "parameters": sum(array.size for array in directions.values()), "error": error}


def routes_of(
    name: str, inputs: dict[str, Array], directions: dict[str, Array]
) -> tuple[dict[str, Route], Callable[[], None]]:
    """The three routes, and the products of the forward tangents alone."""
    cell, key, states = (cells.lstm(), "h", 2) if name == "LSTM" else (cells.rnn(), "o", 1)
    forward_mode = lstm_gradients if name == "LSTM" else elman_gradients
    run = lstm.forward if name == "LSTM" else rnn.forward
    cotangents = {key: entries("cotangent", run(inputs)[key].shape)}
    width = states * inputs["W" if name == "RNN" else "W_i"].shape[0]
    carried = sum(array.size for k, array in inputs.items() if k not in ("x", "V", "c"))
    step, now, later = np.ones((width + 1, width)), np.ones((width + 1, carried)), np.ones((width + 1, carried))

    def backward() -> dict[str, Array]:
        return cell.backward(inputs, cell.forward(inputs), cotangents)

    def tangents() -> dict[str, Array]:
        return forward_mode(inputs, cell.forward(inputs), cotangents)

    def complex_step() -> dict[str, Array]:
        return {k: np.array(v) for k, v in slopes(cell.forward, inputs, directions, cotangents).items()}

    def products() -> None:
        for _ in inputs["x"]:
            np.matmul(step, now[:-1], out=later)

    return {"backward": backward, "forward tangents": tangents, "complex step": complex_step}, products


def disagreement(found: dict[str, dict[str, Array]], directions: dict[str, Array]) -> float:
    """The largest relative difference from the backward pass."""
    worst = 0.0
    for key, direction in directions.items():
        expected = found["backward"][key]
        entrywise = np.abs(found["forward tangents"][key] - expected).max() / np.abs(expected).max()
        products = expected * direction
        along = abs(found["complex step"][key] - products.sum()) / np.abs(products).sum()
        worst = max(worst, float(entrywise), float(along))
    return worst


def medians(routes: dict[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """The routes in turn until the time is up, each at least FEWEST times."""
    times: dict[str, list[float]] = {key: [] for key in routes}
    began = time.perf_counter()
    for count in range(MOST):
        if count >= FEWEST and time.perf_counter() - began > seconds:
            break
        for key, run in routes.items():
            start = time.perf_counter()
            run()
            times[key].append(time.perf_counter() - start)
    return {key: statistics.median(found) for key, found in times.items()}


def drawn(name: str, n: int, steps: int) -> dict[str, Array]:
    """Inputs at which pre-activations stay of order 1."""
    square, x = (n, n), {"x": (steps, 1, n)}
    if name == "LSTM":
        gates = {f"{letter}_{a}": (n,) if letter == "b" else square for a in "ifgo" for letter in "UWb"}
        shapes = {**x, "h0": (1, n), "c0": (1, n), **gates}
    else:
        shapes = {**x, "s0": (1, n), "U": square, "W": square, "b": (n,), "V": square, "c": (n,)}
    return {key: entries(key, shape) / np.sqrt(shape[-1]) for key, shape in shapes.items()}


def entries(name: str, shape: tuple[int, ...]) -> Array:
    """Standard normal entries that the name decides."""
    return np.random.default_rng(list(name.encode())).normal(size=shape)


if __name__ == "__main__":
    main()
