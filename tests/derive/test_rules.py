"""Every rule is seen to be right in numbers, and a planted wrong rule is seen to be caught."""

import pytest
import sympy as sp
from check import SIZES, check_derivation, check_equal
from numbers_of_formulas import World
from sympy.matrices.expressions.hadamard import HadamardPower

from derive.derivation import block, jacobian
from derive.errors import RuleError
from derive.language import nodes
from derive.language.build import diag, hadamard, is_zero, kron, matadd, matmul, negate, ones, sequence, transpose, vec
from derive.language.convolution import SLIDES, Convolution, correlate, flip
from derive.language.derivatives import Jacobian
from derive.language.functions import KINDS, elementwise, function
from derive.language.nodes import Elementwise, Norm, Scale, Softmax, TimeSum, Tr
from derive.language.shapes import axes
from derive.model import Loss, Model, Time
from derive.models.letters import STEPS, E, U, W, b, k, m, n, net, o, p, s, t, x, y, z
from derive.models.systems import Options, system, systems
from derive.recurrence import delta, gradient
from derive.rules import convolution, differential, entrywise, kronecker, logistic, pullback, rewriting, simplify
from derive.rules import elementwise as elementwise_rules
from derive.unroll import product_over_steps

A = sp.MatrixSymbol("A", n, n)
B = sp.MatrixSymbol("B", n, n)
Q = sp.MatrixSymbol("q", n, 1)
f, g = elementwise("f"), elementwise("g")
NO_EQUATIONS = Model({})
F = function("F", {"u": n, "A": (n, n), "W": (n, n)}, n)
M = function("M", {"A": (n, n), "B": (n, n)}, n, n)
C = function("C", {"u": n, "v": n}, n)
S = function("S", {"W": (n, n), "u": n})
POWER = sp.Basic.__new__(HadamardPower, f(matmul(W, b)), sp.Integer(3))

# One formula in W (and b) for each rule of the forward table.
FORWARD = {
    "d_sum": matadd(matmul(W, b), matmul(A, W, b), b),
    "d_product": matmul(A, W, b),
    "d_product, the parameter twice": matmul(W, A, W, b),
    "d_product, matrix": matmul(A, W, B),
    "d_transpose": matmul(transpose(W), b),
    "d_transpose, matrix": transpose(matmul(A, W)),
    "d_hadamard": hadamard(matmul(W, b), f(matmul(W, b)), b),
    "d_hadamard, matrix": hadamard(W, matmul(W, A)),
    "d_hadamard_power": POWER,
    "d_elementwise": f(matmul(W, g(matmul(W, b)))),
    "d_elementwise, matrix": f(matmul(A, W)),
    "d_application": F(matmul(W, b), A, W),
    "d_application, matrix": M(matmul(A, W), f(W)),
    "d_softmax": Softmax(matmul(W, b)),
    "d_scale": Scale(matmul(transpose(b), W, b), matmul(W, b)),
    "d_scale, matrix": Scale(matmul(transpose(b), W, b), W),
    "d_trace": Tr(matmul(A, W, W)),
    "diag": matmul(A, diag(f(matmul(W, b))), b),
    "d_time_sum": matadd(b, matmul(W, W, b)),
}


@pytest.mark.parametrize("order", ["column", "row"])
@pytest.mark.parametrize("name", FORWARD)
def test_jacobians_are_right_in_both_vec_orders(name, order):
    """∂vec F/∂vec W by rule = the change of vec F along every entry of W."""
    what = FORWARD[name]
    what = what if 1 in what.shape else vec(what, order)
    check_derivation(jacobian(NO_EQUATIONS, what, vec(W, order)))


def test_every_forward_rule_is_used_by_a_case():
    """The table above walks the whole table of rules."""
    used = set()
    for what in FORWARD.values():
        what = what if 1 in what.shape else vec(what)
        used |= {name for one in jacobian(NO_EQUATIONS, what, vec(W)).steps for name in one.names}
    summed = TimeSum(matmul(W, Q), k, sp.Integer(1), t)
    used |= {name for one in jacobian(Model({s[t]: matmul(W, s[t - 1])}), summed, vec(W)).steps for name in one.names}
    assert {rule.__name__ for rule in differential.RULES.values()} <= used | {"d_product"}


L, R_P = sp.MatrixSymbol("L", m, m), sp.MatrixSymbol("R", p, p)


