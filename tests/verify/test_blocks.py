"""Block matrices: laws that are proved block by block, slips that are refuted, and what is left undecided by name."""

import pytest
import sympy as sp

from derive.errors import RuleError, ShapeError
from derive.language.build import diag, hadamard, kron, matadd, matmul, negate, sequence, transpose, vec
from derive.language.derivatives import Collect, FamilyDerivative, Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Blocks, Component, Norm, Power, Scale, Softmax, TimeProduct, TimeSum, Tr
from derive.language.shapes import NODE_TYPES, axes
from derive.language.show import show
from derive.latex import latex
from derive.model import Loss, Model, Time
from verify import blocks, check
from verify.blocks.grids import RULES
from verify.blocks.splitting import split
from verify.check import settle
from verify.claim import Assumption, Claim
from verify.errors import WitnessConflict
from verify.limits import Effort

p, q, n = sp.symbols("p q n", integer=True, positive=True)
t, k, i = sp.symbols("t k i", integer=True)
E = sp.MatrixSymbol("E", 1, 1)
EFFORT = Effort(examples=12)
STATIC = Model({}, time=Time(1, t))


def symbol(name, rows, cols=1):
    return sp.MatrixSymbol(name, rows, cols)


def column(*parts):
    return Blocks(tuple((part,) for part in parts))


def row(*parts):
    return Blocks((parts,))


a, b, z = symbol("a", p), symbol("b", q), symbol("z", p + q)
A, B, W, V = symbol("A", n, p), symbol("B", n, q), symbol("W", n, p + q), symbol("V", p + q, p + q)
C, D, F, G = symbol("C", p, p), symbol("D", p, q), symbol("F", q, p), symbol("G", q, q)
c, d = symbol("c", 1), symbol("d", 1)
AB, ab = row(A, B), column(a, b)
CDFG = Blocks(((C, D), (F, G)))
R, L = symbol("R", 2, 2), symbol("L", n, p + q + 1)
M, H, ONE, NONE = symbol("M", 2 * p, 2 * p), symbol("H", p, p), sp.Identity(p), sp.ZeroMatrix(p, p)
f = elementwise("f")

# a gate: z_t = W [s_{t-1}; x_t] + e, s_t = f(z_t)
s, x, net = sequence("s", n), sequence("x", q), sequence("z", n)
K, e = symbol("K", n, n + q), symbol("e", n)


def seen(step):
    return column(s[step - 1], x[step])


GATE = Model({net[t]: matadd(matmul(K, seen(t)), e), s[t]: f(net[t])}, loss=Loss.last(s), time=Time(1, t))
# the same with a name for the stack, of which the loss knows as well
y = sequence("y", n + q)
NAMED = Model({y[t]: seen(t), net[t]: matmul(K, y[t]), s[t]: f(net[t])}, loss=Loss.every(s, y), time=Time(1, t))

