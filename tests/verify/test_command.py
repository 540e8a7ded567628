"""The command: exit codes, messages for strangers, JSON with stable keys and bytes."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tests.documents import HEAD
from verify.cli import main, outputs
from verify.report.outputs import FORMS
from verify.run import Run

NOTES = (
    HEAD
    + r"""$$\delta_{t-1}^\top = \delta_t^\top W \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right] \tag{2.3}$$
"""
)
WRONG = (
    r"$$\delta_{t-1}^\top = \delta_t^\top W^\top \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right] \tag{w}$$"
    + "\n"
)
UNREADABLE = r"$$\delta_{t-1}^\top = \delta_t^\top Q \tag{u}$$" + "\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKPROOF_CACHE", str(tmp_path / "cache"))

    def call(*arguments, text=None, stdin=None):
        if text is not None:
            (tmp_path / "notes.md").write_text(text, encoding="utf-8")
        return CliRunner().invoke(main, ["verify", "--examples", "8", *arguments], input=stdin)

    return call


def claims(result):
    data = json.loads(result.stdout)
    return data, {c["id"]: c for document in data["documents"] for c in document["claims"]}


def test_a_right_derivation_exits_0(run):
    result = run("notes.md", text=NOTES)
    assert result.exit_code == 0, result.output
    assert "proved" in result.output
    assert "all as it should be" in result.output


def test_a_wrong_claim_exits_1_with_its_smallest_counterexample_and_hides_nothing(run):
    result = run("--json", "-", "notes.md", text=NOTES + WRONG + UNREADABLE)
    assert result.exit_code == 1
    data, found = claims(result)
    assert found["2.3"]["verdict"] == "proved"
    assert found["w"]["verdict"] == "refuted"
    assert found["w"]["reason"] == "value"
    example = found["w"]["counterexample"]
    assert example["sizes"]["n"] == 2
    assert example["times"] == {"t": 2}
    assert example["left"] != example["right"]
    assert found["u"]["verdict"] == "unreadable"
    assert "Q is not declared" in found["u"]["message"]
    assert data["ok"] is False
    assert data["summary"] == {
        "proved": 1, "tested": 0, "conditional": 0, "undecided": 0, "refuted": 1, "unreadable": 1,
    }  # fmt: skip


def test_the_json_has_the_documented_keys(run):
    data, found = claims(run("--json", "-", "notes.md", text=NOTES))
    assert {"backproof", "format", "seed", "documents", "summary", "ok"} <= set(data)
    keys = {
        "id", "role", "line", "column", "latex", "verdict", "reason", "expected", "ok", "scope", "assumptions",
        "readings", "witnesses", "counterexample", "repair", "certificate", "message",
    }  # fmt: skip
    assert keys <= set(found["2.3"])
    assert found["1"]["role"] == "given"
    assert {"name", "outcome", "instances", "bound"} <= set(found["2.3"]["witnesses"][0])
    names = [witness["name"] for witness in found["2.3"]["witnesses"]]
    assert {"prime field", "normal form", "complex step", "tangents"} <= set(names)
    assert "seconds" not in found["2.3"]
    _, timed = claims(run("--json", "-", "--timings", "notes.md"))
    assert timed["2.3"]["seconds"] > 0


def test_the_same_seed_gives_the_same_bytes(run):
    first = run("--json", "-", "--seed", "7", "notes.md", text=NOTES + WRONG)
    second = run("--json", "-", "--seed", "7", "notes.md")
    assert first.stdout == second.stdout


def test_an_expected_refutation_is_ok_and_fails_the_day_it_holds(run):
    expect = "\n<!-- backproof: expect: refuted -->\n"
    assert run("notes.md", text=NOTES + expect + WRONG).exit_code == 0
    right = WRONG.replace("W^\\top", "W")
    result = run("notes.md", text=NOTES + expect + right)
    assert result.exit_code == 1
    assert "the document expects refuted" in result.output


def test_standard_input_is_a_document(run):
    result = run("-", stdin=NOTES)
    assert result.exit_code == 0
    assert "<stdin>" in result.output


@pytest.mark.parametrize(
    ("arguments", "text", "message"),
    [
        (["missing.md"], NOTES, "missing.md: cannot be read"),
        (["notes.md"], "# nothing here\n", "no claim"),
        (["--only", "notes.md::9.9", "notes.md"], NOTES, "--only notes.md::9.9 matches no claim"),
        (["notes.md"], NOTES.replace("layout:", "layuot:"), "did you mean layout?"),
        (["--json", "no/such/folder/r.json", "notes.md"], NOTES, "its folder does not exist"),
    ],
)
def test_a_wrong_call_or_declaration_exits_2_and_says_what(run, arguments, text, message):
    result = run(*arguments, text=text)
    assert result.exit_code == 2
    assert message in result.output


def test_only_picks_claims(run):
    result = run("--json", "-", "--only", "notes.md::w", "notes.md", text=NOTES + WRONG)
    _, found = claims(result)
    assert {key for key, claim in found.items() if claim["role"] == "claim"} == {"w"}


def test_require_proof_lets_no_tested_claim_pass(run):
    text = NOTES + r"$$\|W s_{t-1}\| \le \|W\| \|s_{t-1}\| \tag{norm}$$" + "\n"
    assert run("notes.md", text=text).exit_code == 0
    assert run("--require-proof", "notes.md").exit_code == 1
    expected = "\n<!-- backproof: expect: tested -->\n"
    text = NOTES + expected + r"$$\|W s_{t-1}\| \le \|W\| \|s_{t-1}\| \tag{norm}$$" + "\n"
    assert run("--require-proof", "notes.md", text=text).exit_code == 0


def test_a_message_has_file_line_column_and_caret(run):
    result = run("notes.md", text=NOTES + UNREADABLE)
    line = NOTES.count("\n") + 1
    column = UNREADABLE.index("Q") + 1
    assert f"notes.md:{line}:{column}" in result.output
    shown = result.output.split("\n")
    place = next(number for number, text in enumerate(shown) if text.strip() == UNREADABLE.strip())
    assert shown[place + 1].index("^") == shown[place].index("Q")


def test_brackets_of_formulas_survive_the_terminal(run):
    result = run("notes.md", text=NOTES)
    assert "δ[t-1]ᵀ = δ[t]ᵀ W diag(f'(Net[t-1]))" in result.output
    assert r"\delta_t^\top = \frac{\partial E}{\partial \mathrm{Net}_t}" in result.output


def test_control_characters_never_reach_the_terminal(run):
    result = run("notes.md", text=NOTES + "$$\\delta_t \x1b[31m = \x07 \u202e Q \\tag{e\x1b[2J}$$\n")
    assert result.exit_code in (1, 2)
    assert "\x1b[31m" not in result.output
    assert "\x1b[2J" not in result.output
    assert "\x07" not in result.output
    assert "\u202e" not in result.output


def test_an_interrupt_keeps_the_results_so_far(run, tmp_path, monkeypatch):
    """Ctrl-C at the second claim: exit code 130, the first claim's verdict in the file, and nothing green."""
    from verify import cache

    settle, calls = cache.settle, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return settle(*arguments)

    monkeypatch.setattr(cache, "settle", interrupted)
    result = run("--json", "out.json", "notes.md", text=NOTES + WRONG)
    assert result.exit_code == 130
    assert "interrupted: these are the results so far" in result.output
    data = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert data["complete"] is False
    assert data["ok"] is False
    done = {claim["id"]: claim["verdict"] for claim in data["documents"][0]["claims"]}
    assert done["2.3"] == "proved"
    assert "w" not in done


