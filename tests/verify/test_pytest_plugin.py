"""The pytest plugin, tried on small projects: each test is a run of pytest within this one."""

import io
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from rich.console import Console

import verify.pytest_plugin.collection
import verify.pytest_plugin.fixture  # noqa: F401  (kept loaded: pytester forgets what an inner run imports)
from verify.cli.verify import verify as command
from verify.limits import Effort
from verify.pytest_plugin.hooks import pytest_assertrepr_compare
from verify.report.terminal import show_document
from verify.run import Run

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[2]
QUICK = ("-p", "verify.pytest_plugin", "--backproof-examples", "0", "--backproof-repair-limit", "0")
HEAD = """# Notes

```backproof
symbols: {u: n, v: n, w: n}
```

"""
NOTES = (
    HEAD
    + r"""
$$v + w = w + v \tag{1}$$

$$v + v + w = 2 v + w = w + 2 v \tag{2.3}$$

$$v + w = v - w \tag{wrong}$$

<!-- backproof: expect: refuted -->
$$v = 2 v \tag{erratum}$$

<!-- backproof: skip: an analogy -->
$$v \heartsuit w \tag{heart}$$
"""
)
LINES = {"1": 8, "2.3/1": 10, "2.3/2": 10, "wrong": 12, "erratum": 15, "heart": 18}
RIGHT = HEAD + "$$v + w = w + v \\tag{1}$$\n"
# replaces the judging of an inner run
BREAK = """
import pytest, verify.judge

def pytest_collection_finish(session):
    def entry(self, statement, link):
        {0}
    patch = pytest.MonkeyPatch()
    patch.setattr(verify.judge.Judge, "entry", entry)
    session.config.add_cleanup(patch.undo)
"""


@pytest.fixture
def project(pytester):
    """A project with one document; `run` runs pytest on it."""
    write(pytester, "notes.md", NOTES)
    return pytester


def write(pytester, name, text):
    path = pytester.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def run(pytester, *arguments, on=True):
    return pytester.runpytest_inprocess(*QUICK, *(("--backproof",) if on else ()), *arguments)


def collected(pytester, *arguments):
    items, _ = pytester.inline_genitems(*QUICK, *arguments)
    return items


# --- collecting ----------------------------------------------------------------------------------------------------


def test_each_equation_is_a_test_at_its_file_and_line(project):
    items = collected(project, "--backproof")
    assert [item.nodeid for item in items] == [f"notes.md::{name}" for name in LINES]
    assert {item.name: item.location[1] + 1 for item in items} == LINES
    assert {item.location[0] for item in items} == {"notes.md"}


def test_nothing_is_collected_that_was_not_asked_for(project):
    project.makepyfile(test_a="def test_a(): pass")
    assert [item.name for item in collected(project)] == ["test_a"]
    assert run(project, on=False).parseoutcomes() == {"passed": 1}


def test_an_ini_file_asks_for_all_or_for_some(project):
    write(project, "docs/other.md", RIGHT)
    write(project, "docs/other.txt", RIGHT)
    project.makeini("[pytest]\nbackproof = true\n")
    assert {item.nodeid.split("::")[0] for item in collected(project)} == {"notes.md", "docs/other.md"}
    project.makeini("[pytest]\nbackproof = true\nbackproof_files = docs/*.md *.txt\n")
    assert [item.nodeid for item in collected(project)] == ["docs/other.md::1", "docs/other.txt::1"]


def test_latex_and_notebooks_with_the_places_of_their_parts(pytester):
    block = "% backproof\n% symbols: {v: n}\n% end backproof\n"
    write(pytester, "book.tex", block + "\\input{chapter}\n\\[v = v \\tag{a}\\]\n")
    write(pytester, "chapter.tex", "% nothing\n\\[v = v \\tag{b}\\]\n")
    cell = {"cell_type": "markdown", "metadata": {}, "source": HEAD + "$$v = v \\tag{c}$$"}
    write(pytester, "note.ipynb", json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))
    found = {item.nodeid: item.location[:2] for item in collected(pytester, "--backproof")}
    assert found == {
        "book.tex::b": ("chapter.tex", 1), "book.tex::a": ("book.tex", 4), "note.ipynb::c": ("note.ipynb", 0),
    }  # fmt: skip
    assert run(pytester).parseoutcomes() == {"passed": 3}


