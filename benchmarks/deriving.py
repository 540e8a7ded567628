"""What it costs to derive a system, and to prove what was derived; two other symbolic routes beside it.

    python benchmarks/deriving.py

Every Jacobian, δ recursion and gradient of an LSTM for all sizes and all steps; stacks of 1 to 8 layers; all systems;
and the proof of the LSTM's document. Beside it the gradients of one LSTM unrolled over T steps: SymPy entry by entry
(n = 2, m = 1, every entry of every parameter by scalar diff) and tensorgrad where it is installed (symbolic sizes,
differentiates and simplifies, proves nothing), each stopped behind LIMIT seconds. CPU times of one process after
imports, medians of REPEATS; the first run of a process, which fills SymPy's own caches, stands by itself.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from importlib.util import find_spec
from multiprocessing import Process, Queue
from queue import Empty
from time import process_time

import sympy as sp

from derive.models.systems import system, systems
from derive.printed import printed
from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort

REPEATS = 5
LIMIT = 60.0  # wall time
GATES = "ifgo"


def main() -> None:
    print("| what | size | time |\n|---|---|---|")
    _row("LSTM, everything, first run", "all n, m, t", _timed(lambda: _derive("lstm", loss="every")))
    _row("LSTM, everything", "all n, m, t", _median(lambda: _derive("lstm", loss="every")))
    for layers in (1, 2, 4, 8):
        for cell in ("rnn", "lstm"):
            _row(f"stack of {cell}", f"{layers} layers", _median(lambda c=cell, k=layers: _stack(c, k)))
    _row("every system once", f"{len(systems())} systems", _median(lambda: [_derive(name) for name in systems()]))
    _proofs()
    _others()


def _derive(name: str, **choices: str | bool | int) -> int:
    return len(system(name, **choices).quantities())


def _stack(cell: str, layers: int) -> int:
    return _derive("stacked", cell=cell, layers=layers, loss="every")


def _proofs() -> None:
    """The documents of the gated cells, without a cache: all lines, no repairs."""
    for name in ("rnn", "lstm", "gru"):
        text = printed(system(name, loss="every"), form="md")
        for examples in (0, 100):
            effort = Effort(examples=examples)
            verdicts: list[str] = []
            seconds = _timed(lambda text=text, effort=effort, into=verdicts: into.extend(_verdicts(text, effort)))
            proved = f"{verdicts.count('proved')} of {len(verdicts)} proved"
            _row(f"proof of the {name}'s document, {examples} numeric instances", proved, seconds)


def _verdicts(text: str, effort: Effort) -> list[str]:
    entries = Judge(read("derived.md", text), effort).entries()
    return [entry.verdict.verdict for entry in entries if entry.role == "claim" and entry.verdict is not None]


def _others() -> None:
    routes = [("SymPy, entry by entry, n = 2, m = 1", _sympy_components)]
    if find_spec("tensorgrad"):
        routes.append(("tensorgrad, unrolled, all n and m", _tensorgrad))
    for name, route in routes:
        for steps in (1, 2, 3, 4):
            seconds = _apart(route, steps)
            shown = f"over {LIMIT:.0f} s" if seconds is None else f"{1000 * seconds:.0f} ms"
            print(f"| LSTM gradients, {name} | T = {steps} | {shown} |", flush=True)
            if seconds is None:
                break
    if len(routes) < 2:
        print("| tensorgrad | | not installed |")


def _apart(route: Callable[[int], object], steps: int) -> float | None:
    """CPU seconds of a route in a process of its own, after one smaller run for imports and caches; None at LIMIT."""
    results: Queue[float] = Queue()
    process = Process(target=_reported, args=(route, steps, results))
    process.start()
    try:
        return results.get(timeout=LIMIT)
    except Empty:
        return None
    finally:
        process.kill()
        process.join()


def _reported(route: Callable[[int], object], steps: int, results: Queue[float]) -> None:
    route(1)
    results.put(_timed(lambda: route(steps)))


def _sympy_components(steps: int) -> None:
    """∂E/∂ of every entry of every parameter, E = Σ h_T, by scalar diff of the unrolled cell."""
    n, m = 2, 1
    U = {a: sp.Matrix(n, m, sp.symbols(f"U{a}:{n * m}")) for a in GATES}
    W = {a: sp.Matrix(n, n, sp.symbols(f"W{a}:{n * n}")) for a in GATES}
    b = {a: sp.Matrix(n, 1, sp.symbols(f"b{a}:{n}")) for a in GATES}
    sigma, tanh = sp.Function("sigma"), sp.Function("phi")
    h, c = sp.Matrix(sp.symbols(f"h0_:{n}")), sp.Matrix(sp.symbols(f"c0_:{n}"))
    for step in range(steps):
        x = sp.Matrix(sp.symbols(f"x{step}_:{m}"))
        gate = {a: (U[a] * x + W[a] * h + b[a]).applyfunc(tanh if a == "g" else sigma) for a in GATES}
        c = gate["f"].multiply_elementwise(c) + gate["i"].multiply_elementwise(gate["g"])
        h = gate["o"].multiply_elementwise(c.applyfunc(tanh))
    energy = sum(h)
    for parameters in (U, W, b):
        for matrix in parameters.values():
            for entry in matrix:
                energy.diff(entry)


def _tensorgrad(steps: int) -> None:
    """∂E/∂ of every parameter, E = wᵀ h_T, simplified."""
    from tensorgrad import Derivative, Variable
    from tensorgrad import functions as F

    n, m = sp.symbols("n m")
    U = {a: Variable(f"U{a}", i=n, k=m) for a in GATES}
    W = {a: Variable(f"W{a}", i=n, j=n) for a in GATES}
    b = {a: Variable(f"b{a}", i=n) for a in GATES}
    h, c = Variable("h0", i=n), Variable("c0", i=n)
    for step in range(steps):
        x = Variable(f"x{step}", k=m)
        net = {a: F.dot(U[a], x, dim="k") + F.dot(W[a], h.rename(i="j"), dim="j") + b[a] for a in GATES}
        gate = {a: (F.tanh if a == "g" else F.sigmoid)(net[a]) for a in GATES}
        c = gate["f"] * c + gate["i"] * gate["g"]
        h = gate["o"] * F.tanh(c)
    energy = F.dot(Variable("w", i=n), h, dim="i")
    for parameters in (U, W, b):
        for variable in parameters.values():
            Derivative(energy, variable).simplify()


def _median(action: Callable[[], object]) -> float:
    return statistics.median(_timed(action) for _ in range(REPEATS))


def _timed(action: Callable[[], object]) -> float:
    began = process_time()
    action()
    return process_time() - began


def _row(name: str, size: str, seconds: float) -> None:
    print(f"| {name} | {size} | {1000 * seconds:.0f} ms |", flush=True)


if __name__ == "__main__":
    main()