def test_help_does_not_wait_for_sympy():
    code = (
        "import sys; sys.argv=['backproof','--help']; import verify.cli as c\ntry: c.main()\nexcept SystemExit: pass\n"
    )
    code += "assert 'sympy' not in sys.modules and 'numpy' not in sys.modules, 'slow start'"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Exit codes" in done.stdout


LEFT = (
    r"$$\frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W \operatorname{diag}[f'(\mathrm{Net}_{t-1})] \tag{x}$$"
    + "\n"
)


def test_a_repair_is_a_line_of_the_report(run):
    """The edit in words, and the mended line; the best one in JSON, and all where there are several."""
    mended = r"\delta_{t-1}^\top = \delta_t^\top W \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right]"
    result = run("notes.md", text=NOTES + WRONG)
    assert "one edit away: Wᵀ should be W\n" in "\n".join(line.rstrip() for line in result.output.splitlines()) + "\n"
    assert mended in result.output
    found = json.loads(run("--json", "-", "notes.md", text=NOTES + WRONG + LEFT).stdout)["documents"][0]["claims"]
    wrong, left = found[-2:]
    assert wrong["repair"] == {"latex": mended, "edit": "Wᵀ should be W"}
    assert "repairs" not in wrong
    assert left["repair"] == left["repairs"][0]
    assert [repair["edit"] for repair in left["repairs"]] == [
        "∂Net[t]/∂s[t-1] should be ∂Net[t]/∂Net[t-1]",
        "W diag(f'(Net[t-1])) should be W",
    ]


