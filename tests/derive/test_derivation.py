"""What is derived for the recurrent network: textbook forms, numbers at every step, layouts and vec orders."""

import subprocess
import sys

import numpy as np
import pytest
import sympy as sp
from check import SIZES, check_derivation
from hypothesis import given, settings
from hypothesis import strategies as st
from numbers_of_formulas import World

from derive.derivation import block, family, jacobian
from derive.errors import BackproofError, RuleError, ShapeError
from derive.language.build import diag, kron, matadd, matmul, negate, sequence, transpose, vec
from derive.language.derivatives import FamilyDerivative, Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Member, TimeProduct, TimeSum
from derive.language.show import show
from derive.model import Equation, Loss, Model, Time
from derive.models.letters import STEPS, E, U, V, W, k, n, net, o, s, t, x, y, z
from derive.models.systems import Options, system, systems
from derive.naming import delta_names
from derive.recurrence import delta, gradient
from derive.rules.rewriting import Step
from derive.unroll import unrolled

f = elementwise("f")
FIRST = {net[t]: matadd(matmul(U, x[t]), matmul(W, s[t - 1])), s[t]: f(net[t])}
LAST = Model(FIRST, loss=Loss.last(s), time=STEPS)
EVERY = Model(FIRST, loss=Loss.every(s), time=STEPS)
DELTA, E_DIRECT = (lambda step: Member("\\delta", (step,), n, 1)), (lambda step: Member("e", (step,), n, 1))
I_N = sp.Identity(n)


def slope(step):
    """diag f'(Net_step)."""
    return diag(f.prime(net[step]))


def test_the_example_of_the_design():
    """∂Net_t/∂Net_{t-1} = W diag f'(Net_{t-1}), from equations written with SymPy's operators and T as last step."""
    rnn = Model({net[t]: U * x[t] + W * s[t - 1], s[t]: f(net[t])}, loss=Loss.last(s))
    assert rnn.jacobian(net[t], net[t - 1]).right == matmul(W, slope(t - 1))
    assert rnn.jacobian(net[t], vec(W), partial="immediate").right == kron(transpose(s[t - 1]), I_N)
    total = rnn.gradient(W).right
    assert total == TimeSum(matmul(DELTA(k), transpose(s[k - 1])), k, 1, rnn.time.last)
    assert show(rnn.delta(net[t - 1]).right) == "diag(f'(Net[t-1])) Wᵀ δ[t]"
    assert rnn.delta(net[t - 1]).conditions == ()
    assert rnn.delta(net[t]).conditions == ((t, "<", rnn.time.last),)


TEXTBOOK = [
    (jacobian(LAST, net[t], s[t - 1]), W),
    (jacobian(LAST, s[t - 1], net[t - 1]), slope(t - 1)),
    (jacobian(LAST, net[t], net[t - 1]), matmul(W, slope(t - 1))),
    (jacobian(LAST, net[t], net[t - 1], layout="denominator"), matmul(slope(t - 1), transpose(W))),
    (jacobian(LAST, net[t], net[t - 2]), matmul(W, slope(t - 1), W, slope(t - 2))),
    (jacobian(LAST, net[t - 2], net[t - 1]), sp.ZeroMatrix(n, n)),
    (
        jacobian(LAST, net[t], net[k]),
        TimeProduct(
            matmul(W, slope(sp.Symbol("i", integer=True))), sp.Symbol("i", integer=True), k, t - 1, "descending"
        ),
    ),
    (jacobian(LAST, net[t], vec(W), "immediate"), kron(transpose(s[t - 1]), I_N)),
    (jacobian(LAST, net[t], vec(W, "row"), "immediate"), kron(I_N, transpose(s[t - 1]))),
    (jacobian(LAST, net[t], vec(U), "immediate"), kron(transpose(x[t]), I_N)),
    (jacobian(LAST, net[t], vec(U, "row"), "immediate"), kron(I_N, transpose(x[t]))),
    (jacobian(LAST, vec(W), vec(W)), kron(I_N, I_N)),
    (block(LAST, W, W), matmul(vec(I_N), transpose(vec(I_N)))),
    (
        family(LAST, net[t], W),
        matadd(matmul(FamilyDerivative(W, W), s[t - 1]), matmul(W, FamilyDerivative(s[t - 1], W))),
    ),
    (
        jacobian(LAST, net[t], vec(W)),
        matadd(kron(transpose(s[t - 1]), I_N), matmul(W, slope(t - 1), Jacobian(net[t - 1], vec(W)))),
    ),
    (delta(LAST, net[t - 1]), matmul(slope(t - 1), transpose(W), DELTA(t))),
    (delta(LAST, net[t]), matmul(slope(t), E_DIRECT(t))),
    (delta(EVERY, net[t - 1]), matmul(slope(t - 1), matadd(E_DIRECT(t - 1), matmul(transpose(W), DELTA(t))))),
    (gradient(LAST, W), TimeSum(matmul(DELTA(k), transpose(s[k - 1])), k, 1, t)),
    (gradient(EVERY, W), TimeSum(matmul(DELTA(k), transpose(s[k - 1])), k, 1, t)),
    (gradient(LAST, U), TimeSum(matmul(DELTA(k), transpose(x[k])), k, 1, t)),
    (gradient(LAST, s[0]), matmul(transpose(W), DELTA(1))),
    (gradient(EVERY, s[t - 1]), matadd(E_DIRECT(t - 1), matmul(transpose(W), DELTA(t)))),
    (gradient(LAST, x[k]), matmul(transpose(U), DELTA(k))),
]


