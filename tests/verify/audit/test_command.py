"""`backproof audit` from the outside: exit codes, and functions that crash, hang, exit and make noise."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEADER = "import os, signal, sys, time\nimport numpy as np\nfrom tests.verify.audit.functions import *\n"
FUNCTIONS = {
    "good": "return batched(inputs, cotangents)",
    "noisy": "print('{\"stage\": \"noise\"}'); os.write(1, b'noise'); return batched(inputs, cotangents)",
    "wrong": "return planted('no transpose')(inputs, cotangents)",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "aborts": "os.abort()",
    "leaves": "os._exit(0)",
    "exits": "sys.exit(0)",
    "hangs": "time.sleep(600)",
    "raises": "return inputs['nothing']",
    "interrupts": "raise KeyboardInterrupt",
    "garbles": "[os.write(k, b'\\xff{\\n[1]\\n{}\\n') for k in range(3, 9) if os.path.exists(f'/proc/self/fd/{k}') "
    "and os.readlink(f'/proc/self/fd/{k}').startswith('pipe')]; return batched(inputs, cotangents)",
    "closes": "os.closerange(3, 20); return batched(inputs, cotangents)",
}


@pytest.fixture
def audit(tmp_path):
    lines = [f"def {name}(inputs, cotangents):\n    {body}\n" for name, body in FUNCTIONS.items()]
    (tmp_path / "mine.py").write_text(HEADER + "\n".join(lines))

    def run(*words):
        command = [sys.executable, "-P", "-m", "verify.cli", "audit", *words]
        environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)

    return run


@pytest.mark.parametrize(
    ("name", "code", "word"),
    [
        ("good", 0, "accepted: mine:good against rnn"),
        ("noisy", 0, "accepted"),
        ("wrong", 1, "the gradient of W is wrong: 4 of 4 entries"),
        ("killed", 1, "ended by SIGKILL while calling it on instance 1 of 4"),
        ("aborts", 1, "ended by SIGABRT"),
        ("leaves", 1, "ended itself with code 0 while calling it"),
        ("exits", 1, "sys.exit(0)"),
        ("raises", 1, "KeyError: 'nothing'"),
        ("interrupts", 1, "exit: KeyboardInterrupt was raised while calling it on instance 1"),
        ("garbles", 0, "accepted"),
        ("closes", 1, "closed file descriptors that it had not opened"),
    ],
)
def test_however_it_ends_it_is_reported(audit, name, code, word):
    found = audit(f"mine:{name}", "--model", "rnn")
    assert (found.returncode, word in found.stdout) == (code, True), found
    assert "noise" not in found.stdout
    assert "\x1b" not in found.stdout + found.stderr
    assert "Traceback" not in found.stderr


def test_modules_beside_the_function_do_not_come_before_ours(audit, tmp_path):
    for name in ("verify", "random", "json"):
        (tmp_path / f"{name}.py").write_text("from mine import good, wrong\n")
    assert audit("mine:good", "--model", "rnn").returncode == 0
    assert audit("json.py:good", "--model", "rnn").returncode == 0
    assert "the file that is here write verify.py:…" in audit("verify:good", "--model", "rnn").stderr


def test_the_program_of_a_file_that_is_no_module_runs(audit, tmp_path):
    (tmp_path / "own rnn.py").write_text("from mine import wrong\n")
    report = audit("own rnn.py:wrong", "--model", "rnn").stdout
    program = tmp_path / "elsewhere.py"
    program.write_text(report[report.index('"""own rnn') :])
    command = [sys.executable, str(program)]
    done = subprocess.run(command, cwd="/", env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "WRONG" in done.stdout, done.stderr) == (1, True, "")


