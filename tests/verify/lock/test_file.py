"""A lock file that is damaged, badly merged, of another version or hostile: one clear message, with the line."""

import tomllib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.lock.documents import NOTES, lock_of, text_of
from verify.errors import CallError
from verify.lock import file, toml
from verify.lock.compare import differences
from verify.lock.file import from_text, to_text
from verify.lock.shortened import keys_of

TEXT = text_of(NOTES)
NOW = lock_of(NOTES)
DEEP = '["Transpose", ' * 90 + '"W"' + "]" * 90
CLAIM = '[claim."notes.md"."2.3"]'


def line_of(text):
    return 1 + TEXT[: TEXT.index(text)].count("\n")


def complaint(text):
    with pytest.raises(CallError) as caught:
        from_text(text, "backproof.lock")
    return str(caught.value)


def test_what_is_written_is_read_again():
    documents = lock_of(NOTES)
    assert from_text(TEXT, "backproof.lock") == documents
    assert to_text(from_text(TEXT, "backproof.lock"), {}) == TEXT


def test_versions_come_last():
    assert to_text(lock_of(NOTES), {"sympy": "1.14.0"}) == TEXT + 'sympy = "1.14.0"\n'


def test_an_unfinished_merge():
    merged = TEXT.replace(CLAIM, f"<<<<<<< HEAD\n{CLAIM}")
    assert complaint(merged) == (
        f"backproof.lock:{line_of(CLAIM)}: a merge was left unfinished (<<<<<<<); take either side and run "
        "`backproof lock` on the documents that changed"
    )


def test_a_claim_that_stands_twice():
    start = TEXT.index(CLAIM)
    twice = TEXT[start : TEXT.index("[claim", start + 1)]
    found = complaint(TEXT.replace("[versions]", twice + "[versions]"))
    assert found.startswith(f"backproof.lock:{line_of('[versions]')}:")
    assert "two branches may have locked the same claim" in found
    assert "run `backproof lock`" in found


@pytest.mark.parametrize("form", ["format = 2", "format = 'one'", "", "format = true"])
def test_another_format(form):
    assert "this version of Backproof reads 1; use the version that wrote it" in complaint(
        TEXT.replace("format = 1", form)
    )


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('verdict = "proved"', 'verdict = "certain"', "a verdict is one of"),
        ('verdict = "proved"', "verdict = 3", "a verdict is one of"),
        ('verdict = "proved"', "", "a claim has formula, verdict, given"),
        ('verdict = "proved"', 'verdict = "proved"\nsurely = "yes"', "a claim has formula, verdict, given"),
        ('given = ["E"', 'given = ["nothing"', "nothing"),
        ('given = ["E"', "given = [1", "given a list of texts"),
        ('left = ["Transpose", ["@", "δ"', 'left = ["Transpose", ["@", "q"', "'q' stands for nothing"),
        ('left = ["Transpose", ["@", "δ"', 'left = ["Transpose", ["@", "W"', "W is no family"),
        ('left = ["Transpose", ["@", "δ"', 'left = [["Transpose"], ["@", "δ"', "no formula"),
        ("left = [", "left = [1.5, ", "no formula"),
        ('time = [1, "t"]', "time = []", "values to unpack"),
        ("seed = 0", "", "it needs steps, examples, seed and conventions"),
        ('W = ["matrix", "W", "n", "n"]', 'W = ["matrix"]', "W is neither a letter nor a tensor"),
        ('n = ["size", "n"]', 'n = ["sizes", "n"]', "a letter is a size or a step"),
        ('E = ["E depends on the last s", "E"', "E = [1, 2", "the given E is neither an equation nor a loss"),
    ],
)
def test_a_part_that_is_not_what_stands_there(before, after, words):
    """The table's line is named, and what to do."""
    assert before in TEXT
    found = complaint(TEXT.replace(before, after, 1))
    assert words in found
    assert found.startswith("backproof.lock:")
    assert "delete it and run `backproof lock`" in found
    int(found.split(":")[1])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('["MatMul", ["Transpose"', '["MatMul", ["eval"'),
        ('["MatMul", ["Transpose"', '["MatMul", ["Diag", 1, 2, 3], ["Transpose"'),
        ('left = ["Transpose", ["@", "δ", ["Add", -1, "t"]]]', 'left = ["Pow", 2, 99999999]'),
        ('left = ["Transpose", ["@", "δ", ["Add", -1, "t"]]]', f"left = {DEEP}"),
        ('left = ["Transpose", ["@", "δ", ["Add", -1, "t"]]]', 'left = "U"'),
    ],
)
def test_a_formula_that_means_nothing_is_never_executed(before, after):
    assert before in TEXT
    old = from_text(TEXT.replace(before, after, 1), "backproof.lock")
    with pytest.raises(CallError, match=r"backproof\.lock:\d+: the lock file is damaged.*run `backproof lock` again"):
        differences(old, lock_of(NOTES), {})


def test_what_nests_too_deep():
    assert "nested too deep" in complaint("format = 1\nx = " + "[" * 100_000)


def test_what_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(file, "LARGEST", 100)
    (tmp_path / "a.lock").write_text(TEXT)
    with pytest.raises(CallError, match="larger than 100 bytes"):
        file.read_lock(str(tmp_path / "a.lock"))


@given(st.integers(0, len(TEXT)), st.integers(0, 30), st.text(max_size=5))
@settings(max_examples=60)
def test_any_damage_is_a_message_or_a_lock(at, length, text):
    """Never a traceback."""
    damaged = TEXT[:at] + text + TEXT[at + length :]
    with suppress(CallError):
        differences(from_text(damaged, "backproof.lock"), NOW, {})


@given(st.text(max_size=20), st.text(st.characters(), max_size=20))
@settings(max_examples=60)
def test_any_text_may_stand_in_a_lock(key, value):
    """A hostile id or formula ends no string and opens no table."""
    content = {f"x{key}": value, "list": [value, 1, [value]]}
    assert tomllib.loads(toml.table(("claim", key), content)) == {"claim": {key: content}}


def test_keys_do_not_depend_on_the_order():
    named = {"1": ("W", "W: n×n"), "2": ("W", "W: n×m"), "3": ("U", "U: n×n"), "4": ("U", "U: n×n")}
    expected = keys_of(named)
    assert expected["1"] == "W: n×n"
    assert len(set(expected.values())) == 4
    assert keys_of(dict(reversed(named.items()))) == expected
