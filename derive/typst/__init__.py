"""Typst: printed formulas in its notation, and its source of whole papers."""
