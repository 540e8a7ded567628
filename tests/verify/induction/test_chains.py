"""The chain rule through a cut, members as losses and ends that nothing reads: what the checker refuses."""

from dataclasses import replace

import pytest
import sympy as sp

from derive.language.build import matadd, matmul, transpose
from derive.language.derivatives import FamilyDerivative, Gradient, Jacobian
from derive.language.nodes import TimeSum
from derive.model import Equation, Loss, Model
from tests.verify.induction import systems as made
from tests.verify.induction.systems import T, W, i, k, o, one, own, s, t
from verify.claim import Assumption, Index
from verify.induction import chains
from verify.induction.chaining import opaque, shortened, trimmed
from verify.induction.redone import Rejected

CUT = made.own_losses()
BESIDE = made.own_losses(output=matadd(s[t], s[t - 1]))
TWO_BACK = made.own_losses(matadd(s[t - 1], s[t - 2]))
INSIDE = (t - 1, T - t)


def rewrite(rule, node, model=CUT, known=(*INSIDE, t - k, k - 1)):
    """What the checker makes of a node."""
    return chains.on(model, rule)(node, known)


def test_a_chain_through_a_cut():
    """∂o/∂s_t ∂s_t/∂s_k is ∂o/∂s_k; with a way beside s_t it is not."""
    chain = matmul(Jacobian(o[t], s[t]), Jacobian(s[t], s[k]))
    assert rewrite("chained", chain) == Jacobian(o[t], s[k])
    row = matmul(transpose(Gradient(own[t], o[t])), Jacobian(o[t], s[k]))
    assert rewrite("chained", row) == transpose(Gradient(own[t], s[k]))
    with pytest.raises(Rejected, match="no chain"):
        rewrite("chained", chain, BESIDE)


def test_no_chain_of_other_derivatives():
    """Immediate derivatives, neighbours that do not meet, and the member itself at another step are no chain."""
    for chain in (
        matmul(Jacobian(o[t], s[t], "immediate"), Jacobian(s[t], s[k])),
        matmul(Jacobian(o[t], s[t - 1]), Jacobian(s[t - 1], s[k])),
        matmul(Jacobian(s[t], s[t - 1]), Jacobian(s[t - 1], s[k])),  # k may be t
        matmul(Gradient(own[t], o[t]), transpose(Gradient(own[t], o[t]))),
    ):
        with pytest.raises(Rejected):
            rewrite("chained", chain)


def test_a_product_of_steps():
    """Π ∂s_i/∂s_{i-1} is ∂s_t/∂s_k, descending, where s reads its last state alone and has its equation throughout."""
    assert rewrite("telescoped", made.steps_back()) == Jacobian(s[t], s[k])
    for node, model in (
        (made.steps_back("ascending"), CUT),
        (made.steps_back(), TWO_BACK),
        (made.steps_back(lo=k - 1), CUT),  # s_0 has no equation
        (made.product(Jacobian(s[i], s[i - 2]), k + 1, t), CUT),
        (made.product(Jacobian(s[i + 1], s[i]), k, t - 1), CUT),
    ):
        with pytest.raises(Rejected):
            rewrite("telescoped", node, model)


def test_a_first_term_that_nothing_moves():
    """Σ_{k=0} begins at 1 if its first term has ∂⁺s_0/∂W; not where s_1 comes first, nor if the sum may be empty."""
    term = matmul(Jacobian(s[t], s[k]), FamilyDerivative(s[k], W, "immediate"))
    zero = sp.Integer(0)
    assert rewrite("skipped", TimeSum(term, k, zero, t)) == TimeSum(term, k, one, t)
    for node in (TimeSum(term, k, one, t), TimeSum(term, k, zero, t - 2), TimeSum(Jacobian(s[t], s[k]), k, zero, t)):
        with pytest.raises(Rejected):
            rewrite("skipped", node)


def test_nothing_is_shortened_under_an_assumption():
    """What is assumed of a tensor may say more than its equation."""
    assert shortened(made.own_sum(made.steps_back())).steps
    assumed = replace(made.own_sum(made.steps_back()), assumptions=(Assumption("symmetric", W),))
    assert not shortened(assumed).steps


def at_the_end():
    """∂e_T/∂s_k = (∂o_T/∂s_k)ᵀ ∂e_T/∂o_T."""
    right = matmul(transpose(Jacobian(o[T], s[k])), Gradient(own[T], o[T]))
    return made.claim(Gradient(own[T], s[k]), right, CUT, Index(k, one, T))


def test_a_member_as_a_loss():
    """The checker takes e_T for a loss of o_T, and for no loss that sees more, less, or other steps."""
    goal = at_the_end()
    child = opaque(goal)
    chains.opaque({}, goal, (), child)
    loss = child.model.losses[-1]
    for parts in ((("s", "last"),), (("o", "each"),), (("o", "last"), ("s", "last")), ()):
        other = replace(child, model=Model(child.model.equations, (Loss(loss.symbol, parts),), child.model.time))
        with pytest.raises(Rejected):
            chains.opaque({}, goal, (), other)
    with pytest.raises(Rejected, match="not of that loss"):
        chains.opaque({}, replace(goal, left=goal.right), (), child)


def test_no_loss_that_a_parameter_moves():
    """e_T = ℓ(o_T, z_T) with z_T = 1ᵀ s_T is no function of o_T alone."""
    goal = at_the_end()
    moved = Equation(made.z[t], matmul(sp.OneMatrix(1, made.n), s[t]), t)
    model = Model((*CUT.equations, moved), (), CUT.time)
    child = opaque(goal)
    forged = Model((*child.model.equations, moved), child.model.losses, CUT.time)
    with pytest.raises(Rejected, match="what the loss sees"):
        chains.opaque({}, replace(goal, model=model), (), replace(child, model=forged))


def test_ends_that_something_reads():
    """v ends with the run unless the claim, another equation or a loss of every step reads v_{T+1}."""
    goal = made.outputs()
    child = trimmed(goal)
    chains.trim({}, goal, (), child)
    whole = replace(goal, indices=(Index(k, one, T),))
    every = Model(goal.model.equations, Loss.every(made.sequence("v", made.n)), goal.model.time)
    reader = Equation(made.net[t], made.sequence("v", made.n)[t + 1], t)
    for model, wanted in ((goal.model, whole), (every, goal)):
        claim = replace(wanted, model=model)
        with pytest.raises(Rejected):
            chains.trim({}, claim, (), trimmed(claim))
    read = replace(goal, model=Model((*goal.model.equations, reader), goal.model.losses, goal.model.time))
    forged = replace(goal, model=Model((*child.model.equations, reader), goal.model.losses, goal.model.time))
    with pytest.raises(Rejected, match="is read later"):
        chains.trim({}, read, (), forged)
