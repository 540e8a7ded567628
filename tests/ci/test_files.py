"""The files by which CI systems call Backproof: valid by their own schemas; the action does what it says."""

import json
import os
import re
import subprocess
import sys
from functools import reduce
from importlib.resources import files
from operator import getitem
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner
from markdown_it import MarkdownIt

from tests.verify.report.documents import HEAD, RIGHT, WRONG
from verify.cli import main
from verify.cli.verify import verify
from verify.report.rules import RULES

ROOT = Path(__file__).parent.parent.parent
# each file's schema, and a place in it that the schema must mind
FILES = {
    "action.yml": ("github-actions", ("runs", "using")),
    ".github/workflows/ci.yml": ("github-workflows", ("jobs", "checks", "runs-on")),
    "examples/ci/github.yml": ("github-workflows", ("jobs", "verify", "runs-on")),
    "examples/ci/gitlab.yml": ("gitlab-ci", ("derivations", "script")),
}


class Strings(yaml.SafeLoader):
    """YAML 1.2 as CI systems read it: `on` is a word."""


Strings.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(name):
    return yaml.load((ROOT / name).read_text(encoding="utf-8"), Strings)


def errors(name, content):
    folder = files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((folder / f"{FILES[name][0]}.json").read_text(encoding="utf-8"))
    return [error.message for error in jsonschema.validators.validator_for(schema)(schema).iter_errors(content)]


@pytest.mark.parametrize("name", FILES)
def test_it_is_valid_by_its_schema(name):
    content = read(name)
    assert errors(name, content) == []
    *above, last = FILES[name][1]
    reduce(getitem, above, content)[last] = 5
    assert errors(name, content), "the schema says nothing"


def scripts(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("run", "script"):
                yield "\n".join(value) if isinstance(value, list) else value
            else:
                yield from scripts(value)
    elif isinstance(node, list):
        for item in node:
            yield from scripts(item)


@pytest.mark.parametrize("name", FILES)
def test_no_script_holds_what_others_write(name):
    """An expression in a script is replaced before the shell reads it: who writes its value writes code."""
    assert list(scripts(read(name)))
    assert all("${{" not in script for script in scripts(read(name)))


def test_every_option_that_is_used_exists():
    known = {option for parameter in verify.params for option in parameter.opts}
    texts = [script for name in FILES for script in scripts(read(name))]
    texts += [hook["entry"] for hook in read(".pre-commit-hooks.yaml")]
    calls = [line for text in texts for line in text.splitlines() if "backproof verify" in line or "options" in line]
    words = (word.strip('()"').partition("=")[0] for line in calls for word in line.split())
    used = {word for word in words if word.startswith("--")} - {"--"}
    assert len(used) >= 6
    assert used <= known


@pytest.mark.parametrize("name", ["examples/ci/github.yml", "examples/ci/gitlab.yml"])
def test_an_example_installs_from_where_backproof_lives(name):
    """The bare name would be asked of PyPI, where whoever takes it first answers."""
    installed = [line for script in scripts(read(name)) for line in script.splitlines() if "pip install" in line]
    assert installed
    assert all("backproof @ git+https://github.com/OWNER/backproof@" in line for line in installed)


# --- the action, as a runner runs it ---------------------------------------------------------------------------------


class Action:
    """Runs a step's script with inputs in the environment."""

    def __init__(self, folder):
        self.folder = folder
        self.steps = {step["id"]: step for step in read("action.yml")["runs"]["steps"]}

    def __call__(self, command, step="verify", **inputs):
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONPATH": str(ROOT), "COMMAND": str(command),
            "RUNNER_TEMP": str(self.folder / "temp"), "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"), "REQUIRE_PROOF": "false", "LOCKED": "false",
            "ARGS": "", "VERSION": "",
            **inputs,
        }  # fmt: skip
        assert set(self.steps[step]["env"]) <= set(environment)
        (self.folder / "temp").mkdir(exist_ok=True)
        (self.folder / "output").write_text("", encoding="utf-8")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", self.steps[step]["run"]],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        lines = (self.folder / "output").read_text(encoding="utf-8").splitlines()
        return done, dict(line.split("=", 1) for line in lines)


@pytest.fixture
def action(tmp_path):
    return Action(tmp_path)


def program(path, text):
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_action_annotates_a_mistake_and_fails(action, tmp_path):
    backproof = program(tmp_path / "backproof", f'#!/bin/sh\nexec "{sys.executable}" -m verify.cli "$@"\n')
    (tmp_path / "docs" / "a b").mkdir(parents=True)
    (tmp_path / "docs" / "a b" / "notes.md").write_text(HEAD + WRONG, encoding="utf-8")
    (tmp_path / "summary").write_text("before\n", encoding="utf-8")
    done, outputs = action(backproof, FILES="docs/**/*.md\n", ARGS="--examples=0\n")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error file=docs/a b/notes.md,line=13,")
    assert outputs == {"sarif": str(tmp_path / "temp" / "backproof.sarif"), "ok": "false"}
    assert json.loads(Path(outputs["sarif"]).read_text(encoding="utf-8"))["runs"][0]["results"]
    assert (tmp_path / "summary").read_text(encoding="utf-8").startswith("before\n## Backproof: not")


