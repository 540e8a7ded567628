"""Numeric witnesses: each evaluates both sides of a claim and compares them entry by entry.

They share the evaluation of formulas and differ in where derivatives come from; `registry.ORACLES` lists them.

| witness      | derivatives by                                     | cannot see                                 |
|--------------|----------------------------------------------------|--------------------------------------------|
| bptt         | the hand-written reference, one-hot cotangents     | models other than chains of layers; f''    |
| tangents     | dual numbers                                       | an error in its own table of slopes f'     |
| complex step | Im f(x + ih) / h; dual numbers for nested ones     | an error of that table, in nested ones     |
| differences  | central differences, extrapolated                  | 1e-12 of a value; relu at its kink         |
| components   | SymPy's scalar `diff`, exact, sizes ≤ 2, steps ≤ 3 | what shows from n = 3 or T = 4 on; f''     |

Where a witness knows that it cannot see, it says `unknown`; `equal` means that no instance differed by more than
the bound of the rounding errors. A claim without derivatives is evaluated alike by all four float witnesses.
`tests/verify/oracles/test_blind_spots.py` holds claims that show what each cannot see.
"""
