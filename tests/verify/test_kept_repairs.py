"""Repairs in the cache: a search that came to its end is not made again, and what is kept is proved again."""

import pytest

from verify import repair
from verify.cache import Cache
from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort

HEAD = r"""```backproof
symbols: {s_t: n, x_t: m, W: n x n, U: n x m, f: elementwise}
time: 1..T
layout: %s
given: ['g']
```
$$s_t = f(U x_t + W s_{t-1}) \tag{g}$$
"""
WRONG = r"\frac{\partial s_t}{\partial s_{t-1}} = W \operatorname{diag}(f'(U x_t + W s_{t-1}))"
RIGHT = r"\frac{\partial s_t}{\partial s_{t-1}} = \operatorname{diag}(f'(U x_t + W s_{t-1})) W"


@pytest.fixture
def tried(monkeypatch):
    """The edited claims that were tried."""
    calls, original = [], repair._may_hold

    def may_hold(claim, seed):
        calls.append(claim)
        return original(claim, seed)

    monkeypatch.setattr(repair, "_may_hold", may_hold)
    return calls


def repairs_of(formula, cache, layout="numerator", **effort):
    document = read("notes.md", f"{HEAD % layout}$${formula}$$\n")
    *_, entry = Judge(document, Effort(examples=2, **effort), cache).entries()
    assert entry.verdict.verdict == "refuted"
    return [(one.latex, one.edit, one.kind, one.verdict.verdict) for one in entry.verdict.repairs]


def test_a_search_that_came_to_its_end_is_not_made_again(tmp_path, tried):
    cold = repairs_of(WRONG, Cache(tmp_path))
    assert cold
    assert tried
    tried.clear()
    assert repairs_of(WRONG, Cache(tmp_path)) == cold
    assert tried == []


def test_that_nothing_is_one_edit_away_is_kept_too(tmp_path, tried):
    beyond = RIGHT.replace(" W$", "") + r" + 3 W^\top - 5 U U^\top"
    assert repairs_of(beyond, Cache(tmp_path), repair_seconds=60) == []
    tried.clear()
    assert repairs_of(beyond, Cache(tmp_path), repair_seconds=60) == []
    assert tried == []


def test_a_search_that_was_cut_short_is_made_again(tmp_path, tried):
    repairs_of(WRONG, Cache(tmp_path), repair_seconds=1e-9)
    tried.clear()
    assert repairs_of(WRONG, Cache(tmp_path))
    assert tried


@pytest.mark.parametrize("change", ["formula", "layout"])
def test_another_text_or_convention_is_another_search(tmp_path, tried, change):
    repairs_of(WRONG, Cache(tmp_path))
    tried.clear()
    other = WRONG.replace("U x_t + W s_{t-1}", "W s_{t-1} + U x_t") if change == "formula" else WRONG
    layout = "denominator" if change == "layout" else "numerator"
    repairs_of(other, Cache(tmp_path), layout)
    assert tried


@pytest.mark.parametrize("line", [WRONG, WRONG.replace("W ", "", 1), r"\frac{", "Q = Q"])
def test_a_kept_line_that_is_not_proved_today_is_not_offered(tmp_path, tried, monkeypatch, line):
    """Whatever the folder says: each line is read and settled as the first time, else the search is made."""
    cold = repairs_of(WRONG, Cache(tmp_path))
    tried.clear()
    monkeypatch.setattr(Cache, "recall", lambda cache, claim, about: [[line, "so it should be", "name"]])
    assert repairs_of(WRONG, Cache(tmp_path)) == cold
    assert tried