def test_no_repair_is_looked_for_without_time(run):
    result = run("--repair-limit", "0", "notes.md", text=NOTES + WRONG)
    assert result.exit_code == 1
    assert "edit away" not in result.output
    assert "stopped" not in result.output


def test_both_sides_are_matrices_with_the_entries_that_differ_marked(run):
    result = run("notes.md", text=NOTES + WRONG)
    lines = [line.strip() for line in result.output.splitlines()]
    left = next(place for place, line in enumerate(lines) if line.startswith("left  ="))
    assert "*" in lines[left]
    assert lines[left].count("[ ") == 1


def test_the_unix_form_is_one_line_a_claim_that_is_not_as_it_should_be(run):
    result = run("--format", "unix", "notes.md", text=NOTES + WRONG + UNREADABLE)
    assert result.exit_code == 1
    line = NOTES.count("\n") + 1
    found = [text.split(":", 5) for text in result.stdout.splitlines()]
    assert [parts[:3] for parts in found] == [
        ["notes.md", str(line), "3"], ["notes.md", str(line + 1), str(UNREADABLE.index("Q") + 1)],
    ]  # fmt: skip
    assert [parts[3:5] for parts in found] == [[" refuted", " w"], [" unreadable", " u"]]
    assert "right in no layout" not in found[1][5]


def test_the_unix_form_ends_with_the_repair(run):
    (line,) = run("--format", "unix", "notes.md", text=NOTES + WRONG).stdout.splitlines()
    assert line.endswith("diag}\\left[f'(\\mathrm{Net}_{t-1})\\right]")
    assert "; one edit away: Wᵀ should be W: " in line


def test_the_unix_form_lists_good_claims_only_when_asked(run):
    assert run("--format", "unix", "notes.md", text=NOTES).stdout == ""
    result = run("--format", "unix", "--all", "notes.md")
    assert result.exit_code == 0
    assert result.stdout.startswith("notes.md:13:3: proved: 2.3: for all sizes")
    assert result.stdout.count("\n") == 1
    assert run("--all", "notes.md").exit_code == 2


def test_the_unix_form_has_wrong_declarations_hints_and_expectations_on_one_line(run):
    wrong = NOTES.replace("layout:", "layuot:")
    result = run("--format", "unix", "notes.md", text=wrong)
    assert result.exit_code == 2
    assert result.stdout.startswith("notes.md:6:1: error: unknown key layuot; did you mean layout?")
    expected = NOTES + "\n<!-- backproof: expect: proved; layout: denominator -->\n" + WRONG.replace(
        r"\delta_{t-1}^\top = \delta_t^\top W^\top", r"\frac{\partial \mathrm{Net}_t}{\partial \mathrm{Net}_{t-1}} = W"
    )  # fmt: skip
    (line,) = run("--format", "unix", "notes.md", text=expected).stdout.splitlines()
    assert "; but the document expects proved; right with layout: numerator" in line


