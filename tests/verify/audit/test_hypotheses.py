"""The lines of backpropagation, their values, their single slips, and what counts as an explanation."""

import numpy as np
import pytest
import sympy as sp

from derive.errors import BackproofError
from derive.language.nodes import Power
from derive.models.systems import system
from derive.naming import states
from verify.audit.backward_formulas import Line, formulas
from verify.audit.edited_lines import abstract, edits_of_line, gates_of, merged, together
from verify.audit.evaluation import BUILDERS, Unsupported, compiled
from verify.audit.formula_run import Run
from verify.audit.guess import Guess
from verify.audit.hypotheses import RANKS, explained, of_lines
from verify.audit.models import model
from verify.audit.one_gradient import guesses
from verify.audit.problem import Problem
from verify.audit.slips_of_code import OF_CODE, ORDER, kinds
from verify.audit.truth_lines import lines_of
from verify.slips import KINDS

SIZES = ({"T": 4, "B": 2, "m": 3, "n": 5, "p": 6}, {"T": 5, "B": 3, "m": 4, "n": 7, "p": 6})
KNOWN = (
    ("rnn", {}),
    ("rnn", {"activation": "relu", "bias": False}),
    ("rnn", {"output": "identity"}),
    ("rnn", {"output": "softmax"}),
    ("lstm", {}),
    ("lstm", {"peepholes": True}),
    ("lstm", {"coupled": True}),
    ("gru", {}),
    ("gru", {"reset": "before", "update": "1-z"}),
    ("residual", {}),
    ("jordan", {}),
    ("layer norm", {}),
)


def drawn(truth, number=0):
    sizes = {letter: size for letter, size in SIZES[number].items() if letter in truth.letters}
    return truth.instance(truth.sizes(number, sizes), number)


def lines(name, expanded=False):
    built = {"rnn": {"bias": True, "activation": "tanh"}}.get(name, {})
    made, outputs = system(name, **built).model, {"rnn": ("s",), "lstm": ("h", "c"), "gru": ("h",)}[name]
    return formulas(made.forward, outputs, made.time, expanded)


# --- lines and their values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "choices"), KNOWN)
def test_the_lines_of_a_truth_give_its_gradients_both_ways(name, choices):
    """As code computes them and multiplied out, to rounding, on an instance of other sizes than they were found at."""
    truth = model(name, choices)
    found = lines_of(truth, drawn(truth))
    assert found is not None
    instance = drawn(truth, 1)
    expected = truth.run(instance.inputs, instance.cotangents)
    for of in (found.plain, found.expanded):
        run = Run(of, instance.inputs, instance.cotangents)
        assert set(run.keys) == set(instance.inputs)
        for key in run.keys:
            assert np.abs(run.gradient(key) - expected[key]).max() <= 1e-13 * max(1, np.abs(expected[key]).max())


def test_the_lines_of_another_model_are_not_taken():
    """The GRU's variants read the same inputs: each is told by its numbers, and the others are its variants."""
    truth = model("gru", {"reset": "before"})
    found = lines_of(truth, drawn(truth))
    assert found is not None
    assert "gru(bias, update=1-z, reset=before)" in found.variants
    assert "gru(bias, update=z, reset=before)" not in found.variants
    assert lines_of(model("convolution"), model("convolution").instance(model("convolution").sizes(0), 0)) is None


def test_the_lines_say_what_code_computes():
    rnn = lines("rnn")
    assert [line.text for line in rnn.adjoints.values()] == ["δ[k] = diag(f'(Net[k])) s̄[k]", "s̄[k] = e[k] + Wᵀ δ[k+1]"]
    assert lines("rnn", True).adjoints["\\delta"].text == ("δ[k] = diag(f'(Net[k])) e[k] + diag(f'(Net[k])) Wᵀ δ[k+1]")
    assert rnn.legend([rnn.adjoints["\\delta"]]) == "δ[k] = ∂E/∂Net[k], s̄[k] = ∂E/∂s[k], f = tanh"
    assert rnn.reached["\\delta"] == {"\\delta", "\\bar{s}", "U", "W", "b", "x", "s0"}
    assert rnn.reached["W"] == {"W"}