LAWS = {
    "a product": (matmul(AB, ab), matadd(matmul(A, a), matmul(B, b))),
    "an outer product": (matmul(ab, transpose(ab)), Blocks(((matmul(a, transpose(a)), matmul(a, transpose(b))),
                                                            (matmul(b, transpose(a)), matmul(b, transpose(b)))))),
    "a transpose": (transpose(CDFG), Blocks(((transpose(C), transpose(F)), (transpose(D), transpose(G))))),
    "a square": (matmul(CDFG, ab), column(matadd(matmul(C, a), matmul(D, b)), matadd(matmul(F, a), matmul(G, b)))),
    "a sum": (matadd(ab, negate(ab)), sp.ZeroMatrix(p + q, 1)),
    "entry by entry": (hadamard(f(ab), ab), column(hadamard(f(a), a), hadamard(f(b), b))),
    "diag": (matmul(diag(ab), ab), column(hadamard(a, a), hadamard(b, b))),
    "the identity": (matmul(sp.Identity(p + q), ab), ab),
    "ones": (matmul(sp.OneMatrix(1, p + q), ab), matadd(matmul(sp.OneMatrix(1, p), a), matmul(sp.OneMatrix(1, q), b))),
    "a trace": (Tr(CDFG), matadd(Tr(C), Tr(G))),
    "a scalar": (Scale(c, ab), column(Scale(c, a), Scale(c, b))),
    "softmax": (matmul(sp.OneMatrix(1, p + q), Softmax(ab)), sp.OneMatrix(1, 1)),
    "vec by columns": (vec(AB), column(vec(A), vec(B))),
    "vec by rows": (vec(transpose(AB), "row"), column(vec(transpose(A), "row"), vec(transpose(B), "row"))),
    "a Kronecker product": (kron(ab, A), column(kron(a, A), kron(b, A))),
    "whole numbers": (matmul(R, column(c, d)), matmul(R, transpose(row(c, d)))),
    "nested stacks": (matmul(L, column(ab, c)), matmul(L, column(a, b, c))),
    "Jacobian of a stack": (Jacobian(column(f(a), b), a), column(diag(f.prime(a)), sp.ZeroMatrix(q, p))),
    "Jacobian by vec": (Jacobian(matmul(W, ab), vec(W)), kron(transpose(ab), sp.Identity(n))),
    "gradient": (Gradient(matmul(transpose(ab), ab), a), matmul(2, a)),
    "gradient by a stack": (Gradient(matmul(transpose(z), V, ab), V), matmul(z, transpose(ab))),
    "a family": (Collect(matmul(sp.OneMatrix(1, n), FamilyDerivative(matmul(W, ab), W))),
                 matmul(sp.OneMatrix(n, 1), transpose(ab))),
}  # fmt: skip

# about the gates: the gradient of the stacked weights, their Jacobian, derivatives by a stacked member
DYNAMIC = {
    "gradient of the weights": (
        GATE, Gradient(E, K), TimeSum(matmul(Gradient(E, net[k]), transpose(seen(k))), k, 1, t)),
    "through a stacked member": (NAMED, Gradient(E, y[t]),
                                 matadd(matmul(transpose(K), Gradient(E, net[t])), Gradient(E, y[t], "immediate"))),
    "Jacobian by a stacked member": (NAMED, Jacobian(net[t], y[t]), K),
    "immediate by vec": (GATE, Jacobian(net[t], vec(K), "immediate"), kron(transpose(seen(t)), sp.Identity(n))),
}  # fmt: skip

SLIPS = {
    "the other order": (STATIC, matmul(row(C, H), column(a, a)), matmul(row(H, C), column(a, matmul(2, a)))),
    "a factor": (STATIC, matmul(AB, ab), matmul(row(A, matmul(2, B)), ab)),
    "a block dropped": (STATIC, matmul(AB, ab), matmul(A, a)),
    "blocks not transposed": (STATIC, transpose(M), matmul(M, Blocks(((ONE, NONE), (NONE, ONE))))),
    "a trace": (STATIC, Tr(CDFG), matmul(2, Tr(C))),
    "softmax of each": (STATIC, Softmax(ab), column(Softmax(a), Softmax(b))),
    "gradient of the weights": (
        GATE, Gradient(E, K),
        TimeSum(matmul(Gradient(E, net[k]), transpose(column(s[k], x[k]))), k, 1, t)),
    "a step short": (GATE, Gradient(E, K), TimeSum(matmul(Gradient(E, net[k]), transpose(seen(k))), k, 1, t - 1)),
    "immediate for total": (NAMED, Gradient(E, y[t]), matmul(transpose(K), Gradient(E, net[t]))),
}  # fmt: skip


def settled(model, left, right, **more):
    return settle(Claim(left, right, model, **more), EFFORT)


@pytest.mark.parametrize("name", LAWS)
def test_a_law_is_proved(name):
    """By both deciders in each block, and by three numeric witnesses on the whole."""
    verdict = settled(STATIC, *LAWS[name])
    assert verdict.verdict == "proved", verdict.message
    numeric = verdict.witnesses[2:]
    assert sum(outcome.outcome == "equal" for outcome in numeric) >= 3