def slid_both_ways(kind):
    """‖W over L‖² + ‖R over f(W)‖²: W is the input of one, in the kernel of the other."""
    return matadd(*(Tr(matmul(transpose(y), y)) for y in (Convolution(kind, W, L), Convolution(kind, R_P, f(W)))))


# One scalar formula in W for each rule of the backward table.
BACKWARD = {
    "pull_sum": matmul(transpose(b), matadd(W, matmul(A, W)), b),
    "pull_product": matmul(transpose(b), W, A, W, b),
    "pull_transpose": matmul(transpose(b), transpose(W), A, b),
    "pull_hadamard": matmul(ones(1, n), hadamard(W, matmul(A, W), B), b),
    "pull_hadamard_power": matmul(ones(1, n), POWER),
    "pull_elementwise": matmul(transpose(b), f(matmul(W, g(matmul(W, b))))),
    "pull_elementwise, matrix": matmul(transpose(b), f(matmul(A, W)), b),
    "pull_application": matmul(transpose(b), C(matmul(W, b), f(matmul(W, Q)))),
    "pull_application, scalar": S(W, matmul(A, W, b)),
    "pull_softmax": matmul(transpose(b), Softmax(matmul(W, b))),
    "pull_scale": matmul(transpose(b), Scale(matmul(transpose(b), W, b), matmul(W, b))),
    "pull_trace": Tr(matmul(A, W, B, W)),
    "pull_flip": Tr(matmul(A, flip(matmul(W, f(W))))),
    **{rule.__name__: slid_both_ways(kind) for kind, rule in convolution.PULLS.items()},
    "log": matmul(transpose(b), Elementwise("\\log", "log", 0, Softmax(matmul(W, b)))),
}


@pytest.mark.parametrize("name", BACKWARD)
def test_gradients_are_right(name):
    """∂E/∂W by rule = the change of E along every entry of W."""
    check_derivation(gradient(Model({E: BACKWARD[name]}), W))


def test_every_backward_rule_is_used_by_a_case():
    """The table above walks the whole table of pullbacks; diag alone refuses."""
    used = {
        name for formula in BACKWARD.values() for one in gradient(Model({E: formula}), W).steps for name in one.names
    }
    rules = {rule.__name__ for rule in (*pullback.RULES.values(), *convolution.PULLS.values())}
    assert rules - {"pull_diag"} <= used
    assert set(convolution.PULLS) == set(SLIDES)


def test_block_form_follows_products():
    """[∂(A W B)/∂w_ij] = (I ⊗ A) vec(I) vec(I)ᵀ (I ⊗ B)."""
    check_derivation(block(NO_EQUATIONS, matmul(A, W, B), W))
    check_derivation(block(NO_EQUATIONS, U, U))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"relu"}))
def test_known_derivatives(kind):
    """f'(z) = its formula, at positive and at mixed arguments where the function allows."""
    world = World(NO_EQUATIONS, {}, SIZES)
    argument = b if kind in ("log", "sqrt") else matadd(b, negate(matmul(A, b)))
    argument = hadamard(argument, argument) if kind in ("log", "sqrt") else argument
    applied = elementwise("f", kind)(argument)
    right = elementwise_rules.derivative_rule(kind)(applied, argument)
    check_equal(elementwise("f", kind).prime(argument), right, world, kind)


# --- simplification ----------------------------------------------------------------------------------------------

