"""docs/models.md: it lists every system with its choices, and its examples run."""

import re
from pathlib import Path

from derive.models.registry import choices_of
from derive.models.systems import systems

PAGE = (Path(__file__).parents[1] / "docs" / "models.md").read_text(encoding="utf-8")
ROWS = {row[0].strip("` "): row for row in (line.strip("| ").split(" | ") for line in PAGE.splitlines() if "|" in line)}


def is_listed_by_itself(name):
    """Activations and losses share a row."""
    from derive.models.activations import ACTIVATIONS
    from derive.models.losses import LOSSES

    return name not in ACTIVATIONS and not any(loss in name for loss in LOSSES)


def test_every_system_has_a_row_with_its_choices():
    own = [name for name in systems() if is_listed_by_itself(name)]
    assert len(own) >= 12
    for name in own:
        assert name in ROWS, f"docs/models.md has no row for {name}"
        for choice in choices_of(name):
            assert f"`{choice}`" in ROWS[name][2], f"the row of {name} does not name {choice}"


def test_the_examples_run(tmp_path):
    """The document derives what it says, and the Python runs."""
    from derive.printed import printed
    from verify.cells import system_of

    (document,) = re.findall(r"````markdown\n(.*?)````", PAGE, re.DOTALL)
    path = tmp_path / "my_cell.md"
    path.write_text(document, encoding="utf-8")
    text = printed(system_of(str(path), {}), form="md")
    assert text.count("\\tag{") - text.count("\\tag{m") - text.count("\\tag{d") - text.count("\\tag{delta") >= 16
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {}
    exec(compile(code, "docs/models.md", "exec"), names)  # our own page
    assert len(names["leaky"].derivations()) > 8