@pytest.mark.parametrize("name", DYNAMIC)
def test_a_recurrence_is_proved_for_all_steps(name):
    verdict = settled(*DYNAMIC[name])
    assert verdict.verdict == "proved", verdict.message
    assert verdict.times == "1 <= t"


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_refuted_in_a_block_and_by_numbers_on_the_whole(name):
    verdict = settled(*SLIPS[name])
    assert verdict.verdict == "refuted", verdict.message
    assert verdict.message.startswith("block ")
    assert verdict.counterexample is not None
    numeric = [o for o in verdict.witnesses if o.witness in ("tangents", "complex step", "differences", "components")]
    assert any(outcome.outcome == "differ" for outcome in numeric)


def lstm(is_known):
    """All four gates over [h; x], with σ and tanh, or with unknown functions of their own."""
    h, cell = sequence("h", n), sequence("c", n)

    def activation(gate):
        if not is_known:
            return elementwise(f"\\sigma_{gate}")
        return elementwise("\\tanh", "tanh") if gate == "g" else elementwise("\\sigma", "sigmoid")

    gates, nets = ({g: sequence(f"{kind}_{g}", n) for g in "fiog"} for kind in ("a", "z"))
    equations = {}
    for g in "fiog":
        weights, bias = symbol(f"W_{g}", n, n + q), symbol(f"b_{g}", n)
        equations[nets[g][t]] = matadd(matmul(weights, column(h[t - 1], x[t])), bias)
        equations[gates[g][t]] = activation(g)(nets[g][t])
    equations[cell[t]] = matadd(hadamard(gates["f"][t], cell[t - 1]), hadamard(gates["i"][t], gates["g"][t]))
    equations[h[t]] = hadamard(gates["o"][t], activation("g")(cell[t]))
    return Model(equations, loss=Loss.last(h), time=Time(1, t)), h, nets["f"], symbol("W_f", n, n + q)


@pytest.mark.parametrize("is_known", [True, False])
def test_the_weights_of_a_forget_gate_for_all_steps(is_known):
    model, h, net_f, weights = lstm(is_known)
    for shift, expected in ((1, "proved"), (0, "refuted")):
        read = transpose(column(h[k - shift], x[k]))
        right = TimeSum(matmul(Gradient(E, net_f[k]), read), k, 1, t)
        assert settled(model, Gradient(E, weights), right).verdict == expected


# --- what is not split ---------------------------------------------------------------------------------------------

OPEN = {
    "two orders": (matmul(W, ab), matmul(W, column(b, a)), "stacked in two ways: p then q"),
    "vec against the order": (vec(ab @ sp.OneMatrix(1, n)), vec(ab @ sp.OneMatrix(1, n)), "as the fast part"),
    "a component": (Component(matadd(ab, z), i), Component(matadd(z, ab), i), "no block rule"),
    "a product over steps": (TimeProduct(CDFG, k, 1, 2, "ascending"), matmul(CDFG, CDFG), "no block rule"),
    "a power": (Power(CDFG, 2), matmul(CDFG, CDFG), "no block rule"),
}


@pytest.mark.parametrize("name", OPEN)
def test_what_no_rule_reaches_is_undecided_by_name(name):
    left, right, message = OPEN[name]
    verdict = settled(STATIC, left, right)
    assert verdict.verdict == "undecided"
    assert message in verdict.message
    assert verdict.witnesses  # numbers ran


def test_a_stacked_tensor_that_is_assumed_symmetric_is_undecided():
    symmetric = Assumption("symmetric", V)
    verdict = settled(STATIC, matmul(V, ab), matmul(transpose(V), ab), assumptions=(symmetric,))
    assert verdict.verdict == "undecided"
    assert "the assumption symmetric about the stacked V" in verdict.message


def test_a_norm_of_a_stack_is_left_to_numbers():
    assert settled(STATIC, Norm(ab), Norm(transpose(ab))).verdict == "tested"


