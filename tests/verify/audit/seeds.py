"""Audits with default settings over many seeds: false alarms on right functions, errors that were found.

    python -m tests.verify.audit.seeds 1000

prints one line a function: how many of the audits accepted it and how many rejected it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np

from tests.verify.audit.functions import ERRORS, RIGHT, planted, scaled
from verify.audit.audit import Plan, audit, truth_of
from verify.reference.activations import sigmoid

KEYS = ("x", "s0", "U", "W", "b")
SEEDS_APART = 100  # an audit takes the seeds from its own on


def by_torch(inputs, cotangents):
    """Autograd's gradients of the recurrent network, as NumPy arrays."""
    import torch

    leaves = {key: torch.from_numpy(array).requires_grad_() for key, array in inputs.items()}
    s, energy = leaves["s0"], 0
    for x, d in zip(leaves["x"], torch.from_numpy(cotangents["s"]), strict=True):
        s = torch.tanh(x @ leaves["U"].T + s @ leaves["W"].T + leaves["b"])
        energy = energy + (s * d).sum()
    energy.backward()
    return {key: leaf.grad.numpy() for key, leaf in leaves.items()}


def lstm(inputs, cotangents):
    """The LSTM with its gates in one array, as a library writes it."""
    order = "ifgo"
    U, W = (np.concatenate([inputs[f"{letter}_{gate}"] for gate in order]) for letter in "UW")
    b = np.concatenate([inputs[f"b_{gate}"] for gate in order])
    n, steps = W.shape[1], len(inputs["x"])
    h, c = [inputs["h0"]], [inputs["c0"]]
    gates = []
    for x in inputs["x"]:
        net = np.split(x @ U.T + h[-1] @ W.T + b, 4, axis=1)
        i, f, o = (sigmoid(net[k]) for k in (0, 1, 3))
        g = np.tanh(net[2])
        c.append(f * c[-1] + i * g)
        h.append(o * np.tanh(c[-1]))
        gates.append((i, f, g, o))
    h_bar, c_bar = np.zeros_like(h[0]), np.zeros_like(c[0])
    nets = np.zeros((steps, len(h[0]), 4 * n))
    for t in reversed(range(steps)):
        i, f, g, o = gates[t]
        h_bar = h_bar + cotangents["h"][t]
        flat = np.tanh(c[t + 1])
        c_bar = c_bar + cotangents["c"][t] + h_bar * o * (1 - flat * flat)
        parts = (
            c_bar * g * i * (1 - i),
            c_bar * c[t] * f * (1 - f),
            c_bar * i * (1 - g**2),
            h_bar * flat * o * (1 - o),
        )
        nets[t] = np.concatenate(parts, axis=1)
        h_bar, c_bar = nets[t] @ W, c_bar * f
    found = {"x": nets @ U, "h0": h_bar, "c0": c_bar}
    sums = {
        "U": np.einsum("tbi,tbj->ij", nets, inputs["x"]),
        "W": np.einsum("tbi,tbj->ij", nets, np.stack(h[:-1])),
        "b": nets.sum(axis=(0, 1)),
    }
    for letter, array in sums.items():
        found |= {f"{letter}_{gate}": part for gate, part in zip(order, np.split(array, 4), strict=True)}
    return found


def gru(inputs, cotangents):
    """The GRU, reset after the product, step by step."""
    h, kept = inputs["h0"], []
    for x in inputs["x"]:
        r, z = (sigmoid(x @ inputs[f"U_{a}"].T + h @ inputs[f"W_{a}"].T + inputs[f"b_{a}"]) for a in "rz")
        q = h @ inputs["W_n"].T + inputs["c_n"]
        n = np.tanh(x @ inputs["U_n"].T + inputs["b_n"] + r * q)
        kept.append((x, h, r, z, q, n))
        h = n + z * (h - n)
    found = {key: np.zeros(array.shape) for key, array in inputs.items()}
    later = np.zeros_like(h)
    for t in reversed(range(len(kept))):
        x, h, r, z, q, n = kept[t]
        later = later + cotangents["h"][t]
        net = {"n": later * (1 - z) * (1 - n * n), "z": later * (h - n) * z * (1 - z)}
        net["r"] = net["n"] * q * r * (1 - r)
        inside = {"r": net["r"], "z": net["z"], "n": net["n"] * r}
        later = later * z
        for gate, d in net.items():
            found[f"U_{gate}"] += d.T @ x
            found[f"b_{gate}"] += d.sum(axis=0)
            found[f"W_{gate}"] += inside[gate].T @ h
            found["x"][t] += d @ inputs[f"U_{gate}"]
            later = later + inside[gate] @ inputs[f"W_{gate}"]
        found["c_n"] += inside["n"].sum(axis=0)
    return {**found, "h0": later}


def random_entry(factor: float, seed: int) -> Callable:
    """`batched` with one entry of one gradient multiplied: which one, the seed says."""
    r = np.random.default_rng(seed)
    key, shares = KEYS[r.integers(len(KEYS))], r.uniform(size=3)

    def function(inputs, cotangents):
        shape = inputs[key].shape
        place = tuple(int(share * size) for share, size in zip(shares, shape, strict=False))
        return scaled(key, factor, place)(inputs, cotangents)

    return function


def cases() -> Iterator[tuple[str, str, bool, Callable[[int], Callable]]]:
    """Name, model, whether it is right, and the function for a seed."""
    for name, function in {**RIGHT, "torch's autograd": by_torch}.items():
        yield name, "rnn", True, lambda seed, function=function: function
    yield "gates in one array", "lstm", True, lambda seed: lstm
    yield "step by step", "gru", True, lambda seed: gru
    for error in ERRORS:
        yield error, "rnn", False, lambda seed, error=error: planted(error)
    for factor in (1.5, 1 + 1e-6):
        yield f"one entry × {factor}", "rnn", False, lambda seed, factor=factor: random_entry(factor, seed)


def rates(count: int, exact: bool = True) -> Iterator[tuple[str, str, bool, int]]:
    """Name, model, whether it is right, and in how many of `count` audits it was accepted."""
    for name, model, is_right, function in cases():
        truth = truth_of(model)
        plans = (Plan({}, seed=SEEDS_APART * k, is_exact=exact, is_diagnosed=False) for k in range(count))
        accepted = sum(audit(function(plan.seed), truth, plan).ok for plan in plans)
        yield name, model, is_right, accepted


def main(count: int) -> None:
    """Print the table."""
    sys.stdout.write(f"| function | model | accepted of {count} | should be |\n|---|---|---|---|\n")
    for name, model, is_right, accepted in rates(count):
        sys.stdout.write(f"| {name} | {model} | {accepted} | {count if is_right else 0} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
