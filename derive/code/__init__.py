"""NumPy code from derived formulas: `numpy_source(system)`.

program     a system's formulas as values (lowering; adjoints: what the backward formulas have in common)
resolved    each value under the name that it has; σ as a tanh
plan        in which order: loops over the steps, and what all steps share (passes: both passes)
homes       where: what dies gives its place to what is made; packing: which places are neighbours, one call for all
form        the text of a pass, for one sample and for many (calls, joined, prepared, places, gradients, writing)
numpy       the module: its doors, the passes, the functions that they use (doors, helpers, static)
"""