def test_a_sum_of_sizes_without_blocks_stays_one_size():
    claim = Claim(matmul(W, z), matmul(W, z), STATIC)
    assert not blocks.is_blocked(claim)
    assert settle(claim, EFFORT).verdict == "proved"


# --- the pieces ----------------------------------------------------------------------------------------------------


def test_every_node_has_a_rule():
    assert set(RULES) == set(NODE_TYPES)


def test_fresh_names_do_not_collide():
    """A document may use W^{(1)} itself."""
    taken = symbol("W^{(1)}", n, 1)
    (piece,) = split(Claim(matadd(matmul(W, ab), taken), taken, STATIC))
    names = {str(node.name) for node in piece.claim.left.atoms(sp.MatrixSymbol)}
    assert names == {"W^{(1)'}", "W^{(2)}", "W^{(1)}", "a", "b"}


def test_one_claim_a_block():
    pieces = split(Claim(matmul(ab, transpose(ab)), V, STATIC))
    assert [piece.place for piece in pieces] == ["block (1, 1)", "block (1, 2)", "block (2, 1)", "block (2, 2)"]
    assert [show(piece.claim.left) for piece in pieces] == ["a aᵀ", "a bᵀ", "b aᵀ", "b bᵀ"]
    assert [show(piece.claim.right) for piece in pieces] == ["V^(1,1)", "V^(1,2)", "V^(2,1)", "V^(2,2)"]


def test_a_loss_of_a_stack_is_one_of_its_blocks():
    piece = split(Claim(Gradient(E, y[t]), Gradient(E, y[t]), NAMED))[0]
    assert piece.claim.model.losses[0].parts == (("s", "each"), ("y^{(1)}", "each"), ("y^{(2)}", "each"))


def test_a_wrong_splitting_would_be_seen(monkeypatch):
    """Both deciders would follow it; the numeric witnesses see the claim as it is."""
    right, wrong = (
        Claim(matmul(AB, ab), matadd(matmul(A, a), matmul(B, b)), STATIC),
        Claim(matmul(AB, ab), matmul(A, a), STATIC),
    )
    pieces = {name: split(claim) for name, claim in (("right", right), ("wrong", wrong))}
    monkeypatch.setattr(check.blocks, "split", lambda claim: pieces["right"])
    with pytest.raises(WitnessConflict):
        settle(wrong, EFFORT)
    monkeypatch.setattr(check.blocks, "split", lambda claim: pieces["wrong"])
    verdict = settle(right, EFFORT)
    assert verdict.verdict == "undecided"
    assert "no numeric witness sees the unsplit claim fail" in verdict.message


def test_without_a_numeric_witness_of_the_whole_no_more_than_tested():
    claim = Claim(matmul(AB, ab), matadd(matmul(A, a), matmul(B, b)), STATIC)
    verdict = settle(claim, Effort(examples=0))
    assert verdict.verdict == "tested"
    assert "no numeric witness" in verdict.message


BAD = [Blocks(((a, b),)), Blocks(((A,), (C,), (b,))), Blocks(((A, b), (a, B)))]


@pytest.mark.parametrize("formula", BAD)
def test_blocks_that_do_not_fit_are_refused(formula):
    with pytest.raises(ShapeError, match="does not fit"):
        axes(formula)


def test_a_ragged_grid_is_refused():
    with pytest.raises(ValueError, match="equally many"):
        Blocks(((a, b), (a,)))


def test_axes_and_texts():
    assert axes(column(a, b)).rows == (p + q,)
    assert axes(column(c, d)).rows == (2,)
    assert axes(column(vec(A), c)).rows == (n * p + 1,)
    assert axes(column(vec(A), vec(B))).rows == (p + q, n)
    assert latex(CDFG) == r"\begin{bmatrix} C & D \\ F & G \end{bmatrix}"
    assert show(CDFG) == "[C, D; F, G]"


def test_no_rule_differentiates_blocks():
    """derive says so, and names the node."""
    with pytest.raises(RuleError, match="Blocks"):
        GATE.jacobian(net[t], x[t])
