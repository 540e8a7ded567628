"""What the largest texts cost: each in a process of its own, processor time and peak memory, as a Markdown table.

python fuzz/huge.py
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from typing import Any

from checked import check

NAMES = "symbols: {A: n x n, B: n x n, a: n, s_t: n, w: 1, f: elementwise}"
BLOCK = f"```backproof\n{NAMES}\ntime: 1..T\nlayout: numerator\n```\n\n"
MEGABYTES = 4_000_000


def displayed(formula: str) -> str:
    return f"{BLOCK}$$\n{formula}\n$$\n"


def filled(text: str, size: int) -> str:
    return text * (size // len(text))


def bomb(depth: int) -> str:
    """Macros that double at each of so many levels."""
    lines = [
        f"\\newcommand{{\\m{chr(97 + level)}}}{{\\m{chr(98 + level)}\\m{chr(98 + level)}}}" for level in range(depth)
    ]
    return "$" + "".join(lines) + f"\\newcommand{{\\m{chr(97 + depth)}}}{{A}}$\n\n" + displayed("a = \\ma")


TEXTS: dict[str, tuple[str, Callable[[], str]]] = {
    "one formula, 20,000 characters of A A … A": ("md", lambda: displayed("A = " + filled("A ", 7_900))),
    "one formula, 19,900 characters of A + A … + A": ("md", lambda: displayed("A = " + filled("A+", 3_900) + "A")),
    "one formula of 20,000 letters": ("md", lambda: displayed("A=" + "A" * 19_990)),
    "a chain of 900 links": ("md", lambda: displayed("A" + " = A" * 900)),
    "a sum of 900 products": ("md", lambda: displayed("A a = " + " + ".join(["A B a"] * 900))),
    "brackets 1,000 deep": ("md", lambda: displayed("a = " + "(" * 1_000 + "a" + ")" * 1_000)),
    "brackets 39 deep": ("md", lambda: displayed("a = " + "(" * 39 + "a" + ")" * 39)),
    "fractions 1,000 deep": ("md", lambda: displayed("w = " + "\\frac{" * 1_000 + "w" + "}{2}" * 1_000)),
    "functions 900 deep, f f … a": ("md", lambda: displayed("a = " + "f " * 900 + "a")),
    "scripts 1,000 deep": ("md", lambda: displayed("a = " + "a_{" * 1_000 + "t" + "}" * 1_000)),
    "macros doubled 24 times": ("md", lambda: bomb(24)),
    "a macro that calls itself": ("tex", lambda: "\\newcommand{\\x}{\\x\\x}\n\\[ a = \\x \\]\n"),
    "YAML, brackets 5,000 deep": ("md", lambda: f"```backproof\nsymbols: {'[' * 5_000}\n```\n$$a = a$$\n"),
    "YAML, aliases that double": (
        "md", lambda: "```backproof\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n```\n$$a = a$$\n"),
    "YAML, 100,000 characters of names": (
        "md", lambda: "```backproof\nsymbols:\n" + "".join(f"  a_{{{k}}}: n\n" for k in range(6_000)) + "```\n$$a$$\n"),
    "4 MB of prose": ("md", lambda: filled("So the error goes back $x$ one step.\n\n", MEGABYTES)),
    "4 MB of prose, LaTeX": ("tex", lambda: filled("So the error goes back $x$ one step.\n\n", MEGABYTES)),
    "4 MB on one line": ("md", lambda: filled("word ", MEGABYTES)),
    "4 MB of dollars": ("md", lambda: "$" * MEGABYTES),
    "4 MB of backslashes, LaTeX": ("tex", lambda: "\\" * MEGABYTES),
    "10,000 equations": ("md", lambda: BLOCK + filled("$$A a = a$$\n\n", 130_000)),
    "10,000 equations, LaTeX": ("tex", lambda: filled("\\[ a = a \\]\n", 120_000)),
    "a notebook of 5,000 cells": (
        "ipynb", lambda: '{"cells": [' + ",".join(['{"cell_type": "markdown", "source": "$$a = a$$"}'] * 5_000) + "]}"),
}  # fmt: skip


def measure(name: str, pipe: Any) -> None:
    form, make = TEXTS[name]
    text = make()
    check("md", displayed("A = B"))  # the grammar is made once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    equations, claims = check(form, text)  # type: ignore[arg-type]
    used = time.process_time() - began
    pipe.send((equations, claims, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))


def main() -> None:
    context = multiprocessing.get_context("fork")
    print("| text | equations | read as claims | time | memory |\n|---|---|---|---|---|", flush=True)
    for name in TEXTS:
        receiver, sender = context.Pipe(duplex=False)
        worker = context.Process(target=measure, args=(name, sender))
        worker.start()
        sender.close()
        try:
            equations, claims, used, memory = receiver.recv()
            print(f"| {name} | {equations:,} | {claims:,} | {used:.2f} s | {memory / 1024:,.0f} MB |", flush=True)
        except EOFError:
            print(f"| {name} | it broke | | | |", flush=True)
        worker.join()


if __name__ == "__main__":
    main()
