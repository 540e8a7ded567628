"""What the built-in suite costs: each decider an instance, the whole suite, the start of the command.

    python benchmarks/suite.py            # a Markdown table on standard output

Beside the deciders stands SymPy's component-wise route on the same claims: scalar `diff` of every entry at sizes up to
2 and steps up to 3, where it can be had at all. Times are wall times of one process on a machine that may be shared.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.resources import files

import hypothesis  # noqa: F401  (an import like the others: it is not timed)
import sympy as sp

from verify.claim import Claim
from verify.deciders import normal_form, prime_field
from verify.document.interpret import Interpreter
from verify.document.statements import read
from verify.instances import draw
from verify.judge import Judge
from verify.limits import Effort
from verify.oracles.registry import ORACLES
from verify.times import instances


def main() -> None:
    documents = [read(name, text) for name, text in _suite()]
    claims = [claim for document in documents for claim in _claims(document)]
    print("| what | instances | median | p90 | max |")
    print("|---|---|---|---|---|")
    session = normal_form.Session()  # as one document shares it

    def form(claim: Claim, times: dict[sp.Symbol, int]) -> object:
        return normal_form.decide_at(claim, times, session=session)

    for name, decide in (("prime field", prime_field.decide_at), ("normal form", form)):
        _row(f"{name}, one instance", _instance_times(claims, decide))
    _row(
        "prime field, symbolic steps",
        [_timed(lambda c=c: prime_field.decide_window(c)) for c in claims if not c.is_timeless],
    )
    _row(
        "normal form, symbolic steps",
        [_timed(lambda c=c: normal_form.decide_symbolic(c)) for c in claims if not c.is_timeless],
    )
    _row("SymPy component-wise, one claim at tiny sizes", _component_times(claims))
    print()
    for examples in (0, 100):
        seconds = _whole(Effort(examples=examples))
        print(f"whole suite, {examples} numeric instances a model: {seconds:.2f} s after imports")
    print(f"backproof --help: {_help():.3f} s (median of 7 fresh processes; Python alone {_bare():.3f} s)")


def _suite() -> Iterator[tuple[str, str]]:
    for item in sorted(files("verify.suite").iterdir(), key=lambda entry: entry.name):
        if item.name.endswith(".md"):
            yield item.name, item.read_text(encoding="utf-8")


def _claims(document) -> Iterator[Claim]:  # type: ignore[no-untyped-def]
    interpreter = Interpreter(document)
    for statement in document.claims:
        for link in statement.links:
            for reading in interpreter.readings(statement, link):
                if reading.claim is not None and reading.claim.relation == "=":
                    yield reading.claim


def _instance_times(claims: list[Claim], decide: Callable[..., object]) -> list[float]:
    found = []
    for claim in claims:
        steps = list(instances(claim, 6))
        for times in steps[:1] if claim.is_timeless else steps:
            found.append(_timed(lambda c=claim, t=times: decide(c, t)))
    return found


def _component_times(claims: list[Claim]) -> list[float]:
    oracle = ORACLES["components"]
    found = []
    for claim in claims:
        instance = draw(claim, 4)
        began = time.perf_counter()
        if oracle.examine(claim, instance).outcome in ("equal", "differ"):
            found.append(time.perf_counter() - began)
    return found


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _row(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p90 = ordered[int(0.9 * (len(ordered) - 1))]
    cells = [f"{1000 * value:.2f} ms" for value in (statistics.median(ordered), p90, ordered[-1])]
    print(f"| {name} | {len(ordered)} | {' | '.join(cells)} |", flush=True)


def _whole(effort: Effort) -> float:
    began = time.perf_counter()
    for name, text in _suite():
        for _ in Judge(read(name, text), effort).entries():
            pass
    return time.perf_counter() - began


def _help() -> float:
    return _median_of([sys.executable, "-m", "verify.cli", "--help"])


def _bare() -> float:
    return _median_of([sys.executable, "-c", "pass"])


def _median_of(command: list[str]) -> float:
    return statistics.median(
        _timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)) for _ in range(7)
    )


if __name__ == "__main__":
    main()