def test_what_is_no_derivation_is_left_alone_and_said_only_where_it_was_named(pytester):
    write(pytester, "README.md", "Checked by backproof.\n\n$$v = w$$\n")
    (pytester.path / "latin.md").write_bytes("Größe".encode("latin-1"))
    quiet = run(pytester)
    assert quiet.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "README.md" not in quiet.stdout.str()
    quiet.stdout.fnmatch_lines(["backproof: no equation was collected. A document has a backproof block*"])
    named = run(pytester, "README.md")
    assert named.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    named.stdout.fnmatch_lines(["*BackproofWarning: README.md: no backproof block, so nothing is collected"])


def test_a_document_that_claims_nothing_is_never_green(pytester):
    write(pytester, "notes.md", HEAD + "<!-- backproof: given -->\n$$w = v \\tag{1}$$\n")
    result = run(pytester)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["*notes.md: no claim: no display equation outside given and skip"])


def test_a_file_that_cannot_be_read_is_an_error_and_hides_nothing(project):
    (project.path / "other.md").write_bytes("```backproof\nGröße".encode("latin-1"))
    result = run(project, "-k", "unreadable or erratum")
    assert result.parseoutcomes() == {"passed": 1, "errors": 1, "deselected": 5}
    result.stdout.fnmatch_lines(["other.md: cannot be read: it is no UTF-8 text"])


def test_hostile_ids_make_plain_node_ids(pytester):
    text = HEAD + "$$v = v \\tag{a::b}$$\n\n$$v = v \\tag{a:b}$$\n\n$$v = v \\tag{\x1b[31mred\u202e}$$\n"
    write(pytester, "notes.md", text)
    items = collected(pytester, "--backproof")
    assert [item.name for item in items] == ["a:b", "a:b.2", "[31mred"]
    assert "\x1b" not in run(pytester, "-v", "--color=no").stdout.str()


# --- choosing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["notes.md::1"], ["1"]),
        (["notes.md::2.3/2"], ["2.3/2"]),
        (["notes.md::2.3"], ["2.3/1", "2.3/2"]),
        (["-k", "2.3 or heart"], ["2.3/1", "2.3/2", "heart"]),
        (["-m", "not backproof"], []),
    ],
)
def test_only_what_is_chosen_is_collected(project, arguments, names):
    lines = run(project, "--collect-only", "-q", *arguments).stdout.lines
    assert [line.removeprefix("notes.md::") for line in lines if line.startswith("notes.md::")] == names


def test_only_what_is_chosen_is_judged(project):
    project.makeconftest(BREAK.format("raise RuntimeError(f'judged {statement.id}')"))
    result = run(project, "-k", "2.3/1")
    result.stdout.fnmatch_lines(["*judged 2.3"])
    assert result.parseoutcomes() == {"failed": 1, "deselected": 5}


def test_what_failed_last_is_run_again_and_x_stops(project):
    assert run(project).parseoutcomes() == {"passed": 4, "failed": 1, "skipped": 1}
    assert run(project, "--lf").parseoutcomes() == {"failed": 1}
    stopped = run(project, "-x", "--durations", "0", "-vv")
    assert stopped.parseoutcomes() == {"passed": 3, "failed": 1}
    stopped.stdout.fnmatch_lines(["*s call * notes.md::wrong"])


# --- failing -------------------------------------------------------------------------------------------------------


def test_a_failure_reads_as_the_command_prints_it(project):
    document = Run(("notes.md",), Effort(examples=0, repair_seconds=0), only=("wrong",))
    report = document.report()
    written = io.StringIO()
    show_document(report.documents[0], report, Console(file=written, width=200, color_system=None))
    told = [line.rstrip() for line in written.getvalue().split("\n")]
    told = told[told.index("notes.md:12:3: wrong: refuted") :]
    result = run(project, "--color=no")
    lines = result.stdout.lines
    start = lines.index("notes.md:12:3: wrong: refuted")
    assert lines[start - 1].strip("_ ") == "notes.md:12: wrong"
    shown = lines[start : start + len(told) - 1]
    assert shown == told[:-1]
    assert "    smallest counterexample: n = 1" in shown
    result.stdout.fnmatch_lines(["FAILED notes.md::wrong - refuted: false: n = 1"])