@pytest.mark.parametrize(("found", "expected"), TEXTBOOK, ids=lambda one: str(one)[:40])
def test_textbook_form(found, expected):
    """The closed formula is the textbook's, factor by factor."""
    assert found.right == expected


def test_output_layer():
    """∂E/∂V = Σ (∂E/∂z_k)ᵀ s_kᵀ, ∂E/∂z_k = o_k - y_k where 1ᵀ y_k = 1, and its own form without."""
    model = system("rnn", loss="outputs").model
    direct = Gradient(E, z[k])
    assert gradient(model, V, stop=("z",)).right == TimeSum(matmul(direct, transpose(s[k])), k, 1, t)
    error = matadd(o[k], negate(y[k]))
    found = gradient(model, z[k], sum_one=("y",))
    assert found.right == error
    assert found.assumptions == ((matmul(sp.OneMatrix(1, z[k].shape[0]), y[k]), 1),)
    plain = gradient(model, z[k])
    assert plain.assumptions == ()
    assert plain.right == matadd(matmul(o[k], sp.OneMatrix(1, z[k].shape[0]), y[k]), negate(y[k]))
    assert gradient(model, V, sum_one=("y",)).right == TimeSum(matmul(error, transpose(s[k])), k, 1, t)


def test_the_layer_step():
    """∂Net^l_t/∂Net^{l-1}_t = U diag g'(Net^{l-1}_t), δ^{l-1} = diag g' Uᵀ δ^l."""
    found = {d.name: str(d) for d in system("layers").quantities()}
    assert found["2.5"].endswith("= U diag(g'(Net^l-1[t]))")
    assert found["2.5d"] == "δ^l-1[t] = diag(g'(Net^l-1[t])) Uᵀ δ^l[t]"


def test_definitions_are_equations_of_the_model():
    """δ_t = ∂E/∂Net_t and e_t = the direct ∂E/∂s_t, for every step."""
    found = delta(EVERY, net[t - 1])
    assert {e.left: e.right for e in found.definitions} == {
        DELTA(t): Gradient(E, net[t]),
        E_DIRECT(t): Gradient(E, s[t], "immediate"),
    }
    assert found.model_with_definitions.produced("\\delta") == (1, t)


def test_a_definition_of_the_model_is_used():
    """A model that names ∂E/∂Net_t itself keeps its name."""
    named = Model((*LAST.equations, Equation(Member("d", (t,), n, 1), Gradient(E, net[t]), t)), LAST.losses, LAST.time)
    assert delta_names(named) == {"\\mathrm{Net}": "d"}
    assert str(delta(named, net[t - 1])) == "d[t-1] = diag(f'(Net[t-1])) Wᵀ d[t]"


