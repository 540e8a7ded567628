"""`--summary`: Markdown that says what is wrong, into which no document writes, and which destroys nothing."""

import re
import resource
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.verify.report.documents import EXPECTED, HEAD, POISON, RIGHT, SHAPE, UNREADABLE, WRONG, hostile, report
from verify.errors import CallError, clean
from verify.files import append
from verify.report.outputs import APPENDED, Outputs
from verify.report.summary import LIMIT, _code, _fenced, render

MARKDOWN = MarkdownIt("commonmark", {"linkify": False}).enable("table")
PLAIN = {
    "heading_open", "heading_close", "inline", "fence", "paragraph_open", "paragraph_close", "text", "code_inline",
    *(f"{name}_{edge}" for name in ("table", "thead", "tbody", "tr", "th", "td") for edge in ("open", "close")),
}  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tokens(text):
    found = []
    for token in MARKDOWN.parse(text):
        found += [token, *(token.children or ())]
    return found


def test_it_says_what_is_wrong_and_shows_the_mended_line():
    text = render(report(HEAD + RIGHT + WRONG + SHAPE + UNREADABLE))
    assert "| `notes.md` | 1 |  |  |  | 2 | 1 | 3 |" in text
    assert "### `notes.md:14` `w`: refuted" in text
    fences = [(token.info, token.content) for token in tokens(text) if token.type == "fence"]
    assert ("math", "\\frac{\\partial \\mathrm{Net}_t}{\\partial s_{t-1}} = W^\\top\n") in fences
    assert ("math", "\\frac{\\partial \\mathrm{Net}_t}{\\partial s_{t-1}} = W\n") in fences
    assert any("smallest counterexample" in content and "left  =" in content for _, content in fences)
    assert ("latex", "s_t = Q\n") in fences


def test_only_what_github_sets_is_set_as_maths():
    text = render(report(HEAD + r"$$s_t = 2 \operatorname{diag}(s_t) \mathbf{1} \tag{o}$$"))
    assert "s_t = 2 \\mathop{\\mathrm{diag}}(s_t) \\mathbf{1}\n" in text
    assert "\\operatorname" not in text
    head = HEAD.replace("E: loss", "'\\href': n, E: loss")
    text = render(report(head + r"$$s_t = \href \tag{h}$$"))
    assert re.search(r"```latex\n.*\\href", text)


def test_an_expected_erratum_counts_and_is_not_shown():
    text = render(report(HEAD + EXPECTED))
    assert "all as it should be" in text
    assert "###" not in text


def test_a_hostile_document_writes_no_markdown():
    text = render(report(hostile()))
    found = tokens(text)
    assert {token.type for token in found} <= PLAIN
    said = "".join(token.content for token in found if token.type == "text")
    for harm in ("@", "#", "<", "http", "::", "!["):
        assert harm not in said
    assert "@everyone" in text  # in code, where it names nobody


@pytest.mark.parametrize("poison", [*POISON, "a ``` b", "````", " x ", "a|b", "a\n```\n# b", "`a`", "~~~"])
def test_any_text_stays_within_its_code(poison):
    (inline,) = [token for token in tokens(f"x {_code(poison)} y") if token.type == "code_inline"]
    assert inline.content.strip() == clean(" ".join(poison.split())).strip()
    fence, after = [
        token for token in tokens("\n".join([*_fenced(poison), "after"])) if token.type in ("fence", "text")
    ]
    assert (fence.content, after.content) == (f"{clean(poison)}\n", "after")


def test_a_path_ends_no_cell():
    (row,) = [line for line in render(report(HEAD + RIGHT, "a|b`.md")).splitlines() if line.startswith("| `")]
    cells = [token.content for token in tokens(f"|{'a|' * 8}\n|{'---|' * 8}\n{row}") if token.type == "inline"][8:]
    assert cells[:2] == ["`` a|b`.md ``", "1"]


def test_a_summary_is_added_to_what_is_there(here):
    (here / "summary.md").write_text("before\n", encoding="utf-8")
    outputs = Outputs({"summary": "summary.md"})
    found = report(HEAD + RIGHT)
    outputs.check()
    outputs.write(found)
    outputs.write(found)
    assert (here / "summary.md").read_text(encoding="utf-8") == "before\n" + 2 * render(found)


def test_a_write_that_fails_leaves_what_was_there(here):
    (here / "summary.md").write_text("before\n", encoding="utf-8")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # as a full disk: the first bytes fit, the others not
    try:
        with pytest.raises(OSError, match="too large"):
            append("x" * 2000, here / "summary.md")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (here / "summary.md").read_text(encoding="utf-8") == "before\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_a_full_device_is_named_with_its_reason():
    with pytest.raises(CallError, match="--summary /dev/full: cannot be written: No space left"):
        Outputs({"summary": "/dev/full"}).write(report(HEAD + RIGHT))


@pytest.mark.parametrize("room", [LIMIT, 5000, 1200, 301, 200, 0, -5])
def test_it_never_takes_more_room_than_there_is_and_says_what_is_cut(room):
    found = report(HEAD + "".join(WRONG.replace("{w}", f"{{w{i}}}") for i in range(12)))
    text = render(found, room=room)
    assert len(text.encode()) <= max(0, room)
    shown = len(re.findall("^###", text, re.MULTILINE))
    if room == LIMIT:
        assert shown == 12
    elif room > 400:
        assert 0 < shown < 12
        assert f"{12 - shown} more parts are left out" in text


def test_a_full_file_stays_below_the_limit(here):
    (here / "summary.md").write_text("x" * (APPENDED["summary"] - 2000), encoding="utf-8")
    found = report(HEAD + "".join(WRONG.replace("{w}", f"{{w{i}}}") for i in range(12)))
    Outputs({"summary": "summary.md"}).write(replace(found))
    size = (here / "summary.md").stat().st_size
    assert APPENDED["summary"] - 2000 < size <= APPENDED["summary"]


def test_a_repair_says_for_what_it_is_proved_and_nothing_says_it_twice():
    """Over layers a mended line is proved at those that are tried, and so only tested."""
    found = report(HEAD + WRONG)
    (document,) = found.documents
    (claim,) = document.claims
    (repair,) = claim.verdict.repairs
    layered = replace(repair.verdict, verdict="tested", times="all; l = 1 to l = 3", is_proved_at_each=True)
    verdict = replace(claim.verdict, repairs=(replace(repair, verdict=layered),), hint=repair.edit)
    found = replace(found, documents=(replace(document, entries=(replace(claim, verdict=verdict),)),))
    text = render(found)
    assert f"One edit away, and proved for `all; l = 1 to l = 3`: `{repair.edit}`" in text
    assert text.count(repair.edit) == 1
