"""What Hypothesis draws for the numeric witnesses depends on the claim and the seed alone."""

import subprocess
import sys

DRAWN = """
import sys
{imports}
from verify.instances import _groups
print([_groups(("m", "n"), True, seed) for seed in range(20)])
"""


def groups(folder, imports: str) -> str:
    """What a process draws that has imported something first."""
    (folder / "constants_of_mine.py").write_text("SIZES = (1234, 77, 31, 8, 9, 512)\nNAMES = (0.125, 'seventeen')\n")
    program = DRAWN.format(imports=imports)
    path = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{program}"]
    return subprocess.run(path, check=True, capture_output=True, text=True, cwd=folder).stdout


def test_numbers_in_other_modules_change_no_instance(tmp_path):
    """Hypothesis mixes the constants of imported local modules into the whole numbers that it draws."""
    alone = groups(tmp_path, "")
    assert alone.count("'m'") == 80
    assert groups(tmp_path, "import constants_of_mine") == alone
    assert groups(tmp_path, "import verify.audit.diagnosis, derive.models.lstm, verify.mutants") == alone