def test_conditions_say_where_a_symbolic_step_lies():
    """The recursion needs a step after k; the closed form holds for k up to t."""
    assert delta(LAST, net[k]).conditions == ((k, "<", t),)
    assert unrolled(LAST, net[k]).conditions == ((k, "<=", t),)
    assert delta(LAST, net[k]).indices == ((k, 1, t),)
    assert gradient(LAST, W).conditions == ()


def test_the_unrolled_product_is_refused_for_a_loss_at_every_step():
    """(2.4) is false there: the missing terms are named, not dropped."""
    with pytest.raises(RuleError, match="E sees every step"):
        unrolled(EVERY, net[k])


SYSTEMS = [
    *(("rnn", {"loss": loss, "bias": True}) for loss in ("last", "every")),
    *(
        ("rnn", {"loss": "outputs", "bias": True, "output": output})
        for output in ("softmax", "relu", "identity", "opaque")
    ),
    *((name, {}) for name in systems() if name != "rnn"),
]
IDS = ["-".join(map(str, (name, *choices.values()))) for name, choices in SYSTEMS]


@pytest.mark.parametrize(("name", "choices"), SYSTEMS, ids=IDS)
def test_every_quantity_and_every_step_in_numbers(name, choices):
    """left = right and each step's before = after, at every step in scope."""
    for derivation in system(name, **choices).quantities():
        assert derivation.steps
        check_derivation(derivation, last=3)


def test_the_other_layout_and_vec_order_in_numbers():
    """Denominator layout and rows: the same facts, turned."""
    for derivation in system("rnn", bias=True).quantities(options=Options("denominator", "row")):
        check_derivation(derivation, last=3, with_steps=False)


@settings(deadline=None, derandomize=True, max_examples=15)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(0, 10**6))
def test_gradients_at_random_sizes(rows, cols, last, seed):
    """∂E/∂W = Σ δ_k s_{k-1}ᵀ at any sizes and lengths, loss at every step."""
    derivation = gradient(EVERY, W)
    sizes = dict(zip(SIZES, (rows, cols, 2), strict=True))
    world = World(derivation.model_with_definitions, {t: sp.Integer(last)}, sizes, seed=seed)
    left, right = world.value(derivation.left), world.value(derivation.right)
    assert np.allclose(left, right, rtol=1e-9, atol=1e-12)
    assert abs(left).max() > 0


def test_the_recursion_for_the_last_loss_fails_for_every_step():
    """The check can fail: (2.3) without e_{t-1} is wrong under a loss at every step."""
    without = delta(LAST, net[t - 1])
    claimed = delta(EVERY, net[t - 1])
    world = World(claimed.model_with_definitions, {t: sp.Integer(3)}, SIZES)
    assert abs(world.value(claimed.left) - world.value(claimed.right)).max() < 1e-9
    assert abs(world.value(without.left) - world.value(without.right)).max() > 1e-3


def test_steps_chain():
    """Each step begins where the one before ended; the first at the left side, the last at the right."""
    for chosen in (system("rnn", loss="outputs", bias=True), system("rnn", loss="every")):
        for derivation in chosen.quantities():
            assert derivation.steps[0].before == derivation.left
            assert derivation.steps[-1].after == derivation.right
            for one, following in zip(derivation.steps, derivation.steps[1:], strict=False):
                assert isinstance(one, Step)
                assert one.after == following.before


def test_longer_memory_and_inputs():
    """s_{t-2} in the equation: both lags appear in the recursion, and a shared W in both of them."""
    model = Model(
        {net[t]: matadd(matmul(W, s[t - 1]), matmul(W, s[t - 2]), matmul(U, x[t])), s[t]: f(net[t])},
        loss=Loss.every(s),
        time=STEPS,
    )
    found = delta(model, net[k])
    assert show(found.right) == "diag(f'(Net[k])) (e[k] + Wᵀ (δ[k+1] + δ[k+2]))"
    assert found.conditions == ((k, "<", t), (k + 2, "<=", t))
    check_derivation(found, last=5)
    check_derivation(gradient(model, W), last=4)
    check_derivation(jacobian(model, net[t], net[t - 3]), last=5)


