"""What the corpus expects, confirmed by numbers that know nothing of Backproof."""

import re
from pathlib import Path

import confirmed_layers  # noqa: F401  (fills the table of documents)
import pytest
from arithmetic import outcome
from confirmed_recurrent import DOCUMENTS

HERE = Path(__file__).parent
EQUATION = re.compile(r"((?:^<!-- backproof:[^\n]*-->\n)?)^(?:\$\$)(.*?)\$\$$", re.MULTILINE | re.DOTALL)
TAG = re.compile(r"\\tag\{([^}]*)\}")
EXPECT = re.compile(r"expect: (?:/(\d+) )?(\w+)")


def expectations(text):
    """id -> {link or "": verdict} of the equations that claim something, read without Backproof."""
    givens = set(re.findall(r"[\w.]+", " ".join(re.findall(r"^given: \[(.*)\]", text, re.MULTILINE))))
    found = {}
    for directive, formula in EQUATION.findall(text):
        (tag,) = TAG.findall(formula)
        if tag not in givens and "skip:" not in directive:
            found[tag] = dict(EXPECT.findall(directive))
    return found


def wanted(name, expected):
    statement, _, link = name.partition("/")
    said = expected[statement]
    return said.get(link, said.get("", "proved")).replace("tested", "proved")


@pytest.mark.parametrize("path", sorted(HERE.glob("*.md")), ids=lambda path: path.stem)
def test_numbers_agree_with_every_equation(path):
    expected = expectations(path.read_text(encoding="utf-8"))
    confirmed = DOCUMENTS[path.stem]()
    for name, (left, right) in confirmed.items():
        assert outcome(left, right).split()[0] == wanted(name, expected), name
    readable = {name for name, said in expected.items() if said.get("") != "unreadable"}
    assert readable == {name.partition("/")[0] for name in confirmed}
