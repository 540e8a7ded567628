"""The letters that the systems share: sizes, steps, and the usual names."""

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
