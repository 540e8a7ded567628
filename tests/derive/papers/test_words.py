"""The words of papers: every language says everything, and a document in Chinese has no English in it."""

import ast
import re
from pathlib import Path

import pytest

import derive
from derive.errors import BackproofError
from derive.language.functions import KINDS
from derive.models.registry import choices_of
from derive.models.systems import Options, system, systems
from derive.papers.commands import check_formula
from derive.papers.paper import Heading, Items, Prose, paper
from derive.papers.rules import RULES
from derive.papers.words import WORDS, filled, kind_in, title_in, words

NAMES = {"GRU", "LSTM", "RNN", "Jordan", "Jacobi", "Hesse", "Kronecker", "softmax", "sigmoid", "vec", "diag", "tanh"}
NAMES |= {"relu", "leaky", "gelu", "softplus"}
PLACE = re.compile(r"\{([a-z]+)\}")


def test_every_language_says_everything():
    """The same keys, with the same places to fill, and nothing empty."""
    for key, text in WORDS["en"].items():
        assert WORDS["zh"].keys() == WORDS["en"].keys()
        assert text
        assert WORDS["zh"][key]
        assert set(PLACE.findall(text)) == set(PLACE.findall(WORDS["zh"][key])), key


def test_an_unknown_language_is_refused():
    """The languages that there are stand in the message."""
    with pytest.raises(BackproofError, match="en or zh, not in 'fr'"):
        words("fr")


def test_places_are_filled_and_braces_of_formulas_stay():
    """{name} where it is given; \\partial^{+} and \\mathrm{vec} as they are."""
    assert filled("${name} \\mathrm{vec}^{+}$", name="x") == "$x \\mathrm{vec}^{+}$"


def rules_in_the_source():
    """The names of all functions that a step may name: those that derive's rule modules define with a theorem."""
    folder = Path(derive.__file__).parent
    files = [*(folder / "rules").glob("*.py"), folder / "recurrence.py", folder / "unroll.py"]
    files += [folder / "sensitivities.py", folder / "derivation.py"]
    found = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and re.match(r"(d|pull|tangent_of|name)_|.*_prime$", node.name):
                found.add(node.name)
    return found - {"pull_diag", "name_of_sigmoid"}  # which refuses; which only looks up


def test_every_rule_has_words():
    """A completeness test: rules without a row are named."""
    from derive.rules import simplify

    tidy = {rule.__name__ for rule in simplify.RULES}
    asked = rules_in_the_source() | tidy | {"chain_rule", "sum_over_steps", "written_out", "targets_sum_to_one"}
    assert len(asked) > 70
    assert sorted(asked - RULES.keys()) == []


def test_every_step_names_rules_that_have_words():
    """What really happens; `.ci/papers` writes the paper of every model."""
    for name in ("rnn", "layer norm", "convolution", "softmax cross-entropy"):
        for derivation in system(name).quantities():
            assert {rule for step in derivation.steps for rule in step.names} <= RULES.keys()


def test_the_words_of_a_rule_can_be_set():
    """A formula of known commands; names that the reader of a display passes over as prose."""
    for key, rule in RULES.items():
        check_formula(rule.formula)
        assert rule.formula or rule.en_note, key
        assert bool(rule.en_note) == bool(rule.zh_note), key
        for name in (rule.en, rule.zh):
            assert not re.search(r"[$\\_^{}&%#]", name), key
        assert not _english(rule.zh), key
        assert not _english(rule.zh_note), key
        assert re.search(r"[\u4e00-\u9fff]", rule.zh), key


def _english(text):
    """Words that are no names, outside formulas."""
    prose = " ".join(text.split("$")[::2])
    return [word for word in re.findall(r"[A-Za-z]{3,}", prose) if word not in NAMES]


def test_every_title_has_a_chinese_one():
    """With each of its losses, and over a batch."""
    for name in systems():
        for loss in ("last", "every", "outputs") if "loss" in choices_of(name) else (None,):
            try:
                chosen = system(name, **({"loss": loss} if loss else {}))
            except BackproofError:  # not every model has every loss
                continue
            for title in (chosen.title, f"{chosen.title}, over a batch"):
                assert _english(title_in("zh", title)) == [], title
    assert title_in("zh", "My own cell, unpublished") == "My own cell, unpublished"


def test_every_kind_of_function_has_a_chinese_name():
    """Or goes by a name."""
    assert [kind for kind in KINDS if _english(kind_in("zh", kind))] == []


@pytest.mark.parametrize("name", ["rnn", "dense", "convolution", "softmax cross-entropy"])
def test_no_english_is_left_in_a_chinese_paper(name):
    """Headings, sentences, items, reasons."""
    chosen = system(name)
    for mode in ("reverse", "second") if name == "dense" else ("reverse",):
        one = paper(title_in("zh", chosen.title), chosen.quantities(options=Options(mode=mode)), language="zh")
        texts = [one.title, *(b.text for b in one.blocks if isinstance(b, Heading | Prose))]
        texts += [text for b in one.blocks if isinstance(b, Items) for text in b.texts]
        texts += [rule for display in one.displays for row in display.rows for _, rule in row.rules]
        assert [text for text in texts if _english(text)] == []
        assert len(texts) > 10