def test_an_unknown_output_is_refused():
    made = system("rnn").model
    with pytest.raises(BackproofError, match="no output q"):
        formulas(made.forward, ("q",), made.time)


def test_a_node_without_a_value_is_refused():
    n = sp.Symbol("n", integer=True, positive=True)
    with pytest.raises(Unsupported, match="Power"):
        compiled(Power(sp.MatrixSymbol("A", n, n), sp.Integer(2)))
    assert sp.MatMul in BUILDERS


def test_lines_that_need_themselves_are_no_guess():
    """s̄[k] = e[k] + Wᵀ δ[k]: no program computes it, whatever the order of evaluation makes of it."""
    truth, of = model("rnn"), lines("rnn")
    edit = next(e for e in edits_of_line(of, "\\bar{s}") if e.words == "δ[k] in place of δ[k+1]")
    instance = drawn(truth)
    with pytest.raises(Unsupported, match="needs itself"):
        Run(of, instance.inputs, instance.cotangents, {edit.at: edit.term}).gradient("x")


def test_a_bound_holds_what_another_order_of_operations_gives():
    """The expanded lines round otherwise; every entry stays within the bound that the plain ones carry."""
    for name in ("rnn", "lstm", "gru"):
        truth = model(name)
        problem = problem_of(truth, drawn(truth), lambda gradients: gradients)
        other = {key: problem.expanded_run.gradient(key) for key in problem.keys}
        again = Problem(problem.instance, other, problem.formulas, problem.expanded)
        assert again.wrong == ()


# --- slips -------------------------------------------------------------------------------------------------------


def test_every_kind_of_slip_is_tried_and_makes_something():
    """No kind of the list is a dead letter, and no kind has no rank."""
    assert [name for name, _ in kinds()] == list(ORDER)
    assert set(OF_CODE) <= set(ORDER) <= {*KINDS, *OF_CODE}
    made = set()
    for name in ("rnn", "lstm", "gru"):
        for expanded in (False, True):
            of = lines(name, expanded)
            made |= {edit.kind for key in (*of.adjoints, *of.gradients) for edit in edits_of_line(of, key)}
    assert set(ORDER) <= made <= set(RANKS)


def test_a_line_has_its_slips():
    of = lines("rnn")
    found = {edit.words for edit in edits_of_line(of, "\\delta")}
    assert {
        "1 - s[k] in place of f'(Net[k])",
        "Net[k+1] in place of Net[k]",
        "f'(s[k]) in place of f'(Net[k])",
    } <= found
    found = {edit.words for edit in edits_of_line(of, "W")}
    assert {"only the last step is summed", "s[k] in place of s[k-1]"} <= found
    assert "the oldest term (k = 1) of the sum is missing" in found


def test_one_slip_in_every_gate_has_one_label():
    of = lines("lstm")
    assert gates_of(of.model) == ("i", "f", "g", "o")
    groups = together([edit for key in of.adjoints for edit in edits_of_line(of, key)])
    turned = next(g for g in groups if g[0].kind == "transpose" and len(g) == 4)
    changes, made = merged(turned)
    assert {edit.words for edit in made} == {f"W_{a} in place of W_{a}ᵀ" for a in "ifgo"}
    assert len(changes) == 4


def test_a_shift_of_the_step_is_taken_off_where_a_text_has_one_step():
    assert abstract("r[k+1] dropped", {}) == "r[k] dropped"
    assert abstract("δ[k] to δ[k+1]", {}) == "δ[k] to δ[k+1]"
    assert abstract("W_i δ^i[k]", {"W_i": "W_·", "δ^i": "δ^·"}) == "W_· δ^·[k]"


def test_two_edits_in_one_place_are_made_once():
    """z to 1 - z inside 1 - z would undo 1 - z to z."""
    of = lines("gru")
    groups = together([edit for key in of.adjoints for edit in edits_of_line(of, key)])
    group = next(g for g in groups if g[0].label.startswith("complement of z"))
    _, made = merged(group)
    assert [edit.words for edit in made] == ["1 - z[k+1] in place of z[k+1]", "z[k] in place of 1 - z[k]"]
    assert len(made) < len(group)


