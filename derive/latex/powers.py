"""Powers, roots, quotients and absolute values: of numbers, entry by entry of vectors, of square matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.errors import NotationError
from derive.language import nodes
from derive.language.build import divide, hadamard, matadd, matmul, negate, squared_norm, transpose
from derive.language.shapes import Axes, axes, is_coefficient
from derive.latex import syntax
from derive.latex.affine import affine, unwrapped
from derive.latex.constants import ones_like, step
from derive.latex.tokens import Tok
from derive.latex.transposes import split_transpose
from derive.latex.unsized import fit, scaled_ones

if TYPE_CHECKING:
    from derive.latex.elaborate import Reader

MAX_EXPONENT = 64


def raised(reader: Reader, node: syntax.Node, value: Any, tokens: tuple[Tok, ...]) -> Any:
    """A power: of numbers and scalars, elementwise of vectors, the matrix power of square matrices."""
    inverse = _inverse_sign(tokens)
    if inverse is not None:
        return _inverted(value, is_transposed=inverse)
    root = _root(tokens)
    if root is not None:
        return _rooted(node, value, root)
    exponent = affine(tokens, reader.vocabulary.steps)
    start, end = tokens[0].start, tokens[-1].end
    if exponent is None:
        text = "".join(token.text for token in tokens)
        raise NotationError(f"the superscript {text} is neither declared nor a power", start, end)
    if exponent.is_Integer and not -MAX_EXPONENT <= exponent <= MAX_EXPONENT:
        raise NotationError(f"the exponent {exponent} is not within {MAX_EXPONENT}", start, end)
    if is_coefficient(value):
        return value**exponent
    return _power(node, fit(value, None), exponent)


def _power(node: syntax.Node, value: Any, exponent: Any) -> Any:
    shape = axes(value)
    if isinstance(value, nodes.Norm) and exponent == 2:
        return squared_norm(value.matrix, value.kind) if _is_polynomial(value) else nodes.Power(value, exponent)
    if exponent.is_Integer and exponent < 0:
        if not shape.is_vector:
            raise NotationError("a negative power of a matrix is written with its inverse", node.start, node.end)
        return reciprocal(_power(node, value, -exponent))
    if shape.is_vector and not shape.is_scalar:
        return sp.Basic.__new__(sp.HadamardPower, value, exponent)
    return nodes.Power(value, exponent)


def _is_polynomial(norm: nodes.Norm) -> bool:
    """‖v‖² and ‖A‖_F² are polynomials; the spectral norm's square is none."""
    return norm.kind == "F" or axes(norm.matrix).is_vector


def _inverse_sign(tokens: tuple[Tok, ...]) -> bool | None:
    """-1 (False), -T or -⊤ (True), None for anything else."""
    tokens = unwrapped(tokens)
    if len(tokens) != 2 or tokens[0].kind != "MINUS":
        return None
    if tokens[1].text == "1":
        return False
    return True if split_transpose(tokens[1:]) == ((), True) else None


def _inverted(value: Any, is_transposed: bool) -> Any:
    """A⁻¹ of a square matrix; 1/x entry by entry of numbers and vectors."""
    if is_coefficient(value):
        return 1 / value
    value = fit(value, None)
    if axes(value).is_vector:
        return transpose(reciprocal(value)) if is_transposed else reciprocal(value)
    inverse = nodes.Inverse(value)
    axes(inverse)
    return transpose(inverse) if is_transposed else inverse


def reciprocal(value: Any) -> Any:
    """1/x entry by entry."""
    return nodes.Elementwise("reciprocal", "reciprocal", 0, value)


def _root(tokens: tuple[Tok, ...]) -> int | None:
    """The sign of an exponent 1/2 or -1/2, None for any other."""
    texts = [token.text for token in unwrapped(tokens)]
    return 1 if texts == ["1", "/", "2"] else -1 if texts == ["-", "1", "/", "2"] else None


def _rooted(node: syntax.Node, value: Any, sign: int) -> Any:
    if is_coefficient(value):
        return sp.sqrt(value) ** sign
    value = fit(value, None)
    if not axes(value).is_vector:
        raise NotationError("the root of a matrix is not read", node.start, node.end)
    root = nodes.Elementwise("\\sqrt", "sqrt", 0, value)
    return root if sign > 0 else reciprocal(root)


def quotient(reader: Reader, node: syntax.Fraction, above: Any, below: Any, want: Axes | None) -> Any:
    """A / b: by a number, by a scalar, entry by entry of equal shapes."""
    if is_coefficient(below):
        if not reader.vocabulary.is_nonzero(below):
            raise NotationError(f"division by {below}, which may be 0", node.below.start, node.below.end)
        return above / below if is_coefficient(above) else matmul(1 / below, fit(above, want))
    below = fit(below, None)
    if is_coefficient(above) and above == 1:
        return reciprocal(below)
    if is_coefficient(above):
        above = scaled_ones(above, axes(below))
    return divide(fit(above, axes(below)), below)


def absolute(value: Any) -> Any:
    """|z| = z sgn z entry by entry (z ≠ 0)."""
    return abs(value) if is_coefficient(value) else hadamard(value, signum(value))


def signum(value: Any) -> Any:
    """sgn z = 2 step z - 1 entry by entry (z ≠ 0)."""
    return matadd(matmul(2, step(value)), negate(ones_like(value)))