def test_the_action_passes_its_inputs_on_and_runs_none_of_them(action, tmp_path):
    recorder = program(tmp_path / "recorder", '#!/bin/sh\nfor word in "$@"; do echo "<$word>"; done\n')
    (tmp_path / "a.md").write_text("", encoding="utf-8")
    hostile = "$(touch harm)\n`touch harm`; touch harm\na.md\n-x"
    done, outputs = action(recorder, FILES=hostile, ARGS='--only=a b"; touch harm', LOCKED="true", REQUIRE_PROOF="true")
    assert done.returncode == 0, done.stderr
    words = [line[1:-1] for line in done.stdout.splitlines()]
    assert words[:4] == ["verify", "--no-cache", "--format", "github"]
    assert words[-8:] == [
        "--require-proof", "--locked", '--only=a b"; touch harm', "--", *hostile.splitlines(),
    ]  # fmt: skip
    assert not (tmp_path / "harm").exists()
    assert outputs == {"ok": "true"}


@pytest.mark.parametrize("patterns", ["", " \n\n", "none/*.md"])
def test_the_action_refuses_a_call_without_files(action, tmp_path, patterns):
    done, outputs = action(program(tmp_path / "recorder", "#!/bin/sh\n"), FILES=patterns)
    assert done.returncode == 2
    assert done.stdout.startswith("::error title=Backproof::")
    assert outputs == {}


def test_the_action_passes_over_no_folder_where_bash_is_old(action, tmp_path):
    recorder = program(tmp_path / "recorder", "#!/bin/sh\n")
    for folder in (tmp_path, tmp_path / "docs", tmp_path / "docs" / "one"):
        folder.mkdir(exist_ok=True)
        (folder / "notes.md").write_text("", encoding="utf-8")
    old = {"BASH_FUNC_shopt%%": '() { [[ $2 != globstar ]] && builtin shopt "$@"; }'}
    done, outputs = action(recorder, FILES="docs/**/*.md", **old)
    assert (done.returncode, outputs) == (2, {})
    assert done.stdout.startswith("::error title=Backproof::** in the input files needs bash 4")
    assert action(recorder, FILES="docs/*.md", **old)[0].returncode == 0


def test_the_action_installs_no_version_that_is_none(action, tmp_path):
    done, outputs = action("", step="install", VERSION="installed")
    assert (done.returncode, outputs) == (0, {"command": "backproof"})
    for harm in ("1.0 --index-url=http://evil.example", "$(touch harm)", "@ http://evil.example/x.whl", "-r x"):
        done, outputs = action("", step="install", VERSION=harm)
        assert (done.returncode, outputs) == (2, {})
        assert "is no version" in done.stdout
    assert not (tmp_path / "harm").exists()


def test_the_page_shows_what_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    readme, page = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/ci.md"))
    (tmp_path / "docs").mkdir()
    document = re.search(r"````markdown\n(.*?)````", readme, re.DOTALL).group(1)
    (tmp_path / "docs" / "notes.md").write_text(document, encoding="utf-8")
    options = ["--format", "github", "--summary", "summary", "--codequality", "quality", "--sarif", "sarif"]
    result = CliRunner().invoke(main, ["verify", *options, "docs/notes.md"])
    written = result.stdout + "".join((tmp_path / name).read_text(encoding="utf-8") for name in ("summary", "quality"))
    shown = [token.content for token in MarkdownIt().parse(page) if token.type == "fence" and not token.info]
    assert len(shown) == 3
    assert [block for block in shown if block not in written] == []
    rules = re.findall(r"^\| `([\w-]+)` \| (error|warning) \|", page, re.MULTILINE)
    assert dict(rules) == {key: rule.level for key, rule in RULES.items()}
    inputs = set(re.findall(r"^\| `([\w-]+)` \| ", page.split("| input |")[1].split("Outputs:")[0], re.MULTILINE))
    assert inputs == set(read("action.yml")["inputs"])


# --- files that declare nothing --------------------------------------------------------------------------------------


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("# prose\n\n$$a = b$$\n", encoding="utf-8")
    (tmp_path / "notes.md").write_text(HEAD + WRONG, encoding="utf-8")
    (tmp_path / "good.md").write_text(HEAD + RIGHT, encoding="utf-8")

    def run(*arguments):
        return CliRunner().invoke(main, ["verify", "--examples", "0", "--format", "unix", *arguments])

    return run


def test_a_hook_passes_over_what_declares_nothing_and_says_so(call):
    assert call("README.md", "good.md").exit_code == 1
    assert call("--declared", "README.md", "good.md").exit_code == 0
    assert call("--declared", "README.md", "notes.md").exit_code == 1
    none = call("--declared", "README.md")
    assert none.exit_code == 0
    assert "nothing is checked" in none.stderr


def test_code_quality_is_what_gitlab_reads(call, tmp_path):
    call("--codequality", "quality.json", "notes.md", "good.md")
    (issue,) = json.loads((tmp_path / "quality.json").read_text(encoding="utf-8"))
    assert issue["location"] == {"path": "notes.md", "lines": {"begin": 13, "end": 13}}
    assert {"description", "check_name", "fingerprint", "severity"} < set(issue)
    assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
