"""vec and its Kronecker forms, in both vec orders; and the block form, which is another matrix of the same size."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.language.build import kron, matmul, transpose, vec
from derive.language.derivatives import BlockJacobian
from derive.language.nodes import Commutation, Vec
from derive.language.shapes import axes


def flat(matrix: Any, order: str) -> Any:
    """A vector as it is, a matrix as its vec."""
    return matrix if axes(matrix).is_vector else vec(matrix, order)


def sandwich(left: Any, middle: Any, right: Any, order: str) -> Any:
    """vec(A X B) = (Bᵀ ⊗ A) vec X by columns, (A ⊗ Bᵀ) vec X by rows.

    `left` or `right` is None where nothing stands on that side: an identity of X's size, dropped for a vector.
    Returns the matrix before vec X, or None where it is the identity.
    """
    shape = axes(middle)
    slow, fast = (None if right is None else transpose(right)), left
    if slow is None and fast is None:
        return None
    slow = identity(shape.cols, middle.shape[1]) if slow is None else slow
    fast = identity(shape.rows, middle.shape[0]) if fast is None else fast
    if order == "row":
        slow, fast = fast, slow
    if slow is None or fast is None:
        return fast if slow is None else slow
    return kron(slow, fast)


def identity(axis: Any, size: Any) -> Any:
    """I of an axis; None for an axis of length 1."""
    return None if axis == () else sp.Identity(size)


def vec_self(variable: Vec) -> Any:
    """∂vec X/∂vec X = I ⊗ I."""
    n, m = variable.matrix.shape
    return kron(sp.Identity(m), sp.Identity(n)) if variable.order == "column" else kron(sp.Identity(n), sp.Identity(m))


def vec_reordered(what: Vec, by: Vec) -> Any:
    """vec Xᵀ = K vec X: the two vec orders differ by a commutation."""
    n, m = what.matrix.shape
    return Commutation(n, m) if by.order == "column" else Commutation(m, n)


def vec_transposed(matrix: Any, order: str) -> Any:
    """d vec(Aᵀ) = K d vec A."""
    n, m = matrix.shape
    return Commutation(n, m) if order == "column" else Commutation(m, n)


def block_self(node: BlockJacobian) -> Any:
    """[∂X/∂x_ij] = vec(I) vec(I)ᵀ, the blocks E_ij side by side."""
    n, m = node.by.shape
    return matmul(vec(sp.Identity(n)), transpose(vec(sp.Identity(m))))


def block_sandwich(left: Any, block: Any, right: Any, by: Any) -> Any:
    """[∂(A Y B)/∂x_ij] = (I ⊗ A) [∂Y/∂x_ij] (I ⊗ B)."""
    n, m = by.shape
    factors = [] if left is None else [kron(sp.Identity(n), left)]
    factors.append(block)
    return matmul(*factors, *([] if right is None else [kron(sp.Identity(m), right)]))
