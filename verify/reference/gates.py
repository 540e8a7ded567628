"""One gate of a cell, Net_a = U_a x + W_a h + b_a, forward and backward; a is the gate's letter, or "" for U, W, b.

x (..., B, m) · h (..., B, n) · U_a (..., n, m) · W_a (..., n, n) · b_a (..., n), which may be absent
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from verify.reference.sequences import Array, Arrays, row, summed, summed_outer, transposed
from verify.reference.shapes import Shapes


def key(letter: str, gate: str) -> str:
    """U_a, or U where the gate has no letter."""
    return f"{letter}_{gate}" if gate else letter


def driven(inputs: Arrays, gate: str, x: Array) -> Array:
    """U_a x + b_a."""
    net: Array = x @ transposed(inputs[key("U", gate)])
    return net + row(inputs[key("b", gate)]) if key("b", gate) in inputs else net


def recurrent(inputs: Arrays, gate: str, h: Array) -> Array:
    """W_a h."""
    product: Array = h @ transposed(inputs[key("W", gate)])
    return product


def net(inputs: Arrays, gate: str, x: Array, h: Array) -> Array:
    """Net_a = U_a x + W_a h + b_a."""
    return driven(inputs, gate, x) + recurrent(inputs, gate, h)


def input_gradients(inputs: Arrays, gate: str, nets: Array, xs: Iterable[Array]) -> dict[str, Array]:
    """Ū_a = Σ_t N̄et_a xᵀ and b̄_a = Σ_t N̄et_a; nets (T, ..., B, n)."""
    found = {key("U", gate): summed_outer(nets, xs)}
    return found | bias_gradient(inputs, key("b", gate), nets)


def state_gradient(gate: str, nets: Array, hs: Sequence[Array] | Array) -> dict[str, Array]:
    """W̄_a = Σ_t d hᵀ, d being the adjoint of W_a h."""
    return {key("W", gate): summed_outer(nets, hs)}


def input_adjoint(inputs: Arrays, adjoint: Arrays, gates: Iterable[str]) -> Array:
    """x̄_t = Σ_a U_aᵀ N̄et_a,t."""
    products: list[Array] = [adjoint[key("Net", gate)] @ inputs[key("U", gate)] for gate in gates]
    return sum(products[1:], products[0])


def bias_gradient(inputs: Arrays, key: str, nets: Array) -> dict[str, Array]:
    """b̄ = Σ_t Σ_batch d, for a bias that is there."""
    return {key: summed(nets)} if key in inputs else {}


def shapes(gates: Iterable[str]) -> Shapes:
    """What gates need, U_a and W_a, and what they may have, b_a."""
    gates = list(gates)
    products = {key("U", gate): "n m" for gate in gates} | {key("W", gate): "n n" for gate in gates}
    return Shapes(products, {key("b", gate): "n" for gate in gates})
