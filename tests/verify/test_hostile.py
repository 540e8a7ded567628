"""Documents of a hostile author: every one gets a verdict or a message, and one bad line hides no other."""

import time

import pytest

from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort

HEAD = r"""```backproof
symbols: {A: n x n, B: n x n, M: n x m, u: n, v: n, c: 1, u_t: n, s_t: n, f: elementwise, E: loss(last s)}
time: 1..t
indices: {k: t, j: t}
layout: numerator
gradient: shape
matrix: family
products: descending
given: ['1']
```
$$s_t = f(A s_{t-1} + u_t) \tag{1}$$
$$u = u \tag{good}$$
"""


def verdicts(lines, head=HEAD, **effort):
    document = read("notes.md", head + lines + "\n")
    entries = Judge(document, Effort(examples=4, **effort)).entries()
    return {entry.id: entry.verdict for entry in entries if entry.role == "claim"}, document


def verdict(formula, **effort):
    found, _ = verdicts(f"$${formula} \\tag{{x}}$$", **effort)
    assert found["good"].verdict == "proved", "one bad line hid another"
    return found["x"]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (r"\frac{\partial}{\partial A^\top} \operatorname{tr}(A B) = B", "proved"),
        (r"\frac{\partial}{\partial A^\top} \operatorname{tr}(A B) = B^\top", "refuted"),
        (r"\frac{\partial}{\partial M^\top} (u^\top M M^\top v) = M^\top (u v^\top + v u^\top)", "proved"),
        (r"\frac{\partial A v}{\partial v^\top} = A", "unreadable"),
        (r"u + c \mathbf{1} = c \mathbf{1} + u", "proved"),
        (r"A + c I = c I + A", "proved"),
        (r"\operatorname{softmax}(u + c \mathbf{1}) = \operatorname{softmax}(u)", "tested"),
        (r"\frac{\partial B u}{\partial A} = 0", "proved"),
        (r"\frac{1}{n-3} A = A", "unreadable"),
        (r"\exp(u + v) = \exp(u) \odot \exp(v)", "tested"),
        (r"\exp(u + v) = \exp(u) + \exp(v)", "refuted"),
        (r"s_k = s_j \quad (k = j)", "proved"),
        (r"u = \mathbf", "unreadable"),
        (r"u = \sum_{k=}^{t} u_k", "unreadable"),
        (r"u = " + "(" * 100 + "u" + ")" * 100, "unreadable"),
        (r"u = " + r"\frac{" * 60 + "u" + "}{2}" * 60, "unreadable"),
    ],
)
def test_every_line_gets_its_verdict(formula, expected):
    found = verdict(formula)
    assert found.verdict == expected, found.message


@pytest.mark.parametrize(
    "block",
    [
        "given: [{a: b}]",
        "indices: {k: {a: b}}",
        "indices: {tt: 1..T}",
        "symbols: {u: -1}",
        "symbols: {u: n-}",
        "time: 5..1",
        "reset: [true]",
        "where: [a]",
    ],
)
def test_a_wrong_declaration_is_an_error_with_a_place(block):
    document = read(
        "notes.md", f"```backproof\nsymbols: {{w: n}}\n```\n```backproof\n{block}\n```\n$$w = w \\tag{{g}}$$\n"
    )
    assert document.errors
    assert document.errors[0].place.line == 5
    (entry,) = Judge(document, Effort(examples=0)).entries()
    assert entry.verdict.verdict == "proved"


def test_a_wrong_declaration_is_said_once():
    lines = "".join(f"<!-- backproof: where: k < k -->\n$$u = u \\tag{{a{i}}}$$\n" for i in range(5))
    _, document = verdicts(lines, HEAD.replace("layout: numerator", "layout: sideways"))
    assert len(document.errors) == 1


def test_two_displays_on_a_line_are_two_claims():
    found, document = verdicts("$$u = u$$ and $$u = 2u$$\n\nProse $$v = v$$ and $$v = 2v$$ end.")
    assert not document.errors
    kinds = [v.verdict for name, v in found.items() if name.startswith("L")]
    assert kinds == ["proved", "refuted", "proved", "refuted"]


def test_a_display_in_a_block_quote_is_read():
    found, _ = verdicts("> A quote\n>\n> $$\n> u + 0 u\n>  = u\n> $$\n")
    assert [v.verdict for name, v in found.items() if name.startswith("L")] == ["proved"]


def test_a_derivative_by_a_structured_matrix_is_not_guessed():
    head = HEAD.replace("A: n x n", "A: 'n x n, symmetric'")
    found, _ = verdicts(r"$$\frac{\partial}{\partial A} \operatorname{tr}(A B) = B^\top \tag{x}$$", head)
    assert found["x"].verdict == "unreadable"
    assert "entries depend on each other" in found["x"].message


def test_a_claim_that_takes_too_long_is_given_up_and_the_next_is_judged():
    began = time.perf_counter()
    deep = "f(" * 30 + "u" + ")" * 30
    found, _ = verdicts(f"$${deep} = u \\tag{{x}}$$\n$$v = v \\tag{{y}}$$", seconds=2.0)
    assert time.perf_counter() - began < 15
    assert found["x"].verdict in ("refuted", "undecided")
    assert found["y"].verdict == "proved"


def test_seven_kronecker_factors_are_a_limit_with_a_name():
    product = r" \otimes ".join(["A"] * 7)
    found = verdict(f"{product} = {product}")
    assert found.verdict in ("proved", "tested", "undecided")
    assert "a witness broke" not in found.message


def test_the_scope_tells_an_order_between_two_steps():
    found, _ = verdicts(
        r"$$\frac{\partial s_j}{\partial s_k} = \frac{\partial s_j}{\partial s_k} \prod_{i=k}^{j} I_n \tag{x}$$"
    )
    assert "k <= j + 1" in found["x"].times


def test_a_product_of_thousands_of_scalars_is_unreadable_and_hides_nothing():
    """Scalars nest, factor by factor, deeper than Python recurses."""
    text = (
        "```backproof\nsymbols: {x: 1, v: n}\n```\n\n$$" + "x" * 3000 + " = x \\tag{deep}$$\n\n$$v = v \\tag{flat}$$\n"
    )
    found = {entry.id: entry.verdict for entry in Judge(read("d.md", text), Effort(examples=1)).entries()}
    assert found["deep"].verdict == "unreadable"
    assert "nested too deep" in found["deep"].message
    assert found["flat"].verdict == "proved"
