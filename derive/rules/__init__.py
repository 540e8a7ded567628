"""Rules: one named function each, whose first docstring line is its theorem; one table an interpretation.

`differential` (Jacobians and families of vectors by the forward chain), `kronecker` (vec and its Kronecker forms),
`pullback` (gradients), `convolution` (gradients through a kernel), `elementwise` and `softmax` (derivatives of
functions), `simplify` (what a textbook would tidy). `rewriting` applies them and asserts after each that the axes are
kept.
"""