I_N, ZERO = sp.Identity(n), sp.ZeroMatrix(n, n)
INVERSE = Elementwise("reciprocal", "reciprocal", 0, b)
SIGMA = elementwise("\\sigma", "sigmoid")
SWISH = elementwise("swish", value=lambda v: hadamard(v, SIGMA(v)))
ONE_LESS_B, ONE_LESS_Q = (matadd(ones(n, 1), negate(v)) for v in (b, Q))
TIDY = {
    "zero_product": matmul(A, ZERO),
    "zero_sum": matadd(A, ZERO),
    "written_out": elementwise("log", "log").prime(hadamard(b, b)),
    "own_rule": SWISH.prime(hadamard(b, b)),
    "diag_of_ones": diag(ones(n, 1)),
    "ones_hadamard": hadamard(ones(n, 1), b),
    "scalar_one": Scale(sp.Identity(1), A),
    "transpose_of_symmetric": sp.Basic.__new__(sp.Transpose, diag(b)),
    "transpose_of_ones": sp.Basic.__new__(sp.Transpose, ones(1, n)),
    "transpose_of_product": transpose(matmul(sp.Integer(3), A, B)),
    "transpose_of_sum": transpose(matadd(A, negate(B))),
    "transpose_of_kronecker": transpose(kron(A, U)),
    "transpose_of_time_sum": transpose(TimeSum(matmul(s[k], transpose(s[k])), k, sp.Integer(1), t)),
    "transpose_of_scaled": transpose(Scale(matmul(transpose(b), b), A)),
    "vec_of_column": vec(b),
    "identity_factor": matmul(sp.Integer(2), I_N, A),
    "kronecker_identity_factor": matmul(kron(I_N, I_N), kron(A, B)),
    "diag_of_product": matmul(diag(INVERSE), b),
    "distribute_cancelling": matmul(matadd(A, B), hadamard(INVERSE, matmul(A, b))),
    "reciprocal_cancels": matmul(diag(b), hadamard(INVERSE, matmul(A, b))),
    "collect_equal_terms": matadd(matmul(sp.Rational(1, 2), A), A, B),
    "common_factor": matadd(matmul(A, B), matmul(B, A), matmul(sp.Integer(-1), A, W)),
    "complements": matadd(matmul(3, hadamard(b, ONE_LESS_Q)), A * b, matmul(-3, hadamard(ONE_LESS_B, Q))),
    "positive_first": matadd(negate(A), B),
}


def test_every_tidying_rule_has_a_case():
    """The cases walk the whole list."""
    assert set(TIDY) == {rule.__name__ for rule in simplify.RULES}


@pytest.mark.parametrize("name", TIDY)
def test_tidying_keeps_the_value(name):
    """What a rule returns equals what it was given, and differs in form."""
    rule = next(rule for rule in simplify.RULES if rule.__name__ == name)
    found = rule(TIDY[name])
    assert found is not None
    assert found != TIDY[name]
    model = Model({s[t]: f(s[t - 1])}, time=STEPS)
    check_equal(TIDY[name], found, World(model, {t: sp.Integer(3)}, SIZES), name)


def test_complements_that_do_not_match_stay():
    """A ⊙ (1 - B) - (1 - A) ⊙ B = A - B needs both signs and both pairs."""
    left, right = hadamard(b, ONE_LESS_Q), hadamard(ONE_LESS_B, Q)
    assert simplify.complements(matadd(left, right)) is None
    assert simplify.complements(matadd(left, negate(left))) is None
    assert simplify.complements(matadd(left, negate(hadamard(ONE_LESS_Q, Q)))) is None


LOGISTIC = {
    "1/o": lambda v, rest: hadamard(reciprocal(v), Q),
    "1/(1 - o)": lambda v, rest: hadamard(reciprocal(rest), Q),
    "both, with a number and a scalar": lambda v, rest: matadd(
        matmul(-1, hadamard(reciprocal(v), matmul(Q, MU))), matmul(3, hadamard(reciprocal(rest), ONE_LESS_Q))
    ),
}
MU = sp.MatrixSymbol("mu", 1, 1)


def reciprocal(value):
    return Elementwise("reciprocal", "reciprocal", 0, value)


@pytest.mark.parametrize("name", LOGISTIC)
@pytest.mark.parametrize("is_named", [False, True])
def test_the_slope_of_a_sigmoid_cancels(name, is_named):
    """diag σ'(z) (1/o ⊙ u) = (1 - o) ⊙ u, for o = σ(z) by its name and without one."""
    o_t, z_t = sequence("o", n), sequence("z", n)
    model = Model({o_t[t]: SIGMA(z_t[t])}, time=STEPS)
    value = o_t[k] if is_named else SIGMA(z_t[k])
    before = matmul(diag(SIGMA.prime(z_t[k])), LOGISTIC[name](value, logistic.complement_of(value)))
    after = logistic.slope_of_sigmoid(model, before)
    assert not after.has(Elementwise) if is_named else all(node.order == 0 for node in after.atoms(Elementwise))
    check_equal(before, after, World(model, {t: sp.Integer(3), k: sp.Integer(2)}, SIZES), name)