def test_a_loss_seen_twice():
    """E(s each, z last): the direct terms have two names."""
    model = Model(
        {**FIRST, z[t]: matmul(V, s[t])},
        loss=Loss(E, (("s", "each"), ("z", "last"))),
        time=STEPS,
    )
    found = delta(model, net[t])
    assert {e.name for e in found.definitions} == {"\\delta", "e^{(s)}", "e^{(z)}"}
    check_derivation(found, last=3)
    check_derivation(gradient(model, V), last=3)


# --- the door ----------------------------------------------------------------------------------------------------


def test_bad_questions_are_refused():
    """Each refusal says what was expected."""
    with pytest.raises(BackproofError, match="partial is one of total, immediate, not 'both'"):
        jacobian(LAST, net[t], net[t - 1], partial="both")
    with pytest.raises(BackproofError, match="layout is one of numerator, denominator"):
        jacobian(LAST, net[t], net[t - 1], layout="row")
    with pytest.raises(ShapeError, match="its Jacobian needs vec"):
        jacobian(LAST, net[t], W)
    with pytest.raises(BackproofError, match=r"no system is called 'rrn'; expected one of bidirectional, binary cross"):
        system("rrn")
    with pytest.raises(BackproofError, match="loss is one of last, every, outputs"):
        system("rnn", loss="first")
    with pytest.raises(BackproofError, match="rnn derives nothing by 'Q'; expected one of Net, U, W"):
        system("rnn").quantities("Q")


def test_the_registry_refuses_duplicates():
    """Two systems, or two quantities, of one name."""
    from derive.models.registry import System, register

    with pytest.raises(BackproofError, match="two systems are called rnn"):
        register("rnn")(lambda: None)
    one = system("rnn").asked[0]
    with pytest.raises(BackproofError, match=r"twin derives 2\.2a twice"):
        _ = System("twin", "", LAST, (one, one)).asked


def test_options_choose():
    """wrt and partial pick quantities."""
    chosen = system("rnn", bias=True)
    assert [d.name for d in chosen.quantities("b")] == ["K2b", "K2c", "2.9b"]
    assert [d.name for d in chosen.quantities("b", Options(partial="immediate"))] == ["K2b", "2.9b"]


def test_importing_derive_imports_no_sympy():
    """PEP 562: names load at their first use."""
    code = "import sys, derive; assert 'sympy' not in sys.modules; derive.Model; assert 'sympy' in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_public_name_loads():
    """The lazy table names what exists, and a miss is explained."""
    import derive

    for name in derive.__all__:
        assert getattr(derive, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Modell'"):
        _ = derive.Modell


def test_a_concrete_last_step():
    """A model that ends at step 3 derives sums to 3."""
    model = Model(FIRST, loss=Loss.last(s), time=Time(1, sp.Integer(3)))
    assert show(gradient(model, W).right) == "Σ_{k=1..3} δ[k] s[k-1]ᵀ"
    assert show(gradient(model, net[3]).right) == "diag(f'(Net[3])) e[3]"


def test_a_state_before_the_first_step_is_an_input():
    """c_t = f(U x_t + W h_{t-1} + V c_{t-1}), h_t = c_t: h_0 is no c_0, so that ∂c_1/∂c_0 is without W."""
    h, c, other = sequence("h", n), sequence("c", n), sp.MatrixSymbol("V", n, n)
    pre = matadd(matmul(U, x[t]), matmul(W, h[t - 1]), matmul(other, c[t - 1]))
    model = Model({c[t]: f(pre), h[t]: c[t]}, loss=Loss.last(h), time=Time(1, sp.Symbol("T", integer=True)))
    general, first = model.jacobian(c[t], c[t - 1]), model.jacobian(c[1], c[0])
    assert general.conditions == ((2, "<=", t),)
    assert show(general.right) == "diag(f'(U x[t] + W h[t-1] + V c[t-1])) (W + V)"
    assert show(first.right) == "diag(f'(U x[1] + W h[0] + V c[0])) V"
    assert model.jacobian(c[t + 1], c[t]).conditions == ()
    assert model.jacobian(c[t], c[k - 1]).conditions == ((k - 1, "<=", t), (2, "<=", k))
    with pytest.raises(RuleError, match="other states are inputs"):
        model.jacobian(c[t], c[0])
