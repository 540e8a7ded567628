"""The letters that the systems share: sizes, steps, and the usual names."""

from __future__ import annotations

import sympy as sp

from derive.language.build import sequence
from derive.model import Time

n, m, p = sp.symbols("n m p", integer=True, positive=True)
t = sp.Symbol("t", integer=True)
k = sp.Symbol("k", integer=True)

STEPS = Time(1, t)  # t is the last step; in an equation it is any step

x, s, net = sequence("x", m), sequence("s", n), sequence("Net", n)
z, o, y = sequence("z", p), sequence("o", p), sequence("y", p)
U, W, V = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n), sp.MatrixSymbol("V", p, n)
b, c = sp.MatrixSymbol("b", n, 1), sp.MatrixSymbol("c", p, 1)
E = sp.MatrixSymbol("E", 1, 1)


def named(name: str, *above: str, below: str = "") -> str:
    """A name with marks: named("U", "2", below="i") is U^{2}_{i}; empty marks leave nothing."""
    marks = ",".join(mark for mark in above if mark)
    return name + (f"^{{{marks}}}" if marks else "") + (f"_{{{below}}}" if below else "")