def test_a_term_that_is_missing_is_not_shown():
    line = lines("rnn").adjoints["\\bar{s}"]
    assert line.with_term(1, sp.ZeroMatrix(*line.left.shape)).text == "s̄[k] = e[k]"
    assert line.without_crossing().text == "s̄[k] = e[k]"
    assert Line(line.key, line.left, (sp.ZeroMatrix(*line.left.shape),)).text == "s̄[k] = 0"


# --- explanations ------------------------------------------------------------------------------------------------


def problem_of(truth, instance, change):
    """A function that gives changed gradients, on one instance."""
    found = lines_of(truth, instance)
    got = change(truth.run(instance.inputs, instance.cotangents))
    return Problem(instance, got, found.plain, found.expanded)


def problems_of(change, name="rnn"):
    truth = model(name)
    return [problem_of(truth, drawn(truth, number), change) for number in range(2)]


def test_one_instance_is_never_enough():
    problems = problems_of(lambda gradients: {**gradients, "W": -gradients["W"]})
    assert explained(problems[:1], 5) is None
    found = explained(problems, 5)
    assert found is not None
    assert found.words == "the gradient of W has the wrong sign"


def test_right_gradients_have_no_explanation():
    assert explained(problems_of(lambda gradients: gradients), 5) is None


def test_a_guess_must_give_the_right_entries_too():
    """-W̄ in the first row alone is not the wrong sign."""

    def first_row(gradients):
        changed = gradients["W"].copy()
        changed[0] = -changed[0]
        return {**gradients, "W": changed}

    found = explained(problems_of(first_row), 5)
    assert found is not None
    assert found.words == "the gradient of W is multiplied by -1 in the row 0"


def test_every_slip_of_a_line_of_the_rnn_is_explained_by_it_or_by_one_that_gives_the_same():
    """The mutants' closed loop: a function that computes an edited line is explained, whatever the edit."""
    truth, of = model("rnn"), lines("rnn")
    instances = [drawn(truth, number) for number in range(2)]
    known = lines_of(truth, instances[0])
    for guess in list(of_lines(of, False))[::7]:
        problems = []
        for instance in instances:
            run = Run(known.plain, instance.inputs, instance.cotangents).changed(guess.changes, beyond=guess.beyond)
            try:
                got = {key: np.array(run.gradient(key)) for key in run.keys}
            except Unsupported:
                break  # no program computes it
            problems.append(Problem(instance, got, known.plain, known.expanded))
        if len(problems) < 2 or not all(problem.wrong for problem in problems):
            continue  # or an edit that says the same
        found = explained(problems, 20)
        assert found is not None, guess.words


def test_a_guess_that_does_not_reach_what_is_wrong_is_not_computed():
    truth = model("rnn")
    problem = problem_of(truth, drawn(truth), lambda gradients: {**gradients, "b": 2 * gradients["b"]})
    assert not Guess("", changes={("W", 0): problem.formulas.gradients["W"].terms[0]}).explains(problem)


def test_time_runs_out_without_an_answer():
    problems = problems_of(lambda gradients: {**gradients, "x": gradients["x"] ** 2})
    assert explained(problems, 0.0) is None


def test_guesses_at_one_gradient_start_with_the_simple_ones():
    truth = model("rnn")
    problem = problem_of(truth, drawn(truth), lambda gradients: {**gradients, "W": gradients["W"].T.copy()})
    phrases = [alone.phrase for alone in guesses(problem, "W")]
    assert phrases.index("has the wrong sign") < phrases.index("is transposed")
    assert phrases.index("is transposed") < phrases.index("has a slip: s[k] in place of s[k-1]")


def test_the_states_of_a_model_have_adjoints():
    of = lines("lstm")
    assert set(of.initial) == {"h0", "c0"} == set(of.starts)
    assert set(states(of.model)) == {"h", "c"}
