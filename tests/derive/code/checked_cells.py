"""Generated code of drawn cells against the complex step of their naive evaluation, every entry of every gradient.

∂E/∂θ = Im E(θ + i h) / h, without cancellation (Squire & Trapp, SIAM Review 40, 1998).

    python -m tests.derive.code.checked_cells 0 300    # seeds 0 … 299: what is wrong or refused, and how long it takes
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from derive.code.lowering import Unsupported
from derive.code.numpy import numpy_source
from derive.language.keys import plain_key
from tests.derive.code.generated import drawn, loaded, shapes
from tests.derive.code.random_cells import Cell, drawn_cell
from verify.cells import system_of

NUDGE = 1e-40  # h: squares of it vanish beside 1


# --- the naive evaluation --------------------------------------------------------------------------------------------


@dataclass
class Run:
    """All inputs with a leading axis of probes, in each of which one entry is nudged into the complex."""

    cell: Cell
    inputs: dict[str, np.ndarray]
    sizes: dict[str, int]

    def __post_init__(self):
        self.places = [(key, at) for key, array in self.inputs.items() for at in range(array.size)]
        count = len(self.places)
        self.arrays = {key: np.repeat(array[None].astype(complex), count, 0) for key, array in self.inputs.items()}
        for probe, (key, at) in enumerate(self.places):
            self.arrays[key].reshape(count, -1)[probe, at] += 1j * NUDGE
        self.values: dict[tuple[str, int], np.ndarray] = {}
        self.T, self.B = self.inputs["x"].shape[:2]
        for layer, direction in enumerate(self.cell.directions):
            for t in range(1, self.T + 1) if direction > 0 else range(self.T, 0, -1):
                for family, expr in self.cell.equations:
                    if family.layer == layer:
                        found = expr.value(self, t)
                        self.values[family.name, t] = np.broadcast_to(found, (count, self.B, self.length(family.size)))

    def length(self, size):
        return self.sizes[size]

    def number(self, value, size):
        return np.full((1, 1, size), value, complex)

    def parameter(self, name):
        array = self.arrays[plain_key(name)]  # a matrix of one column has no second axis
        _, columns = self.cell.matrices.get(name, (None, None))
        return array[..., None] if columns == "1" else array

    def state(self, name, t):
        if name in self.cell.inputs:
            return self.arrays[plain_key(name)][:, t - 1]
        if 1 <= t <= self.T:
            return self.values[name, t]
        return self.arrays[plain_key(name) + ("0" if t == 0 else "_end")]

    def output(self, key):
        """An output of all steps (probes, T, B, size), or the loss (probes,)."""
        if key == "E" and self.cell.loss_summand is not None:
            steps = [self.cell.loss_summand.value(self, t) for t in range(1, self.T + 1)]
            return sum(np.broadcast_to(one, (len(self.places), self.B, 1)).sum(axis=(1, 2)) for one in steps)
        name = next(one.name for one in self.cell.families if plain_key(one.name) == key)
        return np.stack([self.values[name, t] for t in range(1, self.T + 1)], axis=1)

    def gradients(self, cotangents):
        """∂ Σ cotangents · outputs by every entry of every input."""
        total = np.zeros(len(self.places))
        for key, array in cotangents.items():
            out = self.output(key).imag / NUDGE
            total += np.tensordot(out, array, array.ndim)
        found = {key: np.zeros(array.shape) for key, array in self.inputs.items()}
        for value, (key, at) in zip(total, self.places, strict=True):
            found[key].flat[at] = value
        return found


# --- generated code against it ---------------------------------------------------------------------------------------


def modules(cell, name, memories=("full", "sqrt")):
    """The generated modules by how they use memory; only what is supported. Raises Unsupported for `full`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cell.md"
        path.write_text(cell.document(), encoding="utf-8")
        system = system_of(str(path), {})
    found = {"full": loaded(numpy_source(system), f"{name} full")}
    if "sqrt" in memories:
        with suppress(Unsupported):
            found["sqrt"] = loaded(numpy_source(system, "sqrt"), f"{name} sqrt")
    return found


LETTERS = ("n", "m", "p", "d_h")


def sized(draw):
    """T, B and the letters' sizes, the degenerate ones among them."""
    sizes = dict(zip(LETTERS, draw.sample([1, 2, 3, 4], 4), strict=True))
    return sizes | {"1": 1, "T": draw.choice([1, 2, 3, 5, 6]), "B": draw.choice([1, 1, 2, 3])}


def check_cell(seed, instances=2, memories=("full", "sqrt")):
    """Generated code of a drawn cell against the complex step, every entry. Raises AssertionError and `Unsupported`."""
    cell = drawn_cell(seed)
    found = modules(cell, f"cell_{seed}", memories)
    for instance in range(instances):
        draw = random.Random(1000 * seed + instance)
        check_instance(cell, found, sized(draw), np.random.default_rng(draw.randrange(1 << 30)))


def check_instance(cell, found, sizes, rng):
    """One instance: sizes, dtypes, cotangents all given or one alone, threads, segments."""
    letters, outputs = shapes(found["full"])
    inputs = drawn(letters, sizes, rng)
    seen = {"E": []} if cell.loss == "formula" else outputs
    cotangents = drawn(seen, sizes, rng)
    if len(cotangents) > 1 and rng.random() < 0.4:
        del cotangents[sorted(cotangents)[rng.integers(len(cotangents))]]
    run = Run(cell, inputs, sizes)
    out, _ = found["full"].forward(inputs)
    for key, array in out.items():
        expected = run.output(key)[0].real
        close(f"output {key}", array, expected, np.float64, expected)
    expected = run.gradients(cotangents)
    for dtype in (np.float64, np.float32):
        given = [{k: v.astype(dtype) for k, v in one.items()} for one in (inputs, cotangents)]
        for memory, module in found.items():
            for threads in (1, 2):
                mine = module.gradients(*given, threads=threads)
                assert set(mine) <= set(expected), (set(mine), set(expected))
                for key, array in expected.items():
                    if key in mine:
                        close(
                            f"{memory} {dtype.__name__} threads={threads} {sizes} {key}",
                            mine[key],
                            array,
                            dtype,
                            inputs[key],
                        )
                    else:
                        assert key in ("y", "mu") or not array.any(), f"{key} has a gradient and none is returned"


def close(what, got, expected, dtype, like):
    """Roundings are far below, errors of a formula far above: 1e-9 of the largest entry (float32: 2e-3)."""
    got = np.asarray(got)
    assert got.dtype == dtype, (what, got.dtype)
    assert got.shape == np.shape(like), (what, got.shape, np.shape(like))
    bound = (1e-9 if dtype == np.float64 else 2e-3) * (1 + np.abs(expected).max(initial=0))
    assert np.all(np.abs(got - expected) <= bound), (what, got, expected)


def main(first, last):
    """Checks seeds and says what is wrong, what is refused, and how long the slowest took."""
    counts = {}
    for seed in range(first, last):
        start = time.perf_counter()
        try:
            check_cell(seed)
            said = "right"
        except Exception as error:  # whatever broke is said, and the other seeds are still tried
            said = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        took = time.perf_counter() - start
        kind = said.partition(":")[0]
        counts[kind] = counts.get(kind, 0) + 1
        if said != "right" or took > 5:
            print(seed, f"{took:.1f} s", said, flush=True)  # noqa: T201
    print(counts)  # noqa: T201


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
