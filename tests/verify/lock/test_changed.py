"""Each kind of change is said in mathematical terms."""

from dataclasses import replace

import pytest

from tests.verify.lock.documents import FEW, JACOBIAN, NOTES, STEP, changes, differences_of, lock_of
from verify.lock.entries import Locked
from verify.lock.reworded import changes_of_meaning
from verify.lock.run import Lock
from verify.lock.words import changes_of_result
from verify.report.model import DocumentReport, Report

SUM = r"$$\frac{\partial E}{\partial W} = \sum_{k=1}^{t} \delta_k s_{k-1}^\top \tag{w}$$" + "\n"
BOUND = r"$$\lVert W \rVert \le 3 \tag{b}$$" + "\n"


def test_a_claim_that_is_gone():
    found = differences_of(NOTES, NOTES.replace(STEP, ""))
    assert [str(one) for one in found] == ["2.3: was proved for all t >= 2, is gone"]
    assert found[0].place.path == "backproof.lock"
    assert found[0].place.line > 1


def test_a_claim_that_is_new():
    found = differences_of(NOTES.replace(STEP, ""), NOTES)
    assert [str(one) for one in found] == ["2.3: is new: proved for all t >= 2 (run `backproof lock`)"]
    assert str(found[0].place).startswith("notes.md:")


def test_a_claim_with_another_name():
    assert changes(NOTES, NOTES.replace("2.3", "2.4")) == ["2.4: was called 2.3 (run `backproof lock`)"]


def test_a_claim_that_is_no_longer_proved():
    """Another statement, and refuted."""
    wrong = NOTES.replace(STEP, STEP.replace(" W ", r" W^\top "))
    assert changes(NOTES, wrong) == [
        "2.3: now claims something else: δ[t-1]ᵀ = δ[t]ᵀ Wᵀ diag(f'(Net[t-1])); "
        "it was δ[t-1]ᵀ = δ[t]ᵀ W diag(f'(Net[t-1]))",
        "2.3: was proved for all t >= 2, now refuted",
    ]


def test_a_better_result_is_a_change_too():
    wrong = NOTES.replace(STEP, STEP.replace(" W ", r" W^\top "))
    assert "2.3: was refuted, now proved for all t >= 2" in changes(wrong, NOTES)


def test_another_statement_that_is_proved_as_well():
    """Under the model both are theorems; by algebra alone they are two."""
    other = STEP[: STEP.index("= ")] + r"= \frac{\partial E}{\partial \mathrm{Net}_{t-1}} \tag{2.3}$$" + "\n"
    assert changes(NOTES, NOTES.replace(STEP, other)) == [
        "2.3: now claims something else: δ[t-1]ᵀ = (∂E/∂Net[t-1])ᵀ; it was δ[t-1]ᵀ = δ[t]ᵀ W diag(f'(Net[t-1]))"
    ]


def test_one_law_of_algebra_is_not_another():
    """Both differences are 0 by algebra alone, and still these are two laws."""
    law = r"$$(U x_t)^\top = x_t^\top U^\top \tag{law}$$" + "\n"
    other = r"$$(W s_t)^\top = s_t^\top W^\top \tag{law}$$" + "\n"
    (found,) = changes(NOTES + law, NOTES + other)
    assert found.startswith("law: now claims something else: (W s[t])ᵀ = s[t]ᵀ Wᵀ; it was")


def test_a_scope_that_shrank():
    """Proved by induction with a sum over all steps; with a condition of another kind only some steps are left."""
    some = SUM.replace(r"\tag", r"\quad (t \ge 2) \tag")
    found = changes(NOTES + SUM, NOTES + some)
    assert any("now claimed where" in text for text in found)
    assert "w: was proved for all t, now proved for all t >= 2" in found


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            r"W s_{t-1}, \quad",
            r"W s_{t-1} + b, \quad",
            "rests on another given: Net[t] = U x[t] + W s[t-1] + b; it was Net[t] = U x[t] + W s[t-1]",
        ),
        ("f: elementwise", "f: elementwise tanh", "f is now the function tanh; it was any differentiable function"),
        ("last s", "each s", "rests on another given: E depends on every s; it was E depends on the last s"),
        ("time: 1..t", "time: 0..t", "the steps now run over 0..t; they ran over 1..t"),
        ("W: n x n", "W: 'n x n, symmetric'", "the assumption W = Wᵀ is new"),
    ],
)
def test_a_given_or_a_declaration_that_changed(before, after, words):
    """All claims that rest on it say so."""
    found = differences_of(NOTES, NOTES.replace(before, after))
    assert len({one.id for one in found if one.message == words}) == 2


