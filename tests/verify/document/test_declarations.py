"""Declaration blocks: strict YAML, every wrong entry at its place, later blocks and resets."""

import pytest

from verify.document.statements import read


def errors(block, tail=""):
    document = read("notes.md", f"# notes\n\n```backproof\n{block}\n```\n{tail}")
    return [(error.place.line, error.place.column, error.message) for error in document.errors]


@pytest.mark.parametrize(
    ("block", "place", "message"),
    [
        ("layuot: numerator", (4, 1), "unknown key layuot; did you mean layout?"),
        ("layout: sideways", (4, 9), "layout is one of numerator, denominator, not 'sideways'"),
        ("layout: numerator\nlayout: numerator", (5, 1), "the key layout stands twice"),
        ("symbols: &a {x: n}", (4, 10), "anchors and aliases"),
        ("layout: !!str numerator", (4, 9), "tags are not read"),
        ("symbols: {x: n", (5, 1), "the block is no YAML"),
        ("symbols: {x: n x m x k}", (4, 14), "has 3 axes"),
        ("symbols: {x: elementwis}", (4, 14), "is no size; expected a letter"),
        ("symbols: {E: loss(now s)}", (4, 14), "loss(last s) or loss(each s)"),
        ("symbols: {s_t: n, E: loss(last q)}\ntime: 1..t", (4, 22), "depends on q, which is not declared"),
        ("time: a..T", (4, 7), "a range begins at a number"),
        ("indices: {k: q}", (4, 14), "is a range 1..T, the letter of another index, or component"),
        ("symbols: {W: 'n x n, purple'}", (4, 14), "is no structure"),
        ("- a\n- b", (4, 1), "the block holds keys"),
        ("operators: {'*': plus}", (4, 18), "is one of matmul, hadamard, kron"),
    ],
)
def test_a_wrong_entry_is_named_with_its_place(block, place, message):
    found = errors(block)
    assert found, "nothing was refused"
    assert found[0][:2] == place
    assert message in found[0][2]


def test_a_given_that_no_equation_has_is_an_error():
    found = errors("symbols: {x: n}\ngiven: ['7']", "\n$$x = x \\tag{1}$$\n")
    assert [item[2] for item in found] == ["given names '7', and no equation has that id"]


def test_an_id_may_stand_once():
    found = errors("symbols: {x: n}", "\n$$x = x \\tag{1}$$\n$$x = x \\tag{1}$$\n")
    assert [item[2] for item in found] == ["the id 1 stands twice in this document"]


def test_the_id_of_one_relation_of_a_chain_is_no_other_equations():
    """A campaign and a filter know claims by these."""
    chain, other = "$$x = x = x \\tag{a}$$\n", "$$x = 2 x \\tag{a/2}$$\n"
    for lines in (chain + other, other + chain):
        (found,) = errors("symbols: {x: n}", f"\n{lines}")
        assert found[2].startswith("the id a/2 stands twice")


@pytest.mark.parametrize("bomb", ["[" * 5000, "{a: " * 5000, "symbols: " + "x" * 200_000])
def test_a_block_that_is_a_bomb_is_refused_quickly(bomb):
    assert errors(bomb)


def test_numbers_stay_text_and_a_later_block_replaces_whole_keys():
    text = (
        "```backproof\nsymbols: {x: n, y: n}\ngiven: ['2.10']\n```\n$$x = y \\tag{2.10}$$\n"
        "```backproof\nsymbols: {z: n}\n```\n$$z = z \\tag{3}$$\n"
    )
    document = read("notes.md", text)
    assert not document.errors
    assert [(s.id, s.role) for s in document.statements] == [("2.10", "given"), ("3", "claim")]
    assert [t.name for t in document.statements[-1].meaning.vocabulary.tensors] == ["z"]


def test_reset_opens_conventions_and_drops_givens():
    text = (
        "```backproof\nsymbols: {x: n}\nlayout: numerator\ngiven: ['1']\n```\n$$x = x \\tag{1}$$\n"
        "```backproof\nreset: true\nsymbols: {x: n}\n```\n$$x = x \\tag{2}$$\n"
    )
    document = read("notes.md", text)
    assert document.statements[-1].declarations.conventions.layout == ""
    assert document.statements[-1].role == "claim"
    assert document.statements[-1].declarations.given == ()


def test_directives_are_checked():
    found = errors("symbols: {x: n}", "\n<!-- backproof: expct: refuted -->\n$$x = x$$\n")
    assert "unknown directive expct" in found[0][2]
    found = errors("symbols: {x: n}", "\n<!-- backproof: expect: wrong -->\n$$x = x$$\n")
    assert "expect names a verdict" in found[0][2]
    found = errors("symbols: {x: n}", "\n<!-- backproof: skip: -->\n$$x = x$$\n")
    assert "skip says why" in found[0][2]