def test_a_wrong_declaration_is_an_error_with_its_caret_beside_the_claims(pytester):
    write(pytester, "notes.md", RIGHT.replace("symbols:", "layuot: numerator\nsymbols:"))
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["notes.md:4:1: unknown key layuot; did you mean layout?", "    layuot: numerator", "    ^^^^^^"],
        consecutive=True,
    )
    assert [item.location[1] for item in collected(pytester, "--backproof")] == [3, 7]


def test_an_equation_chosen_from_a_document_with_a_wrong_declaration_is_green_with_a_warning(pytester):
    write(pytester, "notes.md", RIGHT.replace("symbols:", "layuot: numerator\nsymbols:"))
    result = run(pytester, "notes.md::1")
    assert result.parseoutcomes() == {"passed": 1, "warnings": 1}
    result.stdout.fnmatch_lines(["*BackproofWarning: notes.md:4:1: unknown key layuot;*are judged without it"])


def test_the_verdict_does_not_depend_on_the_filters_of_warnings(project):
    says = "import warnings; warnings.warn('rounding', RuntimeWarning); return known(self, statement, link)"
    project.makeconftest(BREAK.format(says) + "known = verify.judge.Judge.entry\n")
    assert run(project, "notes.md::1", "-W", "error").parseoutcomes() == {"passed": 1, "warnings": 1}


def test_a_given_that_cannot_be_read_fails(pytester):
    write(pytester, "notes.md", RIGHT + "\n<!-- backproof: given -->\n$$q = $$\n")
    result = run(pytester)
    assert result.parseoutcomes() == {"failed": 2}
    result.stdout.fnmatch_lines(["FAILED notes.md::L10 - unreadable: *"])


def test_what_is_only_tested_fails_where_proof_is_required(pytester):
    write(pytester, "notes.md", HEAD + r"$$\lVert v + w \rVert \le \lVert v \rVert + \lVert w \rVert \tag{1}$$" + "\n")
    assert run(pytester, "--backproof-examples", "2").parseoutcomes() == {"passed": 1}
    strict = run(pytester, "--backproof-examples", "2", "--backproof-require-proof")
    assert strict.parseoutcomes() == {"failed": 1}
    strict.stdout.fnmatch_lines(["FAILED notes.md::1 - tested: *"])


def test_a_skipped_equation_gives_the_documents_reason(project):
    run(project, "-v").stdout.fnmatch_lines(["notes.md::heart SKIPPED (an analogy)*"])


def test_a_good_verdict_that_rests_on_no_check_is_no_success(project):
    says = "from verify.verdict import Verdict; return verify.judge.Entry('1', 'claim', '', statement.place, {})"
    project.makeconftest(BREAK.format(says.format("Verdict('proved', 'of course')")))
    result = run(project, "notes.md::1")
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines(["*no check ran, which is an error in Backproof*"])
    project.makeconftest(BREAK.format(says.format("None")))
    assert run(project, "notes.md::1").parseoutcomes() == {"failed": 1}


def test_witnesses_that_disagree_are_an_internal_error(project):
    project.makeconftest(
        BREAK.format("from verify.errors import WitnessConflict; raise WitnessConflict('\\x1bone and another')")
    )
    result = run(project, "notes.md::1")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines(["*!!! two witnesses disagree: an error in Backproof !!!*", "notes.md::1: please *"])
    assert "\x1b" not in result.stdout.str()
    assert "During handling" not in result.stdout.str()


