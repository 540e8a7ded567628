"""The site's own small machines; `.ci/docs` builds the whole of it."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
sys.path.insert(0, str(DOCS / "_ext"))
contents = pytest.importorskip("contents")
repository_links = pytest.importorskip("repository_links")


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".html", '<script async src="https://cdn.example/x.js"></script>'),
        (".html", "<link rel=stylesheet href=//fonts.example/css>"),
        (".html", '<img alt="a" src="http://example/x.png">'),
        (".html", "<style>@import 'https://example/x.css';</style>"),
        (".html", '<p style="background:url(https://example/x.png)">'),
        (".css", '@font-face { src: url("https://example/x.woff2") }'),
        (".css", "@import url(//example/x.css);"),
        (".svg", "<style>@font-face { src: local(x), url('https://example/x.woff2') }</style>"),
        (".svg", '<image xlink:href="https://example/x.png"/>'),
    ],
)
def test_what_is_loaded_from_elsewhere_is_found(suffix, text):
    self_contained = pytest.importorskip("self_contained", reason="Sphinx is not installed")
    assert list(self_contained.loads(suffix, text))


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".html", '<a href="https://example/">a link</a> <script src="_static/x.js"></script>'),
        (".html", '<svg xmlns="http://www.w3.org/2000/svg"><use href="#a"></use></svg>'),
        (".css", "/* https://example/ */ a { background: url(x.png) }"),
    ],
)
def test_links_are_no_loads(suffix, text):
    self_contained = pytest.importorskip("self_contained", reason="Sphinx is not installed")
    assert not list(self_contained.loads(suffix, text))


def test_every_page_is_in_the_contents_once():
    listed = [line for line in contents.contents(DOCS).splitlines() if line and not line.startswith((":", "`"))]
    pages = [path.stem for suffix in ("md", "ipynb") for path in DOCS.glob(f"*.{suffix}") if path.stem != "index"]
    assert len(listed) == len(set(listed))
    assert set(pages) <= set(listed)
    assert {f"howto/{path.stem}" for path in (DOCS / "howto").glob("*.md")} <= set(listed)


def test_a_page_that_no_section_names_stands_in_the_last(tmp_path):
    (tmp_path / "unheard.md").write_text("# Unheard of")
    assert contents.contents(tmp_path).rstrip().endswith("unheard\n```")


def test_what_a_code_host_understands_is_translated(tmp_path):
    docs = tmp_path / "docs"
    (docs / "howto").mkdir(parents=True)
    (tmp_path / "examples").mkdir()
    for name in ("README.md", "examples/code.py", "docs/trust.md"):
        (tmp_path / name).write_text("")
    for folder, before, after in (
        (docs, '<a id="x-1"></a>', "(x-1)="),
        (docs, "see [the README](../README.md).", "see the README."),
        (docs, "[a folder](../examples)", "a folder"),
        (docs, "[code](../examples/code.py)", "[code](../examples/code.py)"),
        (docs, "[gone](../gone.md)", "[gone](../gone.md)"),
        (docs / "howto", "[trust](../trust.md)", "[trust](../trust.md)"),
    ):
        assert repository_links.translated(before, folder, docs) == after


def test_a_line_that_is_not_proved_ends_the_build():
    pages = pytest.importorskip("derivation_pages", reason="Sphinx is not installed")
    from derive.models.systems import system
    from verify.verdict import Verdict

    derivation = system("tanh").quantities()[0]
    assert pages._checked("tanh", derivation, Verdict("proved")).verdict == "proved"
    for verdict in (Verdict("refuted"), Verdict("tested"), Verdict("undecided"), None):
        with pytest.raises(pages.ExtensionError):
            pages._checked("tanh", derivation, verdict)


def test_a_page_shows_the_verdict_on_each_line():
    pages = pytest.importorskip("derivation_pages", reason="Sphinx is not installed")
    from derive.models.systems import system
    from verify.cache import Cache

    text, found = pages.section(system("tanh"), Cache(), "#")
    assert len(found) == text.count('class="verdict proved"') == text.count("<details>")
    assert f"{len(found)} lines proved, for all sizes and all steps." in text