def test_a_shape_that_changed():
    square = NOTES.replace("U: n x m", "U: n x n").replace("x_t: m", "x_t: n")
    found = changes(NOTES, square)
    assert "2.3: U is now n×n; it was n×m" in found
    assert "2.3: x is now n×1; it was m×1" in found


def test_an_assumption_that_is_gone():
    symmetric = NOTES.replace("W: n x n", "W: 'n x n, symmetric'")
    assert "2.3: the assumption W = Wᵀ is gone" in changes(symmetric, NOTES)


def test_a_convention_that_was_open():
    """What was read in two ways is read in one."""
    open_layout = NOTES.replace("layout: numerator\n", "")
    found = changes(open_layout, NOTES)
    assert any("conditional, now proved" in text for text in found)
    assert any(text.endswith("now as one reading alone") for text in found)


def test_an_expectation_that_changed():
    expected = NOTES.replace(STEP, "<!-- backproof: expect: tested -->\n" + STEP)
    assert changes(NOTES, expected) == ["2.3: the document expected nothing, now tested"]


def test_an_unreadable_line():
    unread = NOTES.replace(STEP, STEP.replace(" W ", " Q "))
    assert changes(NOTES, unread) == ["2.3: was proved for all t >= 2, now unreadable"]
    assert changes(unread, NOTES) == ["2.3: was unreadable, now proved for all t >= 2"]
    assert changes(unread, unread) == []


def test_another_effort_is_said_and_so_is_what_it_gives():
    few = replace(FEW, steps=4)
    assert changes(NOTES, NOTES, effort=few) == ["the lock was made with --steps 6, and this run has --steps 4"]


def test_a_filter_leaves_the_others_alone():
    """Claims that were not asked for are not gone."""
    less = NOTES.replace(STEP, "").replace(JACOBIAN, SUM)
    found = changes(NOTES, less, wanted=lambda name: name == "w")
    assert found == ["w: is new: proved for all t (run `backproof lock`)"]


FONTS = r"""
```backproof
symbols: {a: n, h: n, '\mathbf{h}': n, L: n, '\mathcal{L}': n}
```
"""


@pytest.mark.parametrize(("one", "other"), [("h", r"\mathbf{h}"), (r"\mathcal{L}", "L")])
def test_a_name_that_differs_in_its_font_alone_from_another_is_another(one, other):
    """Of a document that has one of the two, the font is typesetting."""
    claim = r"$$a + %s = %s + a \tag{c}$$" + "\n"
    before, after = (FONTS + claim % (name, name) for name in (one, other))
    assert [text.startswith("c: now claims something else") for text in changes(before, after)] == [True]


def test_a_range_that_begins_a_step_later():
    """Both are `for all t` in words."""
    old = Locked("s = s", "proved", steps="0 <= t")
    assert list(changes_of_result(old, replace(old, steps="1 <= t"), ({}, {}))) == [
        ("verdict", "was proved for 0 <= t, now for 1 <= t")
    ]


def test_a_formula_that_has_no_data_any_more():
    """What nests too deep is compared as text, unless its verdict says enough."""
    old, new = Locked("a = b", "proved", meaning={}), Locked("a = c", "proved")
    assert changes_of_meaning(old, new)[0] == [("statement", "now reads a = c; it was a = b")]


def test_a_document_that_the_built_in_suite_has_no_longer():
    """Nothing but a run of the whole suite knows that."""
    old = lock_of(NOTES, path="notes.md")["notes.md"]
    lock = Lock("backproof.lock", {"<suite>/gone.md": old, "notes.md": old})
    whole = Report((), quantities=DocumentReport("derived quantities", ()))
    found = lock.compare(whole, FEW, frozenset({"suite/other.md"}), {}).differences
    assert {(one.document, one.kind) for one in found} == {("<suite>/gone.md", "gone")}
    assert lock.compare(Report(()), FEW, frozenset(), {}).differences == ()


LAYERS = r"""
```backproof
symbols: {'h^l_t': n, 'z^l_t': n, f: elementwise}
indices: {l: 1..L, t: 1..T}
layout: numerator
```
"""


def test_a_condition_that_leaves_out_a_layer():
    """Neither the first nor the last of those that are tried."""
    claim = r"$$h^l_t + z^l_t = z^l_t + h^l_t%s \tag{c}$$" + "\n"
    (found,) = changes(LAYERS + claim % "", LAYERS + claim % r" \quad (l \ne 2)")
    assert "l = 3 (6 in all), now" in found
    assert found.endswith("l = 3 (4 in all)")
