"""Generated code: `backproof derive MODEL --as numpy`, written to a file and imported."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

CHOICES = {"rnn": ["--bias"]}  # the others have theirs by default


def load(model: str, folder: Path | None = None) -> ModuleType:
    """The module of a model, from `folder`/model.py where that exists, else printed now."""
    if folder is not None and (folder / f"{model}.py").exists():
        return _imported(folder / f"{model}.py")
    command = [sys.executable, "-m", "verify.cli", "derive", model, "--as", "numpy", *CHOICES.get(model, [])]
    printed = subprocess.run(command, capture_output=True, text=True, check=False)
    if printed.returncode != 0:
        raise RuntimeError(f"no code is generated for {model}: {printed.stderr.strip()}")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / f"{model}.py"
        path.write_text(printed.stdout, encoding="utf-8")
        return _imported(path)


def _imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"generated_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