def _heeding_interrupts():
    """A shell lets what it runs in the background ignore Ctrl-C, and so what that starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing_behind(tmp_path, number):
    (tmp_path / "mine.py").write_text(
        "import os, time\ndef hangs(inputs, cotangents):\n"
        "    open('pid.new', 'w').write(str(os.getpid())); os.rename('pid.new', 'pid'); time.sleep(600)\n"
    )
    command = [sys.executable, "-m", "verify.cli", "audit", "mine:hangs", "--model", "rnn"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_heeding_interrupts,
    ) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        assert process.communicate(timeout=30) == (b"", b"error: interrupted\n")
    assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_hang_ends_at_the_time_limit(audit):
    start = time.monotonic()
    found = audit("mine:hangs", "--model", "rnn", "--time-limit", "3")
    assert time.monotonic() - start < 30
    assert found.returncode == 1
    assert "time limit: 3 s have passed while calling it on instance 1" in found.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mine:god", "--model", "rnn"], "mine has no god; did you mean good?"),
        (["main:good", "--model", "rnn"], "No module named 'main'"),
        (["mine", "--model", "rnn"], "a function is written module:function"),
        (["mine:good", "--model", "rmn"], "did you mean rnn?"),
        (["mine:good", "--model", "none.md"], "cannot be read"),
        (["mine:good", "--model", "-"], "name a file"),
        (["mine:good", "--model", "rnn", "--with", "bais=no"], "did you mean bias?"),
        (["mine:good", "--model", "rnn", "--size", "n"], "a size is written n=64"),
        (["mine:good", "--model", "rnn", "--size", "k=3"], "no size k; it has B, T, m, n"),
        (["mine:good", "--model", "rnn", "--only", "V"], "V: no input of the model"),
        (["mine:good", "--model", "rnn", "--size", "n=3,n=4"], "the size n is given twice"),
        (["mine:good", "--model", "rnn", "--returns", "U,U"], "U: named twice"),
        (["./mine:good", "--model", "rnn"], "for the file write ./mine.py:…"),
        (["mine:good", "--model", "qqq"], "no model is called 'qqq'; audits know rnn"),
        (["other.py:good", "--model", "rnn"], "there is no such file"),
    ],
)
def test_a_wrong_call_says_what_is_near(audit, words, message):
    found = audit(*words)
    assert found.returncode == 2
    assert message in found.stderr
    assert found.stdout == ""


def test_a_module_that_cannot_be_imported_is_a_wrong_call(audit, tmp_path):
    (tmp_path / "broken.py").write_text("import numpy\n1 / 0\n")
    found = audit("broken:f", "--model", "rnn")
    assert found.returncode == 2
    assert "ZeroDivisionError" in found.stderr
    assert "broken.py:2" in found.stderr


def test_json_on_standard_output_leaves_the_text_to_standard_error(audit, tmp_path):
    found = audit("mine.py:wrong", "--model", "rnn", "--json", "-")
    data = json.loads(found.stdout)
    assert (data["verdict"], found.returncode) == ("rejected", 1)
    assert "the gradient of W is wrong" in found.stderr
    audit("mine.py:good", "--model", "rnn", "--json", str(tmp_path / "out.json"), "--quiet")
    assert json.loads((tmp_path / "out.json").read_text())["ok"] is True
    assert json.loads(audit("mine:killed", "--model", "rnn", "--json", "-", "-q").stdout)["verdict"] == "failed"


def test_an_instance_that_does_not_fit_into_memory_is_a_wrong_call(audit):
    found = audit("mine:good", "--model", "rnn", "--size", "n=1000000", "--instances", "1")
    assert (found.returncode, "too large" in found.stderr) == (2, True)


def test_a_document_is_a_model(audit, tmp_path):
    (tmp_path / "cell.md").write_text(
        "```backproof\nsymbols: {x_t: m, s_t: n, '\\mathrm{Net}_t': n, U: n x m, W: n x n, b: n, f: elementwise, "
        "E: loss(each s)}\ntime: 1..T\ngiven: ['1']\n```\n\n"
        "$$\\mathrm{Net}_t = U x_t + W s_{t-1} + b, \\quad s_t = f(\\mathrm{Net}_t) \\tag{1}$$\n"
    )
    assert audit("mine:good", "--model", "cell.md", "--with", "f=tanh").returncode == 0
    found = audit("mine:wrong", "--model", "cell.md", "--with", "f=tanh")
    assert (found.returncode, "the gradient of W is wrong" in found.stdout) == (1, True)
    found = audit("mine:good", "--model", "cell.md")
    assert (found.returncode, "--with f=tanh" in found.stderr) == (2, True)
    assert audit("mine:good", "--model", "cell.md", "--with", "f=sigmoid").returncode == 1