def test_the_slope_of_a_sigmoid_stays_beside_anything_else():
    """Another argument, another function, a term without a reciprocal."""
    value = SIGMA(b)
    right = hadamard(reciprocal(value), Q)
    for slope, column in (
        (SIGMA.prime(Q), right),
        (elementwise("tanh", "tanh").prime(b), right),
        (SIGMA.prime(b), matadd(right, Q)),
        (SIGMA.prime(b), hadamard(reciprocal(Q), Q)),
    ):
        assert logistic.slope_of_sigmoid(NO_EQUATIONS, matmul(diag(slope), column)) is None


ENTRYWISE = {
    "of_place": lambda v: v,
    "of_constant": lambda v: ones(*v.shape),
    "of_sum": lambda v: matadd(hadamard(v, v), v, ones(*v.shape)),
    "of_multiple": lambda v: matmul(-3, SIGMA(v)),
    "of_hadamard": lambda v: hadamard(v, SIGMA(v), elementwise("exp", "exp")(v)),
    "of_power": lambda v: sp.Basic.__new__(HadamardPower, matadd(v, ones(*v.shape)), sp.Integer(4)),
    "of_function": lambda v: elementwise("g", "gelu")(elementwise("tanh", "tanh")(matmul(2, v))),
}


@pytest.mark.parametrize("name", ENTRYWISE)
@pytest.mark.parametrize("argument", [b, A], ids=["column", "matrix"])
def test_derivatives_entry_by_entry(name, argument):
    """f' of a function of one's own is the complex step through its value."""
    own = elementwise("own", value=ENTRYWISE[name]).prime(argument)
    check_equal(own, entrywise.own_rule(own), World(NO_EQUATIONS, {}, SIZES), name)


def test_every_rule_entry_by_entry_has_a_case():
    assert {rule.__name__ for rule in entrywise.RULES.values()} == set(ENTRYWISE)


def test_a_planted_wrong_rule_entry_by_entry_is_caught(monkeypatch):
    """(f ⊙ g)' without its second term."""
    monkeypatch.setitem(entrywise.RULES, sp.matrices.expressions.hadamard.HadamardProduct, lambda v: v)
    with pytest.raises(AssertionError):
        test_derivatives_entry_by_entry("of_hadamard", b)


def test_what_has_no_rule_entry_by_entry_is_named():
    with pytest.raises(RuleError, match=r"no rule says what the derivative of W b is entry by entry"):
        entrywise.entrywise_derivative(diag(matmul(W, b)).vector)


def test_inner_reciprocal_cancels():
    """pᵀ (1/p ⊙ y) = 1ᵀ y."""
    before = matmul(transpose(b), hadamard(INVERSE, matmul(A, b)))
    after = simplify.reciprocal_cancels(before)
    assert after == matmul(ones(1, n), hadamard(matmul(A, b)))
    check_equal(before, after, World(NO_EQUATIONS, {}, SIZES))


def test_sum_one_is_of_its_target_alone():
    """1ᵀ y = 1 rewrites 1ᵀ y, not 1ᵀ z."""
    rule = simplify.sum_one_rule(y[k])
    assert rule(matmul(o[k], ones(1, p), y[k])) == o[k]
    assert rule(matmul(o[k], ones(1, p), z[k])) is None


# --- planted errors ----------------------------------------------------------------------------------------------


def _swapped(left, middle, right, order, true=kronecker.sandwich):
    return true(left, middle, right, "row" if order == "column" else "column")


def _planted(table, kind, wrong):
    return lambda patch: patch.setitem(table, kind, wrong)


def d_elementwise_without_prime(setting, node):
    """d f(v) = diag f(v) dv, which is wrong."""
    applied = node.what
    return matmul(diag(applied), setting.of(type(node), applied.argument))


def d_sum_first(setting, node):
    """d(A + B) = dA, which is wrong."""
    return setting.of(type(node), next(term for term in node.what.args if setting.depends(term)))


def pull_product_untransposed(node, c):
    """Y = A X: ∂E/∂X = A ∂E/∂Y, which is wrong."""
    return [(node.args[0], matmul(c, transpose(node.args[1]))), (node.args[1], matmul(node.args[0], c))]


def pull_elementwise_without_prime(node, c):
    """Y = f(V): ∂E/∂V = f(V) ⊙ ∂E/∂Y, which is wrong."""
    return [(node.argument, hadamard(node, c))]


