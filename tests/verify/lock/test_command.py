"""`backproof lock` and `backproof verify --locked`: what is asked, exit codes, the forms of the report."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.verify.lock.documents import NOTES, STEP
from verify import run as running
from verify.cli import main

WRONG = NOTES.replace(STEP, STEP.replace(" W ", r" W^\top "))


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("notes.md").write_text(NOTES, encoding="utf-8")

    def invoke(*arguments, stdin=None):
        options = ("--examples", "2") if arguments[0] in ("lock", "verify") else ()
        return CliRunner().invoke(main, [arguments[0], *options, *arguments[1:]], input=stdin)

    return invoke


def test_lock_then_verify(call):
    """Without FILE the documents that are locked; a document that follows --locked is no lock file."""
    done = call("lock", "notes.md")
    assert (done.exit_code, done.stdout) == (0, "backproof.lock: 2 claims: 2 proved\n")
    for arguments in (["--locked"], ["--locked", "notes.md"], ["notes.md", "--locked", "backproof.lock"]):
        found = call("verify", *arguments)
        assert found.exit_code == 0, found.output
        assert "nothing changed since backproof.lock" in found.output
        assert "2 proved" in found.output


def test_a_change_fails_in_every_form(call):
    call("lock", "notes.md")
    Path("notes.md").write_text(NOTES.replace("2.3", "2.4").replace("f: elementwise", "f: elementwise tanh"))
    found = call("verify", "--locked")
    assert found.exit_code == 1
    assert "f is now the function tanh; it was any differentiable function" in found.output
    assert "not as it should be" in found.output
    assert call("verify", "--locked", "-q").exit_code == 1
    lines = call("verify", "--locked", "--format", "unix").stdout.splitlines()
    assert any(line.startswith("notes.md:") and ": changed: 2.4: is new" in line for line in lines)
    assert any(line.startswith("backproof.lock:") and ": changed: 2.3: was proved" in line for line in lines)
    report = json.loads(call("verify", "--locked", "--json", "-").stdout)
    assert report["ok"] is False
    assert report["summary"]["proved"] == 2
    assert report["locked"]["path"] == "backproof.lock"
    kinds = {(one["id"], one["kind"]) for one in report["locked"]["differences"]}
    assert {("2.3", "gone"), ("2.4", "new")} <= kinds
    assert "locked" not in json.loads(call("verify", "--json", "-", "notes.md").stdout)


def test_one_change_of_several_claims_is_said_once(call):
    call("lock", "notes.md")
    Path("notes.md").write_text(NOTES.replace("f: elementwise", "f: elementwise tanh"))
    assert call("verify", "--locked").output.count("f is now the function tanh") == 1


def test_only_looks_at_what_is_asked_for(call):
    call("lock", "notes.md")
    Path("notes.md").write_text(NOTES + STEP.replace("2.3", "new"))
    assert call("verify", "--locked", "--only", "2.3", "notes.md").exit_code == 0
    assert call("verify", "--locked", "--only", "new", "notes.md").exit_code == 1
    assert call("verify", "--locked", "notes.md").exit_code == 1


def test_other_documents_stay_locked_unless_pruned(call):
    Path("sub").mkdir()
    Path("sub/more.md").write_text(NOTES)
    call("lock", "notes.md", "sub/more.md")
    both = Path("backproof.lock").read_text()
    assert '[claim."sub/more.md"."2.3"]' in both
    call("lock", "notes.md")
    assert Path("backproof.lock").read_text() == both
    call("lock")
    assert Path("backproof.lock").read_text() == both
    call("lock", "--prune", "notes.md")
    assert "more.md" not in Path("backproof.lock").read_text()
    found = call("verify", "--locked", "notes.md", "sub/more.md")
    assert found.exit_code == 1
    assert "the document is not in the lock (run `backproof lock sub/more.md`)" in found.output


def test_paths_count_from_the_lock_file(call):
    Path("sub").mkdir()
    call("lock", "-o", "sub/my.lock", "notes.md")
    assert '[claim."../notes.md"."2.3"]' in Path("sub/my.lock").read_text()
    assert call("verify", "--locked", "sub/my.lock").exit_code == 0
    assert call("verify", "--locked=sub/my.lock", "notes.md").exit_code == 0


def test_standard_input(call):
    call("lock", "-", stdin=NOTES)
    assert '[claim."<stdin>"."2.3"]' in Path("backproof.lock").read_text()
    assert call("verify", "--locked", "-", stdin=NOTES).exit_code == 0
    assert call("verify", "--locked", "-", stdin=WRONG).exit_code == 1


def test_what_is_not_as_it_should_be_is_locked_and_said(call):
    Path("notes.md").write_text(WRONG)
    done = call("lock", "notes.md")
    assert done.exit_code == 1
    assert "2.3: refuted, which is not as it should be" in done.output
    assert call("verify", "--locked").exit_code == 1


@pytest.mark.parametrize("text", [NOTES.replace("time:", "times:"), "no claim\n"])
def test_a_document_that_cannot_be_read_leaves_the_old_lock(call, text):
    call("lock", "notes.md")
    before = Path("backproof.lock").read_bytes()
    Path("notes.md").write_text(text)
    done = call("lock", "notes.md")
    assert done.exit_code == 2
    assert "backproof.lock is as it was" in done.stderr
    assert Path("backproof.lock").read_bytes() == before


def test_a_document_that_is_gone_leaves_the_lock_when_it_is_pruned(call):
    Path("more.md").write_text(NOTES)
    call("lock", "notes.md", "more.md")
    Path("more.md").unlink()
    for again in (["lock"], ["verify", "--locked"]):
        found = call(*again)
        assert found.exit_code == 2
        assert "more.md: cannot be read" in found.stderr
    assert "`backproof lock --prune FILE…` drops documents that are not named" in call("lock").stderr
    assert call("lock", "--prune", "notes.md").exit_code == 0
    assert call("verify", "--locked").exit_code == 0


def test_an_interrupted_lock_leaves_the_old_one(call, monkeypatch):
    call("lock", "notes.md")
    before = Path("backproof.lock").read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(running.Run, "_judge", interrupt)
    done = call("lock", "notes.md")
    assert done.exit_code == 130
    assert "interrupted: backproof.lock is as it was" in done.stderr
    assert Path("backproof.lock").read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == ["backproof.lock", "notes.md"]


def test_a_lock_that_is_not_there_or_damaged_is_a_wrong_call(call):
    missing = call("verify", "--locked", "notes.md")
    assert missing.exit_code == 2
    assert "backproof.lock: there is no such lock file; `backproof lock` writes one" in missing.stderr
    Path("backproof.lock").write_text("format = 1\n[claim\n")
    for command in (["verify", "--locked", "notes.md"], ["lock", "notes.md"]):
        found = call(*command)
        assert found.exit_code == 2
        assert "backproof.lock:2:7: the lock file is damaged" in found.stderr
    assert Path("backproof.lock").read_text() == "format = 1\n[claim\n"
    assert call("lock", "-o", "nowhere/x.lock", "notes.md").exit_code == 2


@pytest.mark.parametrize("option", [["--watch"], ["--explain", "2.3"]])
def test_what_does_not_go_with_it(call, option):
    found = call("verify", "--locked", *option, "notes.md")
    assert found.exit_code == 2
    assert f"--locked does not go with {option[0]}" in found.stderr


def test_an_option_after_a_double_dash_is_a_file(call):
    assert "--locked: cannot be read" in call("verify", "--", "--locked").stderr


def test_a_locked_document_that_lost_its_block_is_not_passed_over(call):
    """Of the hook: what is not locked and declares nothing is no document of ours."""
    call("lock", "notes.md")
    Path("notes.md").write_text(NOTES.split("```")[2])
    Path("prose.md").write_text("$$a = b$$\n")
    assert call("verify", "--declared", "--locked", "notes.md", "prose.md").exit_code == 1
    assert call("verify", "--declared", "--locked", "prose.md").exit_code == 0


def test_a_given_that_cannot_be_read_is_said(call):
    """No claim may rest on it."""
    Path("notes.md").write_text(NOTES.replace("'d']", "'d', g]") + "$$b + W \\tag{g}$$\n")
    done = call("lock", "notes.md")
    assert done.exit_code == 1
    assert "g: unreadable, which is not as it should be" in done.output
