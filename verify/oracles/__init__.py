"""Numeric witnesses: each evaluates both sides of a claim in float64 and compares them entry by entry.

They differ in where derivatives come from. `ORACLES` lists them by name.
"""
