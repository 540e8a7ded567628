"""What says the same is no change: moved lines, other letters, fonts, macros, sums in another order."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.lock.documents import BLOCK, DELTA, JACOBIAN, MODEL, NOTES, SLOPE, STEP, changes, lock_of, text_of
from verify.lock.meaning import canonical

SUM = r"$$\frac{\partial E}{\partial W} = \sum_{k=1}^{t} \delta_k s_{k-1}^\top \tag{w}$$" + "\n"
TERMS = (r"W s_{t-1}", r"U x_t", "b", r"s_{t-1} \odot s_{t-1} \odot b")
PADDING = st.sampled_from(["", "\n", "Some words.\n\n", "\n\n\n- a list\n\n"])


def with_terms(terms):
    return NOTES.replace(r"U x_t + W s_{t-1}", " + ".join(terms))


def test_the_same_document_has_the_same_lock():
    assert text_of(NOTES) == text_of(NOTES)
    assert changes(NOTES, NOTES) == []


@given(st.permutations([STEP, JACOBIAN, SUM]), st.lists(PADDING, min_size=5, max_size=5))
@settings(max_examples=6)
def test_lines_may_move(lines, padding):
    """The same bytes, wherever the claims stand."""
    first, *others = padding
    moved = first + BLOCK + MODEL + DELTA + "".join(text for pair in zip(lines, others, strict=False) for text in pair)
    assert text_of(moved) == text_of(NOTES + SUM)


def test_no_line_number_is_in_a_lock():
    assert not re.search(r"\bL\d+", text_of(NOTES))


@given(st.permutations(TERMS))
@settings(max_examples=4)
def test_sums_may_be_reordered(terms):
    """In what is given, and in what is claimed."""
    claim = r"$$\mathrm{Net}_t = %s \tag{n}$$" + "\n"
    before, after = (with_terms(order) + claim % " + ".join(order) for order in (TERMS, terms))
    assert changes(before, after) == []
    forms = [canonical(lock_of(text)["notes.md"].claims["n"].meaning)[0] for text in (before, after)]
    assert forms[0] == forms[1]  # no decider was asked


@given(st.sampled_from("hpq"), st.sampled_from("cdr"), st.sampled_from(["j", "l", r"\tau"]))
@settings(max_examples=4)
def test_letters_may_be_chosen_anew(size, width, bound):
    """Of sizes and of the step that a sum runs over, although they stand in ranges and in messages."""
    renamed = re.sub(r"\bn\b", size, re.sub(r"\bm\b", width, NOTES)).replace("k: t", f"{bound}: t")
    named = SUM.replace("k", bound)
    assert changes(NOTES + SUM, renamed + named) == []


def test_the_letter_of_the_last_step_may_change():
    """δ_t and 1..t become δ_T and 1..T, and so does `2 <= t`."""
    claims = re.sub(r"_t\b", "_T", (MODEL + DELTA + STEP + JACOBIAN).replace("_{t-1}", "_{T-1}"))
    declared = BLOCK.replace("time: 1..t", "").replace("{k: t}", "{T: 1..T, k: T}")
    renamed = re.sub(r"_t(\b|')", r"_T\1", declared) + claims
    assert changes(NOTES, renamed) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (r"\mathrm{Net}", r"\mathbf{Net}"),
        ("W", r"\mathbf{W}"),
        (SLOPE, r"\mathrm{diag}\bigl( f'( \mathrm{Net}_{t-1} ) \bigr)"),
        (r"\delta_t^\top W", r"\delta_t^{\mathsf T}\, W"),
        (r"\delta_{t-1}^\top = \delta_t^\top W", r"\delta_{t-1}^\top = \left( \delta_t^\top W \right)"),
    ],
)
def test_how_it_is_typeset_is_no_change(before, after):
    typeset = NOTES.replace(before, after).replace(f"{after}: n x n", f"'{after}': n x n")
    assert changes(NOTES, typeset) == []


def test_macros_are_no_change():
    macro = r"$$\newcommand{\net}{\mathrm{Net}}$$" + "\n\n"
    assert changes(NOTES, macro + NOTES.replace(r"\mathrm{Net}", r"\net ")) == []


STEP_LEFT, STEP_RIGHT = STEP.removeprefix("$$").removesuffix(" \\tag{2.3}$$\n").split(" = ")


@pytest.mark.parametrize(
    "line",
    [
        rf"{STEP_RIGHT} = {STEP_LEFT}",
        rf"{STEP_LEFT} - {STEP_RIGHT} = 0",
        r"\delta_{t-1} = \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right] W^\top \delta_t",
        rf"{STEP_LEFT} = \delta_t^\top (W + W - W) \operatorname{{diag}}\left[f'(\mathrm{{Net}}_{{t-1}})\right]",
        r"\delta_{t-1}^\top = (W^\top \delta_t)^\top \odot f'(\mathrm{Net}_{t-1})^\top",
    ],
)
def test_a_line_that_says_the_same_in_other_words_is_no_change(line):
    """Old ⇔ new by matrix algebra, decided by both deciders."""
    assert changes(NOTES, NOTES.replace(STEP, f"$${line} \\tag{{2.3}}$$\n")) == []


def test_a_given_that_says_the_same_in_other_words_is_no_change():
    twice = NOTES.replace(r"U x_t + W s_{t-1}", r"U x_t + 2 W s_{t-1} - W s_{t-1}")
    assert changes(NOTES, twice) == []


def test_a_line_without_a_name_may_be_reworded():
    """It is found again by what it says."""
    assert changes(NOTES, NOTES.replace(r"= W \operatorname", r"= (W + W - W) \operatorname")) == []


OWN = r"""
```backproof
symbols: {a: n, z: n, f: elementwise, '\sigma': sigmoid}
given: [f]
```
$$f(z) = z \odot \sigma(z) \tag{f}$$
$$f'(a) = \sigma(a) + a \odot \sigma'(a) \tag{c}$$
"""


def test_a_function_of_ones_own():
    """Its law is kept as well; the place and the size in it are no letters of the claim."""
    assert changes(OWN, re.sub(r"\bn\b", "q", OWN)) == []
    assert changes(OWN, OWN.replace(r"\sigma(a) + a \odot \sigma'(a)", r"a \odot \sigma'(a) + \sigma(a)")) == []
    other = OWN.replace(r"z \odot \sigma(z)", r"z + \sigma(z)")
    assert "c: was proved, now refuted" in changes(OWN, other)


def test_convention_that_no_claim_consults_is_no_change():
    assert changes(NOTES, NOTES.replace("products: descending", "products: ascending\nvec: row")) == []