def test_a_name_that_no_given_defines_is_said_to_be_an_input(run):
    """Who forgets to list the model under `given` is told so, and not only that everything is false."""
    lines = r"""
```backproof
symbols: {x_t: m, h_t: n, U: n x m, f: elementwise}
time: 1..T
layout: numerator
```

$$h_t = f(U x_t)$$

$$\frac{\partial h_t}{\partial x_t} = \operatorname{diag}(f'(U x_t)) U$$
"""
    first, second = run("--format", "unix", "notes.md", text=lines).stdout.splitlines()
    assert "no given defines h[t]: list a line that defines it under given" in first
    assert "no given defines h[t], so its derivatives are 0" in second


def test_json_on_standard_output_leaves_it_to_json_alone(run):
    result = run("--format", "unix", "--json", "-", "notes.md", text=NOTES + WRONG)
    json.loads(result.stdout)
    assert "notes.md:14:3: refuted: w" in result.stderr


@pytest.mark.parametrize("arguments", [["--watch"], ["--watch", "-"]])
def test_watch_needs_a_file(run, arguments):
    result = run(*arguments, text=NOTES)
    assert result.exit_code == 2
    assert "--watch needs a FILE" in result.output


def test_an_unknown_option_names_the_nearest(run):
    result = run("--formt", "unix", "notes.md", text=NOTES)
    assert result.exit_code == 2
    assert "--format" in result.output


@pytest.mark.parametrize("command", ["verify", "derive", "replay", "models", "declare"])
def test_the_help_of_every_command_has_an_example(command):
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert f"  backproof {command}" in result.output or f"&& backproof {command}" in result.output


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-"], "```backproof\nsymbols: {w: n}\n```\n$$w = w \\tag{1}$$"),
        (["-"], "\\documentclass{article}\n% backproof\n% symbols: {w: n}\n% end backproof\n\\[w = w \\tag{1}\\]"),
        (["--from", "tex", "-"], "% backproof\n% symbols: {w: n}\n% end backproof\n\\[w = w \\tag{1}\\]"),
    ],
)
def test_standard_input_is_markdown_or_latex(arguments, text):
    found = subprocess.run(
        [sys.executable, "-m", "verify.cli", "verify", "--examples", "0", *arguments],
        input=text, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    assert "1 proved" in found.stdout


def test_a_report_is_not_ok_where_another_file_could_not_be_read(run):
    """What the exit code says the JSON says too."""
    result = run("--json", "-", "notes.md", "missing.md", text=NOTES)
    assert result.exit_code == 2
    assert json.loads(result.stdout)["ok"] is False


def test_every_form_of_a_report_has_its_option():
    assert set(outputs.HELP) == set(FORMS)


def test_an_unknown_command_names_what_is_near():
    result = CliRunner().invoke(main, ["verfy", "notes.md"])
    assert result.exit_code == 2
    assert "Did you mean 'verify'?" in result.stderr
    assert "No such command 'qqq'" in CliRunner().invoke(main, ["qqq"]).stderr


def test_ctrl_c_while_a_command_begins_is_no_verdict(run, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "execute", interrupt)
    assert run("notes.md").exit_code == 130


def test_two_documents_of_one_name_are_refused(run, tmp_path):
    """One would take the place of the other."""
    (tmp_path / "<stdin>").write_text(NOTES, encoding="utf-8")
    result = run("-", "<stdin>", stdin=NOTES)
    assert result.exit_code == 2
    assert "two documents have one name" in result.stderr
