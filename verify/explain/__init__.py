"""A refuted claim as a program: NumPy alone, the inputs of the smallest counterexample, and both sides computed anew.

The formulas are printed as Python from the claim and the model's equations (`code`); the functions that they use are
copied from `numbers`, `functions` and `matrices`. Derivatives are computed by the program, exactly, with numbers that
carry an ε.
"""

from verify.explain.code import missing_rows
from verify.explain.program import program

__all__ = ["missing_rows", "program"]
