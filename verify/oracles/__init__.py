"""Numeric witnesses: each evaluates both sides of a claim and compares them entry by entry.

They share the evaluation of formulas and differ in where derivatives come from; `registry.ORACLES` lists them.

| witness      | derivatives by                                            | cannot see                                        |
|--------------|-----------------------------------------------------------|---------------------------------------------------|
| bptt         | the hand-written reference, one-hot cotangents            | other systems than chains of layers; Hessians     |
| tangents     | dual numbers                                              | an error in its own table of slopes f'            |
| complex step | Im f(x + ih) / h                                          | (inside a derivative it relies on dual numbers)   |
| differences  | central differences, extrapolated                         | relative errors below ~1e-10; kinks of relu       |
| components   | SymPy's scalar `diff`, exact, sizes ≤ 2, steps ≤ 3        | what shows from T = 4 or n = 3 on; second slopes  |

Where a witness knows that it cannot see, it says `unknown`. No witness says more than it saw: `equal` means that no
instance differed by more than the rounding errors' own bound. A claim without derivatives is the same for the four
float witnesses. `tests/verify/oracles/test_blind_spots.py` confirms every line.
"""
