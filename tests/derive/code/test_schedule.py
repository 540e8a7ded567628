"""What generated code computes where: hoisted sums, loops, places in common, calls in common."""

import ast
from functools import cache

import pytest

from derive.code.lowering import Unsupported
from derive.code.numpy import numpy_source
from derive.code.passes import Passes
from derive.code.plan import At
from derive.code.program import program_of
from derive.code.resolved import resolved
from derive.code.values import Number, Read, add, number, product, scaled, shifted, times, total
from derive.errors import BackproofError
from derive.language.build import hadamard, matadd, matmul, sequence
from derive.language.functions import elementwise
from derive.model import Equation, Loss, Model
from derive.models.letters import U, W, m, n, net, s, t, x
from derive.models.registry import System
from derive.models.systems import system, systems
from derive.printed import printed


@cache
def passes(name, **choices):
    """Both passes of a system, planned."""
    return Passes(resolved(program_of(system(name, **choices))))


def calls(packs):
    """The operations of calls, each with how many instructions it stands for."""
    return [(pack.first.op, len(pack.instructions)) for pack in packs]


def test_a_step_of_the_recurrent_network_is_three_calls():
    """W s_{t-1}, + (U x_t + b), tanh; backwards + e_t, ⊙ f', Wᵀ δ."""
    found = passes("rnn", bias=True)
    assert calls(found.forward_layout.inside[0]) == [("products", 1), ("add", 1), ("tanh", 1)]
    assert calls(found.backward_layout.inside[0]) == [("add", 1), ("multiply", 1), ("products", 1)]


def test_a_step_of_the_lstm_is_nine_calls():
    """Four gates share one product, one sum, one tanh; three a ½ · and a ½ +; f ⊙ c and i ⊙ g are one product."""
    found = calls(passes("lstm").forward_layout.inside[0])
    assert found == [
        ("products", 4),
        ("add", 4),
        ("tanh", 4),
        ("multiply", 3),
        ("add", 3),
        ("multiply", 2),
        ("add", 1),
        ("tanh", 1),
        ("multiply", 1),
    ]


def test_the_products_of_all_gates_come_back_as_one():
    """Σ_a W_aᵀ δ^a of the LSTM is one product of neighbouring δ's."""
    last = passes("lstm").backward_layout.inside[0][-1].first
    assert (last.op, len(last.factors)) == ("products", 4)


def test_what_does_not_depend_on_the_loop_is_computed_before_it():
    """U x_t + b of all steps; backwards the coefficients of the δ's."""
    found = passes("rnn", bias=True)
    assert calls(found.forward_layout.before[0]) == [("products", 1), ("add", 1)]
    assert [op for op, _ in calls(found.backward_layout.before[0])] == ["multiply", "subtract"]


def test_layers_have_a_loop_each():
    """The second layer's U s^1_t is one product for all steps, between the loops."""
    first, second = passes("stacked").forward
    assert (first.step, second.step) == (1, 1)
    assert second.before[0].op == "products"
    assert second.before[0].operands[0].variable.name == "s^{1}"


def test_a_state_that_runs_backwards_has_a_loop_that_does():
    """r_t of a bidirectional network reads r_{t+1}."""
    assert sorted(phase.step for phase in passes("bidirectional").forward) == [-1, 0, 1]
    assert sorted(phase.step for phase in passes("bidirectional").backward) == [-1, 0, 1]


def test_values_are_computed_in_place():
    """U x_t + b, Net_t and s_t are in one place; so are the slope of f and δ_t."""
    found = passes("rnn", bias=True)
    homes = [home for home in found.forward_layout.homes.made() if home.stored]
    (first, *_) = ([one.name.partition(" ")[2] or one.name for one in home.variables] for home in homes)
    assert [name for name in first if name != "part"] == ["\\mathrm{Net}", "s"]
    (delta,) = [home for home in found.backward_layout.homes.made() if home.stored and len(home.variables) > 2]
    assert delta.variables[-1].name == "\\delta"


@pytest.mark.parametrize("name", ["lstm", "gru", "stacked", "layer norm", "jordan"])
def test_calls_stand_in_an_order_that_keeps_what_they_read(name):
    """Every call comes after what it reads was written, and before that is written over."""
    for layout, phases in ((p.forward_layout, p.forward) for p in [passes(name)]):
        for packs, instructions in ((layout.inside[k], phase.inside) for k, phase in enumerate(phases)):
            order = [one for pack in packs for one in pack.instructions]
            assert len(order) == len(instructions)
            written = {}
            for place, one in enumerate(instructions):
                written.setdefault(one.target, []).append(place)
            for one in order:
                for operand in one.operands:
                    if isinstance(operand, At) and operand.shift == 0 and operand.variable in written:
                        before = [i for i in written[operand.variable] if instructions[i] is not one]
                        done = [order.index(instructions[i]) for i in before if i < instructions.index(one)]
                        assert all(place < order.index(one) for place in done)


# --- values ------------------------------------------------------------------------------------------------------


