"""How the tests of explanations run a program, and compare what it prints with the report."""

import json
import re
import subprocess
import sys
from fractions import Fraction

import pytest


def printed(text, tmp_path):
    """What a program prints, run without anything of ours in reach."""
    path = tmp_path / "program.py"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", str(path)], capture_output=True, text=True, check=False, cwd=tmp_path, encoding="utf-8"
    )
    assert done.returncode == 0, f"{done.stderr}\n{text}"
    return done.stdout


RUN_ALL = """
import contextlib, io, json, runpy, sys
def printed(path):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        runpy.run_path(path, run_name="__main__")
    return out.getvalue()
print(json.dumps([printed(path) for path in sys.argv[1:]]))
"""


def printed_all(texts, tmp_path):
    """What each of many programs prints, all in one process, which imports NumPy once."""
    paths = []
    for number, text in enumerate(texts):
        paths.append(tmp_path / f"program_{number}.py")
        paths[-1].write_text(text, encoding="utf-8")
    command = [sys.executable, "-I", "-c", RUN_ALL, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def numbers(side):
    """The numbers of a side in order, as text; a ball by its middle."""
    if isinstance(side, list):
        return [number for item in side for number in numbers(item)]
    return [side if isinstance(side, str) else side["mid"]]


def check_same(output, example, fails="they differ at"):
    """The two sides as printed are those of the report, and they fail somewhere."""
    for name in ("left", "right"):
        line = re.search(rf"^{name} *= (.*)$", output, re.MULTILINE).group(1)
        found, expected = re.findall(r"[^\[\], ]+", line), numbers(getattr(example, name))
        assert len(found) == len(expected)
        for text, number in zip(found, expected, strict=True):
            # a known function took part, exp and its kin, or numeric witnesses alone: no exact values
            is_rounded = example.is_numeric or "." in text or "e" in text
            near = pytest.approx(float(Fraction(number)), rel=1e-9, abs=1e-15)
            assert float(Fraction(text)) == near if is_rounded else text == number
    assert fails in output
