"""The function that a command names: `pkg.mod:function`, or `path/to/file.py:function`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from verify.errors import CallError

FORM = "a function is written module:function, as pkg.mod:backward, or file.py:backward"


def loaded(written: str) -> Any:
    """The object of that name. Raises CallError where there is none, naming what is near."""
    module_name, colon, path = written.rpartition(":")
    if not colon or not module_name or not path:
        raise CallError(f"{written!r}: {FORM}")
    found = _module(module_name)
    for part in path.split("."):
        if not hasattr(found, part):
            names = [name for name in dir(found) if not name.startswith("_") and callable(getattr(found, name, None))]
            near = get_close_matches(part, names, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(names) or 'no function'}"
            raise CallError(f"{module_name} has no {part}{hint}{_another(module_name, found)}")
        found = getattr(found, part)
    return found


def _another(name: str, found: Any) -> str:
    """That another module of this name was imported than the file that is here."""
    here = Path(f"{name}.py")
    if not here.is_file() or not isinstance(found, ModuleType) or found.__file__ in (None, str(here.resolve())):
        return ""
    return f" (it is {found.__file__}; for the file that is here write {here}:…)"


def _module(name: str) -> Any:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return _of_file(Path(name)) if name.endswith(".py") else importlib.import_module(name)
    except SystemExit as error:
        raise CallError(f"{name} ends the process when it is imported: sys.exit({error.code!r})") from None
    except Exception as error:
        if "/" in name and Path(f"{name}.py").is_file():
            raise CallError(f"{name} is no name of a module; for the file write {name}.py:…") from None
        raise CallError(f"{name} cannot be imported: {_why(error)}") from None


def _of_file(path: Path) -> Any:
    if not path.is_file():
        raise CallError(f"{path}: there is no such file")
    sys.path.insert(0, str(path.resolve().parent))
    name = path.stem if path.stem not in sys.modules else f"audited_{path.stem}"  # a file may be called json.py
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CallError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _why(error: Exception) -> str:
    if isinstance(error, CallError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "importlib" not in f.filename and Path(f.filename).parent != Path(__file__).parent]
    where = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{where}"