PLANTED = {
    "d_elementwise": (_planted(differential.RULES, nodes.Elementwise, d_elementwise_without_prime), "2.2c"),
    "d_sum": (_planted(differential.RULES, sp.MatAdd, d_sum_first), "d_sum"),
    "sandwich": (lambda patch: patch.setattr(kronecker, "sandwich", _swapped), "K2"),
    "pull_product": (_planted(pullback.RULES, sp.MatMul, pull_product_untransposed), "2.3"),
    "pull_elementwise": (_planted(pullback.RULES, nodes.Elementwise, pull_elementwise_without_prime), "2.3"),
    "softmax": (lambda patch: patch.setattr(pullback, "softmax_jacobian", diag), "2.10u"),
    "block": (lambda patch: patch.setattr(kronecker, "block_self", lambda node: kron(I_N, I_N)), "K4"),
    "transpose": (
        lambda patch: patch.setattr(
            simplify,
            "RULES",
            (transpose_keeps_order, *(r for r in simplify.RULES if r is not simplify.transpose_of_product)),
        ),
        "2.2c denominator",
    ),
}


def transpose_keeps_order(node):
    """(A B)ᵀ = Aᵀ Bᵀ, which is wrong."""
    if isinstance(node, sp.Transpose) and isinstance(node.args[0], sp.MatMul):
        return matmul(*(transpose(factor) for factor in node.args[0].args))
    return None


def _asked(id):
    """The derivation of the rnn (or of softmax with cross-entropy) that a planted rule takes part in."""
    if id == "d_sum":
        return jacobian(NO_EQUATIONS, FORWARD[id], vec(W)).named(id)
    chosen = system("softmax cross-entropy") if id == "2.10u" else system("rnn")
    one = next(q for q in chosen.asked if q.id == id.split()[0])
    return one.ask(chosen.model, Options("denominator" if "denominator" in id else "numerator")).named(id)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_wrong_rule_is_caught(name, monkeypatch):
    """Right before; with the wrong rule either the axes break or the numbers differ."""
    plant, id = PLANTED[name]
    check_derivation(_asked(id), last=3)
    plant(monkeypatch)
    if name == "transpose":  # a default argument was bound when the function was made
        monkeypatch.setattr("derive.derivation.simplified", lambda e: simplify.simplified(e, simplify.RULES))
    with pytest.raises((AssertionError, RuleError)):
        check_derivation(_asked(id), last=3)


def test_a_wrong_shape_names_the_rule():
    """The engine asserts the axes after every rule."""

    def turned(node):
        """A = Aᵀ."""
        return transpose(node) if node == U else None

    with pytest.raises(RuleError, match=r"the rule turned turned U \(n×m\) into Uᵀ \(m×n\)"):
        rewriting.everywhere(turned, U)


def test_a_rule_without_a_theorem_is_refused():
    """A rule says in its docstring what it does."""
    with pytest.raises(RuleError, match="states no theorem"):
        rewriting.theorem(lambda node: node)


def test_every_rule_states_its_theorem():
    """All rules of all tables have a first line with an equation in it."""
    rules = [
        *differential.RULES.values(),
        *convolution.PULLS.values(),
        *pullback.RULES.values(),
        *simplify.RULES,
        *entrywise.RULES.values(),
        logistic.slope_of_sigmoid,
        *elementwise_rules.FORMULAS.values(),
    ]
    for rule in rules:
        line = rewriting.theorem(rule)
        assert "=" in line or rule.__name__ in ("pull_diag", "relu_prime"), rule.__name__


# --- refusals ----------------------------------------------------------------------------------------------------


def test_a_node_without_a_rule_is_named():
    """RuleError names the node and the formula."""
    with pytest.raises(RuleError, match=r"no rule for the derivative of Norm: ‖W‖"):
        jacobian(NO_EQUATIONS, Norm(W), vec(W))
    with pytest.raises(RuleError, match=r"no rule for the gradient through Norm: ‖W‖"):
        gradient(Model({E: Norm(W)}), W)
    with pytest.raises(RuleError, match=r"write diag\(v\) u as v ⊙ u"):
        gradient(Model({E: Tr(diag(matmul(W, b)))}), W)


def test_the_jacobian_of_a_convolution_is_refused():
    """It is a band matrix, for which the language has no name; the gradient is a convolution again."""
    slid = correlate(sp.MatrixSymbol("v", p, 1), b)
    with pytest.raises(RuleError, match=r"no rule for the derivative of Convolution: correlate\(v, b\)"):
        jacobian(NO_EQUATIONS, slid, b)


