"""Single edits: the kinds that hands slip on, typed, each once."""

import pytest
import sympy as sp

from derive.errors import ShapeError
from derive.language.build import diag, matmul, sequence
from derive.language.convolution import convolve, correlate, flip
from derive.language.derivatives import Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Component
from derive.model import Loss, Model, Time
from verify.claim import Claim
from verify.edits import KINDS, edits

n, m = sp.symbols("n m", integer=True, positive=True)
t = sp.Symbol("t", integer=True)
x, s, net = sequence("x", m), sequence("s", n), sequence("Net", n)
U, W = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n)
f = elementwise("f")
RNN = Model({net[t]: U * x[t] + W * s[t - 1], s[t]: f(net[t])}, loss=Loss.last(s), time=Time(1, t))
CLAIM = Claim(Jacobian(net[t], net[t - 1]), matmul(W, diag(f.prime(net[t - 1]))), RNN)


def described(kind):
    return {edit.description for edit in edits(CLAIM) if edit.kind == kind}


def test_the_frequent_slips_are_among_them():
    assert "right: W to its transpose" in described("transpose")
    assert "right: W and diag(f'(Net[t-1])) swapped" in described("swap")
    assert {"right: Net[t-1] to Net[t]", "right: Net[t-1] to Net[t-2]"} <= described("index")
    assert {"right: f'(Net[t-1]) to f(Net[t-1])", "right: f'(Net[t-1]) to f''(Net[t-1])"} == described(
        "derivative order"
    )
    assert "right: W dropped" in described("drop")
    assert "right: Net[t-1] to s[t-1]" in described("name")


def test_every_edit_is_another_well_typed_claim_and_stands_once():
    found = list(edits(CLAIM))
    pairs = [(edit.claim.left, edit.claim.right) for edit in found]
    assert (CLAIM.left, CLAIM.right) not in pairs
    assert len(set(pairs)) == len(pairs)
    assert {edit.kind for edit in found} <= set(KINDS)
    assert len({edit.name for edit in found}) == len(found)


def undone(claim, kinds):
    """The edits of these kinds that no single edit undoes."""
    found = [edit for edit in edits(claim) if edit.kind in kinds]
    assert {edit.kind for edit in found} == set(kinds)
    return [e.name for e in found if not any(back.claim == claim for back in edits(e.claim))]


def test_a_slip_comes_with_its_inverse():
    """What swaps, shifts, transposes, renames or wraps is undone by a slip of the list."""
    assert undone(CLAIM, ("swap", "index", "transpose", "name", "wrap")) == []


def test_the_slips_of_convolution():
    """∂E/∂K = rot180(X ⋆ δ): kind, order and flip, and none that says the same (a full convolution commutes)."""
    k = sp.Symbol("k", integer=True, positive=True)
    X, K = sp.MatrixSymbol("X", n, n), sp.MatrixSymbol("K", k, k)
    delta = sp.MatrixSymbol("D", n - k + 1, n - k + 1)
    claim = Claim(K, flip(correlate(X, delta)), Model(()))
    found = {edit.description for edit in edits(claim) if edit.kind == "convolution"}
    assert "right: flip(correlate(X, D)) to correlate(X, D)" in found
    assert "right: correlate(X, D) to convolve(X, D)" in found
    assert undone(claim, ("convolution",)) == []
    full = Claim(X, convolve(delta, K, full=True), Model(()))
    found = {edit.description for edit in edits(full) if edit.kind == "convolution"}
    assert found == {
        "right: convolve_full(D, K) to correlate_full(D, K)",
        "right: convolve_full(D, K) to flip(convolve_full(D, K))",
    }


def test_a_claim_compares_a_component_letter_over_one_axis():
    """(∂Net_t/∂x_t)_ij = W_ij: j runs over m on the left, and over n on the right."""
    i, j = sp.symbols("i j", integer=True)
    with pytest.raises(ShapeError, match="the component letter j runs over two axes"):
        Claim(Component(Jacobian(net[t], x[t]), i, j), Component(W, i, j), RNN)
