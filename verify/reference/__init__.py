"""The hand-written reference: recurrent networks forward and backward in NumPy, formula by formula.

It imports NumPy alone and shares no line with `derive`: what agrees with it was computed twice, by two routes.
"""