def test_a_wrong_rule_for_a_kernel_is_caught(monkeypatch):
    """correlate(X, c) without its flip is not the gradient by the kernel of convolve."""
    right = convolution.pull_convolve

    def wrong(node, c):
        """Y = convolve(X, K): ∂E/∂K = correlate(X, ∂E/∂Y)."""
        return [right(node, c)[0], (node.kernel, correlate(node.source, c))]

    monkeypatch.setitem(convolution.PULLS, "convolve", wrong)
    with pytest.raises(AssertionError, match="is not"):
        check_derivation(gradient(Model({E: BACKWARD["pull_convolve"]}), W))


def test_time_backwards_is_refused():
    """A bidirectional equation has no forward chain."""
    model = Model({net[t]: matadd(matmul(W, s[t + 1]), matmul(U, x[t])), s[t]: f(net[t])}, time=STEPS)
    with pytest.raises(RuleError, match=r"Net\[t\] reads the later s\[t\+1\]"):
        jacobian(model, net[t], net[t + 1])


def test_several_states_have_no_plain_product():
    """s and c both carry the past: ∂s_t/∂s_k is no product of single steps."""
    a, d = s, sequence("d", n)
    model = Model({a[t]: f(matadd(matmul(W, a[t - 1]), d[t - 1])), d[t]: g(matadd(a[t], d[t - 1]))}, time=STEPS)
    with pytest.raises(RuleError, match="the state has several families"):
        product_over_steps(model, a[t], a[k])


def test_an_unnamed_gradient_and_a_missing_loss_are_refused():
    """delta needs a named family; gradient a loss."""
    with pytest.raises(RuleError, match=r"the gradient by s\[t\] has no name; named are those by"):
        delta(system("rnn").model, s[t])
    with pytest.raises(RuleError, match="the model has 0 losses"):
        gradient(Model({s[t]: f(s[t - 1])}), W)


def test_a_taken_name_is_refused():
    """A parameter called δ is no gradient: another letter is chosen, and δ refused where it is asked for."""
    taken = sp.MatrixSymbol("\\delta", n, 1)
    model = Model(
        {net[t]: matadd(matmul(W, s[t - 1]), taken), s[t]: f(net[t]), E: matmul(transpose(s[t]), Q)}, time=STEPS
    )
    assert delta(model, net[t - 1]).left.name == "\\Delta"
    with pytest.raises(RuleError, match="already stands for something else"):
        _ = delta(model, net[t - 1], names={net[t].name: "\\delta"}).model_with_definitions


def test_every_system_is_listed():
    """The registry is what the completeness test walks."""
    assert {"rnn", "dense", "layers", "softmax", "tanh"} <= set(systems())


# --- unknown functions of several arguments ----------------------------------------------------------------------


def test_a_total_derivative_follows_all_arguments_and_a_slot_holds_the_others():
    """∂h_t/∂w = ∂_wF + ∂_hF ∂h_{t-1}/∂w; ∂E/∂w = Σ (∂_wF)ᵀ δ_k; Π ∂_hF between two steps."""
    w = sp.MatrixSymbol("w", p, 1)
    step = function("G", {"x": m, "h": n, "w": p}, n)
    model = Model({s[t]: step(x[t], s[t - 1], w)}, loss=Loss.last(s), time=Time(1, t))
    check_derivation(jacobian(model, s[t], w))
    check_derivation(gradient(model, w))
    check_derivation(delta(model, s[k], names={"s": "\\delta"}))
    check_derivation(jacobian(model, s[t], s[k]))


def test_a_matrix_argument_has_no_gradient_through_a_vector():
    with pytest.raises(RuleError, match="one of them is a matrix"):
        gradient(Model({E: matmul(transpose(b), F(b, A, W))}), W)


R, Y = sp.MatrixSymbol("R", n, m), sp.MatrixSymbol("Y", n, m)


@pytest.mark.parametrize("what", [vec(R), kron(Q, sp.MatrixSymbol("r", m, 1)), matadd(vec(Y), negate(vec(Y)))])
def test_zero_keeps_the_order_of_an_axis_that_is_a_product(what):
    """∂vec(R)/∂vec(Y) = 0 has n·m columns in the order of vec, which SymPy's 0 cannot say."""
    found = jacobian(NO_EQUATIONS, what, vec(Y))
    assert is_zero(found.right)
    assert axes(found.right) == axes(Jacobian(what, vec(Y)))
