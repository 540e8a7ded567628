"""docs/audit.md says what an audit does: its code runs, its output is printed so, its tables are complete."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from verify.audit import exact, running
from verify.audit.audit import truth_of
from verify.audit.models import MODELS
from verify.audit.residues import PRIME

TEXT = (Path(__file__).parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")


def test_its_code_prints_what_it_says(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    printed = re.search(r"```\n(accepted.*?)```", TEXT, re.DOTALL).group(1)
    names: dict[str, object] = {"__name__": "mine"}
    with contextlib.redirect_stdout(io.StringIO()) as output:
        for block in blocks:
            exec(compile(block, "docs/audit.md", "exec"), names)  # our own page
    ratio = re.compile(r"bound [\d.e-]+")  # of roundings, which differ from one BLAS to another
    assert ratio.sub("", output.getvalue()) == ratio.sub("", printed)


def test_the_error_that_it_plants_is_rejected():
    block = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL).group(1)
    assert block.count("d @ W\n") == 1
    names: dict[str, object] = {}
    exec(compile(block.replace("d @ W\n", "d @ W.T\n"), "docs/audit.md", "exec"), names)  # our own page
    from verify.audit.audit import Plan, audit

    report = audit(names["backward"], truth_of("rnn"), Plan({}))
    assert report.verdict == "rejected"
    assert report.exact.outcome == "differs"


def test_its_table_has_every_model_with_its_keys_and_choices():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| `")
    ]
    found = {row[0].strip("`"): row[1:] for row in rows if row[0].strip("`") in MODELS}
    assert set(found) == set(MODELS)
    for name in ("rnn", "jordan", "residual", "layer norm", "convolution"):
        shapes = truth_of(name).shapes
        listed = re.findall(r"\w+", found[name][0].partition("(")[0])
        assert sorted(listed) == sorted(shapes), name
    from inspect import signature

    for name, builder in MODELS.items():
        for choice in signature(builder).parameters:
            assert choice in found[name][2], (name, choice)


def test_its_table_of_json_has_every_key():
    """At every depth, of a report that has all there is."""
    from tests.verify.audit.functions import planted
    from verify.audit.audit import Plan, audit
    from verify.audit.report import data

    report = data(audit(planted("no transpose"), truth_of("rnn"), Plan({})))
    table = TEXT[TEXT.index("## JSON") : TEXT.index("## What is not sandboxed")]
    for part in (report, report["instances"][0], report["instances"][0]["differences"][0], report["exact"]):
        for key in part:
            assert f"`{key}`" in table, key
    for key in report["diagnosis"]:
        assert f"`{key}`" in table, key
    assert {"kind", "message"} <= set(re.findall(r"`(\w+)`", table))


def test_its_numbers_are_the_codes():
    assert str(PRIME) in TEXT
    assert f"≤ {running.ROUNDINGS} ε R" in TEXT
    for name in exact.CONSTRUCTORS:
        assert f"`np.{name}`" in TEXT