def test_an_interrupt_keeps_what_is_known(project):
    project.makeconftest(
        BREAK.format("if statement.id == '2.3': raise KeyboardInterrupt\n        return known(self, statement, link)")
        + "known = verify.judge.Judge.entry\n"
    )
    result = project.runpytest_inprocess(*QUICK, "--backproof", no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert result.parseoutcomes() == {"passed": 1}


def test_a_document_that_goes_after_it_was_collected_is_judged_as_it_was(project):
    project.makeconftest("import os\ndef pytest_collection_finish(session): os.unlink('notes.md')\n")
    assert run(project).parseoutcomes() == {"passed": 4, "failed": 1, "skipped": 1}
    assert not (project.path / "notes.md").exists()


def test_the_evidence_stands_in_pytests_own_junit_file(project):
    from xml.etree import ElementTree

    run(project, "--junitxml", "junit.xml")
    (suite,) = ElementTree.parse(project.path / "junit.xml").getroot()
    cases = {case.get("name"): case for case in suite}
    assert set(cases) == set(LINES)
    found = {p.get("name"): p.get("value") for p in cases["wrong"].find("properties")}
    assert found["verdict"] == "refuted"
    assert found["reason"] == "value"
    assert found["counterexample"] == "n = 1"
    assert found["witness prime field"].startswith("differ on ")
    assert found["sizes"] == "all"
    assert cases["wrong"].find("failure").get("message") == "refuted: false: n = 1"
    assert {p.get("name") for p in cases["erratum"].find("properties")} >= {"verdict", "expected"}


# --- the rest of pytest --------------------------------------------------------------------------------------------


def test_workers_find_the_same(project):
    """Two processes, each of which reads the document once: the same tests with the same results and summaries."""
    alone = run(project)
    both = subprocess.run(
        [sys.executable, "-m", "pytest", *QUICK, "--backproof", "-n", "2", "--assert", "plain"],
        capture_output=True, text=True, timeout=300, check=False, cwd=project.path, env=environment(),
    )  # fmt: skip
    assert both.returncode == alone.ret == 1, both.stdout + both.stderr
    assert "FAILED notes.md::wrong - refuted: false: n = 1" in both.stdout
    assert alone.parseoutcomes() == alone.parse_summary_nouns(both.stdout.splitlines())


def environment():
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


LAZY = """
def pytest_unconfigure():
    import sys
    heavy = {"sympy", "numpy", "click", "rich", "lark", "yaml", "markdown_it", "verify.judge"} & set(sys.modules)
    print("\\nLOADED", sorted(heavy), "verify.pytest_plugin.hooks" in sys.modules)
"""


def test_a_run_that_does_not_use_it_loads_nothing_heavy(pytester):
    write(pytester, "notes.md", NOTES)
    pytester.makepyfile(test_a="def test_a(): pass")
    pytester.makeconftest(LAZY)
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "verify.pytest_plugin", "-p", "no:hypothesispytest", "-p", "no:xdist"],
        capture_output=True, text=True, timeout=300, check=False, cwd=pytester.path, env=environment(),
    )  # fmt: skip
    assert "LOADED [] True" in found.stdout, found.stdout + found.stderr


