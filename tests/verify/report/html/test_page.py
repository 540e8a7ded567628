"""The page as text: what stands in it, that it is the same each time, and that documents cannot write into it."""

import hashlib
import re
import time
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from zipfile import ZipFile

import pytest
from click.testing import CliRunner
from markupsafe import Markup

from tests.verify.report.documents import HEAD, OPEN
from tests.verify.report.html.documents import NOTES, TEX, hostile, judged, notes, page_of
from verify.cli import main
from verify.counterexample import Counterexample
from verify.document.statements import read
from verify.pictures import Picture
from verify.pictures.svg import Drawing
from verify.report.html import render
from verify.report.html.documents import Written
from verify.report.html.entries import view
from verify.report.html.numbers import sides
from verify.report.html.page import environment
from verify.report.html.report_page import views
from verify.report.model import Comparison, Difference
from verify.report.outputs import FORMS
from verify.report.terminal import counterexample_text, trouble_text

VOID = {"meta", "input", "br", "hr", "img", "link"}


class _Reader(HTMLParser):
    """Reads a page: its tags, attributes and texts; refuses tags that do not match."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.text = [], [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        self.text.append(data)

    def by_id(self, name):
        return next(attrs for _, attrs in self.tags if attrs.get("id") == name)


@pytest.fixture(scope="module")
def page():
    return page_of(notes)


def test_every_line_has_its_anchor_and_its_verdict(page):
    read = _Reader(page)
    entries = notes().documents[0].entries
    kinds = {entry.id: entry.role if entry.verdict is None else entry.verdict.verdict for entry in entries}
    assert set(kinds.values()) == {"given", "proved", "refuted", "skipped", "unreadable"}
    for name, kind in kinds.items():
        assert read.by_id(name)["data-kind"] == kind


def test_ids_are_distinct_and_links_lead_somewhere(page):
    for text in (page, page_of(hostile)):
        read = _Reader(text)
        ids = [attrs["id"] for _, attrs in read.tags if "id" in attrs]
        assert len(ids) == len(set(ids))
    targets = {
        unquote(attrs["href"]) for tag, attrs in _Reader(page).tags if tag == "a" and attrs["href"].startswith("#")
    }
    assert targets <= {f"#{attrs['id']}" for _, attrs in _Reader(page).tags if "id" in attrs}


def test_the_evidence_stands_behind_a_refuted_claim(page):
    read = _Reader(page)
    words = " ".join(read.text)
    for part in ("Smallest counterexample", "One edit away: Wᵀ should be W", "2 entries differ", "prime field",
                 "Derivation, step by step", "normal form", "Proof for all steps", "understood as"):  # fmt: skip
        assert part in words
    assert page.count("<del>⊤</del>") == 1
    assert page.count('class="differs"') == 4
    assert 'class="gone"' in page


def test_prose_stands_around_the_equations(page):
    assert "<h3>Notes with every sort of line</h3>" in page
    assert "<em>pre-activation</em>" in page
    assert page.index("Quoted:") < page.index('id="2.3"') < page.index("and so on.")
    assert re.search("<mtext>.其中.</mtext>", page)  # words that are read as no part of the formula
    assert "newcommand" not in page  # definitions are no prose, and formulas have them expanded
    assert "<summary>Declarations</summary>" in page


def test_latex_prose_is_reduced(page):
    text = page_of(hostile)
    for part in ("<em>prose</em>", "50% of it", "<li>one</li>", "A section with", '<a href="#eq:w">'):
        assert part in text
    assert '<code class="unset">\\unknown{&lt;b&gt;x&lt;/b&gt;}</code>' in text
    assert re.search(r"<h3>On <math>.*?</math></h3>", text)
    assert "a comment" not in text


def test_the_same_report_gives_the_same_bytes(page):
    assert render(judged(("notes.md", NOTES))) == page


def test_the_policy_names_the_one_style_and_script_by_their_hashes(page):
    policy = next(a["content"] for _, a in _Reader(page).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_nothing_is_loaded_and_no_attribute_acts(page):
    for text in (page, page_of(hostile)):
        for tag, attrs in _Reader(text).tags:
            assert not {name for name in attrs if name.startswith("on") or name in ("src", "srcset", "style", "action")}
            assert tag not in ("img", "iframe", "object", "embed", "link", "base")
            if tag == "a":
                assert attrs["href"].startswith(("#", "https://", "http://", "mailto:"))
        assert text.count("<script>") == 1


def test_hostile_text_stays_text():
    page = page_of(hostile)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\ue000\ue001]", page)
    body = page[page.index("<body") : page.rindex("<script>")]
    assert "<script" not in body
    assert "&lt;script&gt;window.hit = 3&lt;/script&gt;" in body
    for name in ("deep", "long", "roots"):
        assert re.search(rf'id="{name}"', page)


def test_documents_that_share_ids_have_anchors_of_their_own():
    page = render(judged(("a.tex", TEX), ("b.tex", TEX)))
    ids = {attrs["id"] for _, attrs in _Reader(page).tags if "id" in attrs}
    assert {"eq:w", "b.tex::eq:w"} <= ids


def test_an_empty_report_has_a_page():
    assert "Not as it should be" in render(judged(("empty.md", "nothing is claimed")))


def test_notebook_fragments_have_no_script_and_no_anchor():
    for text in (notes()._repr_html_(), notes()["J"]._repr_html_()):
        assert "<script" not in text
        assert " id=" not in text
        assert "refuted" in text
        _Reader(text)


def test_a_derivation_stands_beside_the_derivative_it_is_of():
    entry = next(entry for entry in notes().documents[0].entries if entry.id == "2.3")
    found = view(entry, "2.3")
    assert found.derivation.left == "\\delta_{t-1}"
    assert len(found.derivation.steps) > 1
    assert view(next(e for e in notes().documents[0].entries if e.id == "chain/1"), "").derivation is None


def test_a_derivation_is_written_in_the_document_s_own_conventions():
    """What is true in numerator layout is false as it stands beside formulas in the other."""
    claim = r"$$\frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = %s \tag{w}$$"
    head = HEAD.replace("gradient: row", "gradient: shape")
    for layout, right in (("numerator", "W"), ("denominator", "W^\\top")):
        report = judged(("a.md", head.replace("numerator", layout) + claim % right))
        (line,) = [line for line in views(report)[0].entries if line.id == "w"]
        assert line.kind == "proved"
        assert (line.derivation.left, line.derivation.right) == (claim[2:].partition(" = ")[0], right)


def test_the_command_writes_the_page(tmp_path):
    (tmp_path / "a.md").write_text("```backproof\nsymbols: {W: n x n}\n```\n$$ W + W = 2 W \\tag{w} $$\n")
    out = tmp_path / "a.html"
    result = CliRunner().invoke(main, ["verify", "--html", str(out), "-q", "--examples", "0", str(tmp_path / "a.md")])
    assert result.exit_code == 0
    assert 'id="w"' in out.read_text()
    result = CliRunner().invoke(main, ["verify", "--html", str(tmp_path / "no" / "a.html"), str(tmp_path / "a.md")])
    assert result.exit_code == 2
    assert "--html" in result.output
    assert "its folder does not exist" in result.output


def test_derivations_have_a_page():
    result = CliRunner().invoke(main, ["derive", "rnn", "--wrt", "W", "--as", "html"])
    assert result.exit_code == 0
    read = _Reader(result.output)
    assert read.by_id("2.8")["data-kind"] == "derived"
    assert 'class="unset"' not in result.output
    assert any("immediate" in text or "sum" in text.lower() for text in read.text)


def test_the_font_is_in_the_package_with_its_licence():
    folder = Path(render.__code__.co_filename).parent / "templates"
    assert (folder / "stix-two-math.woff2").read_bytes()[:4] == b"wOF2"
    assert "SIL OPEN FONT LICENSE" in (folder / "stix-two-math.OFL.txt").read_text(encoding="utf-8")


def test_the_wheel_holds_templates_and_font(tmp_path):
    """A wheel without its data installs well and fails at the first report."""
    hatchling = pytest.importorskip(
        "hatchling.builders.wheel", reason="hatchling is not installed: pip install hatchling"
    )
    root = Path(render.__code__.co_filename).parents[3]
    (built,) = hatchling.WheelBuilder(str(root)).build(directory=str(tmp_path), versions=["standard"])
    inside = {name.rpartition("templates/")[2] for name in ZipFile(built).namelist() if "/html/templates/" in name}
    assert inside == {file.name for file in (root / "verify" / "report" / "html" / "templates").iterdir()}
    assert {"stix-two-math.woff2", "stix-two-math.OFL.txt", "page.css", "page.js", "report.html"} <= inside


@pytest.mark.parametrize("path", ["a.md", "a.tex"])
@pytest.mark.parametrize(
    "text", ["<!--\n", "\\( ", "$x ", "$", "{", "\\begin{verbatim}", "\\emph{", "\\item ", "> ", "[a]("]
)
def test_no_text_takes_long_to_show(path, text):
    """Nothing that is never closed is looked for from each of its beginnings on."""
    document = read(path, text * (30_000 // len(text)))
    began = time.process_time()
    Written(document, lambda statement, latex: Markup(""), lambda label: None).html()
    assert time.process_time() - began < 5


def test_what_no_document_holds_is_said_at_the_top():
    """Files that could not be read, and what changed since a lock: a page that is not green says why."""
    change = Difference("a.md", "w<b>", "verdict", "was proved, is gone")
    report = replace(notes(), notes=("gone.md: cannot be read <b>",), locked=Comparison("backproof.lock", (change,)))
    text = render(report)
    top = text[: text.index("<main")]
    assert "gone.md: cannot be read &lt;b&gt;" in top
    assert "backproof.lock:1" in top
    assert "w&lt;b&gt;: was proved, is gone" in top


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.md", "**see $$ W = W \\tag{w} $$ here**"),
        ("a.md", "[see $$ W = W \\tag{w} $$ here](https://example.org)"),
        ("a.md", "![$$ W = W \\tag{w} $$](a.png)"),
        ("a.md", "[x]:\n$$ W = W \\tag{w} $$\n\nend"),
        ("a.tex", "\\fbox{$$ W = W \\tag{w} $$}"),
        ("a.tex", "\\thanks{$$ W = W \\tag{w} $$}"),
        ("a.tex", "\\begin{document}a\\end{document} $$ W = W \\tag{w} $$"),
    ],
)
def test_no_equation_is_lost_wherever_it_stands(path, text):
    block = "% backproof\n% symbols: {W: n x n}\n% end backproof\n"
    head = block if path.endswith(".tex") else "```backproof\nsymbols: {W: n x n}\n```\n\n"
    report = judged((path, head + text))
    assert [entry.id for entry in report.documents[0].entries] in (["w"], [])
    page = render(report)
    assert page.count('id="w"') == len(report.documents[0].entries)
    assert "\ue000" not in page


def test_a_file_whose_name_is_no_text_has_every_form(tmp_path):
    file = tmp_path / "a\udcff\x1b.md"
    file.write_text(
        "```backproof\nsymbols: {W: n x n}\n```\n$$ W = 2 W \\tag{w} $$\n$$ W = Q \\tag{u} $$", encoding="utf-8"
    )
    forms = [part for form in FORMS for part in (f"--{form}", str(tmp_path / f"a.{form}"))]
    result = CliRunner().invoke(main, ["verify", "--no-cache", "--examples", "0", *forms, str(file)])
    assert result.exit_code == 1, result.output
    assert "\x1b" not in result.output
    for form in FORMS:
        assert (tmp_path / f"a.{form}").read_text(encoding="utf-8")


def test_balls_that_meet_do_not_differ():
    """Two ways to the same tanh: equal numbers with other radii are no difference."""
    left, right = ({"mid": "0.76", "rad": "1e-20"}, {"mid": "0.76", "rad": "3e-20"})
    example = Counterexample({}, {}, {}, {}, [[left, "1"], ["0", "1"]], [[right, "2"], ["0", "1"]])
    assert sides(example)[2] == 1
    assert counterexample_text(example).plain.count("*") == 2


def test_only_exact_counterexamples_are_called_the_smallest():
    example = Counterexample({"n": 1}, {}, {}, {}, "1", "2", is_numeric=True)
    assert counterexample_text(example).plain.startswith("counterexample of a numeric witness: n = 1")


def test_a_counterexample_of_one_reading_names_it():
    entry = next(entry for entry in judged(("o.md", OPEN)).documents[0].entries if entry.id == "o")
    assert entry.verdict.verdict == "conditional"
    assert "layout: " in view(entry, "o").example.title
    assert "with layout: " in trouble_text(entry)


def test_a_broad_picture_keeps_its_letters_on_a_phone():
    pieces = environment().get_template("entry.html").module
    for width, name in ((599, 'class="scroll"'), (1231, 'class="scroll broad"')):
        picture = Picture("m", Drawing(width, 10).svg("a title", "words"), "a caption", "words")
        shown = str(pieces.pictures([picture]))
        assert name in shown
        assert shown.count("words") == 1  # read out once