def test_equal_values_are_written_alike():
    """a + (b + c) is a + b + c, 2 (3 a) is 6 a, (a ⊙ 2b) is 2 (a ⊙ b), A (2 v) is 2 (A v), 1ᵀ (2 v) is 2 (1ᵀ v)."""
    a, b, c = (Read(n, name) for name in "abc")
    assert add(a, add(b, c)) == add(add(a, b), c)
    assert scaled(2, scaled(3, a)) == scaled(6, a)
    assert times(a, scaled(2, b)) == scaled(2, times(a, b))
    assert product("A", False, scaled(2, a), m) == scaled(2, product("A", False, a, m))
    assert total(scaled(2, a)) == scaled(2, total(a))
    assert times(a, number(0, n)) == Number(n, 0)
    assert shifted(add(a, times(a, b)), 1) == add(shifted(a, 1), times(shifted(a, 1), shifted(b, 1)))


def test_a_sigmoid_is_a_tanh_of_the_half():
    """σ(v) = ½ + ½ tanh(v/2): the parameters of the gates are halved, so no sigmoid and no v/2 is left."""
    program = resolved(program_of(system("gru")))
    kinds = {one.op for phase in Passes(program).forward for one in (*phase.before, *phase.inside)}
    assert "tanh" in kinds
    assert "sigmoid" not in kinds
    source = numpy_source(system("gru"))
    assert "0.5 * U_r" in source
    assert "0.5 * U_n" not in source


# --- the text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*systems()])
def test_a_module_stands_alone(name):
    """NumPy and the standard library only; no line is long; the same bytes again."""
    source = numpy_source(system(name))
    tree = ast.parse(source)
    imported = {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"numpy", "math", "itertools", "concurrent.futures"}
    assert max(map(len, source.splitlines())) <= 160
    assert source == numpy_source(system(name))


def test_nothing_is_allocated_in_a_loop():
    """A step calls functions into places that exist: no operator, no np.empty, no index."""
    tree = ast.parse(numpy_source(system("lstm")))
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For) and "zip" in ast.dump(node.iter)]
    steps = [loop for loop in loops if isinstance(loop.target, ast.Tuple) and len(loop.target.elts) > 4]
    assert len(steps) == 4
    for node in (inner for loop in steps for line in loop.body for inner in ast.walk(line)):
        assert not isinstance(node, ast.BinOp)
        if isinstance(node, ast.Subscript):
            assert ast.unparse(node.slice) == "..."


def test_the_formulas_stand_in_the_code():
    """Every family's formula and every gradient's is a comment where it is computed."""
    source = numpy_source(system("lstm"))
    for formula in ("# c[t] = f[t] ⊙ c[t-1] + i[t] ⊙ g[t]", "# ∂E/∂W_f = Σ_{k=1..t} δ^f[k] h[k-1]ᵀ"):
        assert source.count(formula) == 2  # for one sample, and for many


# --- what has no code --------------------------------------------------------------------------------------------


def own(equations):
    """A system of one's own."""
    return System("own", "own", Model([Equation(left, right, t) for left, right in equations.items()], Loss.every(s)))


f = elementwise("f", "tanh")
REFUSED = {
    "an input of another step": ({net[t]: matmul(U, x[t - 1]), s[t]: f(net[t])}, "not read at its own step"),
    "two steps back": ({net[t]: matadd(matmul(U, x[t]), matmul(W, s[t - 2])), s[t]: f(net[t])}, "more than one step"),
}


@pytest.mark.parametrize(("equations", "said"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_form_is_refused_by_name(equations, said):
    """With the formula, and why."""
    with pytest.raises(Unsupported, match=said):
        numpy_source(own(equations))


def test_memory_is_saved_only_where_states_run_forwards():
    """A state that runs backwards has no segments; nor has a loss that a formula gives."""
    with pytest.raises(Unsupported, match="run forwards"):
        numpy_source(system("bidirectional"), "sqrt")
    with pytest.raises(Unsupported, match="loss"):
        numpy_source(system("rnn", loss="outputs"), "sqrt")
    with pytest.raises(Unsupported, match="segments"):
        numpy_source(system("convolution"), "sqrt")


def test_options_of_formulas_do_not_go_with_code():
    """All gradients of a batch are computed anyway."""
    with pytest.raises(BackproofError, match="--wrt"):
        printed(system("rnn"), form="numpy", wrt=["W"])
    with pytest.raises(BackproofError, match="--as numpy"):
        printed(system("rnn"), memory="sqrt")


def test_a_cell_that_reads_its_own_value_twice():
    """u_t = tanh(a_t) ⊙ a_t, whose factor tanh(a_t) is kept for the way back."""
    a = sequence("a", n)
    equations = {a[t]: matadd(matmul(U, x[t]), matmul(W, s[t - 1])), s[t]: hadamard(f(a[t]), a[t])}
    source = numpy_source(own(equations))
    assert source.count("tanh(") == 2  # one for one sample, one for many: not again on the way back