@pytest.fixture
def installed(pytester):
    """An installation whose entry point is the one that pyproject.toml declares."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    points = [f"{name} = {value}" for name, value in declared["pytest11"].items()]
    write(pytester, "site/backproof-0.dist-info/entry_points.txt", "\n".join(["[pytest11]", *points]))
    write(pytester, "site/backproof-0.dist-info/METADATA", "Metadata-Version: 2.1\nName: backproof\nVersion: 0\n")
    pytester.syspathinsert(pytester.path / "site")


@pytest.mark.usefixtures("installed")
def test_installed_it_is_found_loaded_once_and_can_be_switched_off(project):
    project.makeini("[pytest]\naddopts = --backproof-examples 0 --backproof-repair-limit 0\n")
    assert project.runpytest_inprocess("--backproof", "notes.md::1").parseoutcomes() == {"passed": 1}
    assert run(project, "notes.md::1").parseoutcomes() == {"passed": 1}
    project.makeconftest("pytest_plugins = ['verify.pytest_plugin']\n")
    assert project.runpytest_inprocess("--backproof", "notes.md::1").parseoutcomes() == {"passed": 1}
    off = run(project, "-p", "no:backproof")
    assert off.ret == pytest.ExitCode.USAGE_ERROR
    off.stderr.fnmatch_lines(["*unrecognized arguments: *--backproof*"])


def test_the_defaults_are_those_of_the_command(pytester):
    config = pytester.parseconfig("-p", "verify.pytest_plugin")
    defaults = {parameter.name: parameter.default for parameter in command.params}
    for name in ("examples", "seed", "steps", "time_limit", "repair_limit"):
        assert config.getoption(f"backproof_{name}") == defaults[name]


@pytest.mark.parametrize("arguments", [["--backproof-steps", "13"], ["--backproof-time-limit", "nan"]])
def test_a_number_out_of_its_bounds_is_refused(pytester, arguments):
    result = run(pytester, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*argument {arguments[0]}: '{arguments[1]}' is no number *"])


def test_the_settings_reach_the_judge(project):
    items = collected(project, "--backproof", "--backproof-seed", "7", "--backproof-steps", "2", "--backproof-no-cache")
    settings = items[0].parent.settings
    assert settings.effort == Effort(steps=2, examples=0, seed=7, repair_seconds=0)
    assert settings.cache is None


# --- hand-written tests --------------------------------------------------------------------------------------------


def test_the_fixture_and_the_functions_read_well(project):
    project.makepyfile(r"""
        import sympy as sp
        import verify
        from derive import Model
        n = sp.Symbol("n", integer=True, positive=True)
        V, W = sp.MatrixSymbol("V", n, n), sp.MatrixSymbol("W", n, n)

        def test_claim(backproof):
            assert backproof.claim(V + W, W + V, model=Model(())).verdict == "proved"

        def test_false(backproof):
            backproof.claim(V * W, W * V, model=Model(()))

        def test_document(backproof):
            backproof.document("notes.md")

        def test_backward(backproof):
            backproof.backward(lambda inputs, cotangents: {}, model="rnn", instances=1)

        def test_plain():
            assert verify.claim(V * W, W * V, model=Model(()), examples=0).verdict == "proved"

        def test_text():
            assert verify.claim(V, V, model=Model(()), examples=0) == "proved"

        def test_ok():
            assert verify.document("notes.md", examples=0).ok
    """)
    result = run(
        project, "test_the_fixture_and_the_functions_read_well.py", "--junitxml", "j.xml", "-W", "error", "-vv"
    )
    assert result.parseoutcomes() == {"passed": 1, "failed": 6}
    result.stdout.fnmatch_lines(
        [
            "E       Failed: V W = W V: refuted", "E           false: n = 2",
            "E           smallest counterexample: n = 2",
            "E       Failed: notes.md:12:3: wrong: refuted",
            "E       Failed: rejected: * against rnn",
            "E        +  where 'refuted' = <Verdict refuted: false: n = 2>.verdict",
            "E         a verdict is no text: compare verdict.verdict",
            "E        +  where False = <Report not ok: *; notes.md:12:3: wrong: <Verdict refuted: false: n = 1*>>.ok",
        ]
    )  # fmt: skip
    said = (project.path / "j.xml").read_text(encoding="utf-8")
    assert '<property name="notes.md::2.3/1" value="proved" />' in said
    assert '<property name="verdict" value="rejected" />' in said
    assert "/verify/api.py" not in result.stdout.str()


def test_the_fixture_fails_where_nothing_is_claimed(pytester):
    write(pytester, "notes.md", HEAD)
    pytester.makepyfile("def test_it(backproof):\n    backproof.document('notes.md')\n")
    result = run(pytester)
    assert result.parseoutcomes() == {"failed": 1, "warnings": 1}
    result.stdout.fnmatch_lines(["E       Failed: notes.md: no claim: *"])


def test_the_example_project_passes_and_can_fail(pytester):
    shutil.copytree(ROOT / "examples" / "pytest_project", pytester.path / "project")
    inside = pytester.path / "project"
    quick = (*QUICK, "--rootdir", "project", "-c", "project/pyproject.toml", "-p", "no:cacheprovider")
    result = pytester.runpytest_inprocess(*quick, "project")
    assert result.parseoutcomes() == {"passed": 8, "skipped": 1}
    notes = inside / "docs" / "rnn.md"
    notes.write_text(notes.read_text(encoding="utf-8").replace(r"W^\top \op", r"W \op"), encoding="utf-8")
    broken = pytester.runpytest_inprocess(*quick, "project/docs")
    assert broken.parseoutcomes() == {"passed": 2, "failed": 1, "skipped": 1}
    broken.stdout.fnmatch_lines(["    the document expects refuted"])


def test_what_is_said_of_a_failed_comparison_asks_nothing_of_foreign_objects():
    """An object that compares with its own kind only is nobody's word."""

    class Strict:
        def __eq__(self, other):
            raise TypeError("compares with its own kind only")

        __hash__ = None

    for left, right in ((Strict(), "proved"), ("proved", Strict())):
        saying = pytest_assertrepr_compare("==", left, right)
        next(saying)
        with pytest.raises(StopIteration) as ended:
            saying.send(["told"])
        assert ended.value.value == ["told"]
