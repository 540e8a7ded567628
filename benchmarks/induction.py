"""Proofs for all steps beside the unrolled routes: what one costs, and how the others grow with the number of steps.

    python benchmarks/induction.py

∂E/∂W = Σ_k δ_k s_{k-1}ᵀ of an RNN: the search for its proof and the replay of the certificate, once for all T; both
deciders at T = 1, 2, 4, 8, 16; SymPy entry by entry (explicit components, n = 2, f an undefined function), stopped at
LIMIT seconds. tensorgrad is timed where it is installed: it differentiates and simplifies one unrolled network, and
proves nothing. Wall times, medians of REPEATS.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec

import sympy as sp

from derive.models.systems import system
from verify import induction
from verify.deciders import normal_form, prime_field
from verify.limits import Effort
from verify.quantities import claim_of, derivations

REPEATS = 5
LIMIT = 20.0


def main() -> None:
    claims = {d.name: claim_of(d) for d in system("rnn", loss="last").quantities()}
    t = claims["2.8"].model.time.last
    print("| route | T | time |\n|---|---|---|")
    proof = induction.prove(claims["2.8"])
    assert proof is not None
    _row("induction: search", "all", _median(lambda: induction.prove(claims["2.8"])))
    _row("induction: replay", "all", _median(lambda: induction.replay(proof.certificate)))
    for steps in (1, 2, 4, 8, 16):
        for name, decide in (("prime field", prime_field.decide_at), ("normal form", normal_form.decide_at)):
            _row(f"{name}, unrolled", steps, _median(lambda d=decide, s=steps: d(claims["2.8"], {t: s})))
    for steps in range(1, 9):
        seconds = _timed(lambda s=steps: _sympy_components(s))
        _row("SymPy, entry by entry, n = 2", steps, seconds)
        if seconds > LIMIT:
            break
    if find_spec("tensorgrad"):
        _tensorgrad(1)  # its import
    for steps in (1, 2, 4, 8, 16) if find_spec("tensorgrad") else ():
        _row(
            "tensorgrad, unrolled, simplify",
            steps,
            _timed(lambda s=steps: _tensorgrad(s)),
        )
    if not find_spec("tensorgrad"):
        print("| tensorgrad | | not installed |")
    k = next(index.letter for index in claims["2.4"].indices)
    seconds = _median(lambda: prime_field.decide_at(claims["2.4"], {t: 31, k: 1}))
    print(f"\n(2.4) with t - k = 30 in the prime field: {1000 * seconds:.0f} ms")
    _all_proofs()


def _all_proofs() -> None:
    """Search and replay over every quantity that needs induction."""
    searches, replays = [], []
    for _, derivation in derivations():
        claim = claim_of(derivation)
        if claim.is_timeless or _is_settled_by_windows(claim):
            continue
        began = time.perf_counter()
        proof = induction.prove(claim, seed=Effort().seed)
        if proof is not None:
            searches.append(time.perf_counter() - began)
            replays.append(_timed(lambda p=proof: induction.replay(p.certificate)))
    for name, found in (("search", searches), ("replay", replays)):
        ordered = sorted(found)
        p90 = ordered[int(0.9 * (len(ordered) - 1))]
        median = statistics.median(ordered)
        print(f"{name} of {len(ordered)} proofs: median {1000 * median:.1f} ms, p90 {1000 * p90:.1f} ms")


def _is_settled_by_windows(claim: object) -> bool:
    return prime_field.decide_window(claim).outcome == "equal" == normal_form.decide_symbolic(claim).outcome  # type: ignore[arg-type]


def _sympy_components(steps: int) -> None:
    """∂E/∂W of the unrolled network as explicit entries, E = Σ s_T: scalar diff of nested undefined functions."""
    f = sp.Function("f")
    W = sp.Matrix(2, 2, sp.symbols("w:4"))
    s = sp.Matrix(sp.symbols("s0:2"))
    for step in range(steps):
        s = (W * s + sp.Matrix(sp.symbols(f"x{step}_0:2"))).applyfunc(f)
    for entry in W:
        (s[0] + s[1]).diff(entry)


def _tensorgrad(steps: int) -> None:
    """∂E/∂W of the unrolled network with tanh, E = cᵀ s_T, simplified."""
    from tensorgrad import Derivative, Variable
    from tensorgrad import functions as F

    n = sp.Symbol("n")
    W, s = Variable("W", i=n, j=n), Variable("s0", i=n)
    for step in range(steps):
        s = F.tanh(F.dot(W, s.rename(i="j"), dim="j") + Variable(f"x{step}", i=n))
    Derivative(F.dot(Variable("c", i=n), s, dim="i"), W).simplify()


def _median(action: Callable[[], object]) -> float:
    return statistics.median(_timed(action) for _ in range(REPEATS))


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _row(name: str, steps: object, seconds: float) -> None:
    print(f"| {name} | {steps} | {1000 * seconds:.1f} ms |", flush=True)


if __name__ == "__main__":
    main()
