"""The line that says on what a run was made: processor, cores, versions; no name of the machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "torch", "jax", "autograd")


def line() -> str:
    """One line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = [_processor(), f"{cores} cores", f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}" + (f" ({_blas()})" if package == "numpy" else ""))
        except PackageNotFoundError:
            found.append(f"no {package}")
    return ", ".join(found)


def load() -> str:
    """How much the machine does besides: above 0.5 the ratios of one thread still hold, those of two do not."""
    if not hasattr(os, "getloadavg"):
        return "load average unknown"
    return f"load average {os.getloadavg()[0]:.1f} before the run"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    rows = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    fields = {key.strip(): value.strip() for key, _, value in (row.partition(":") for row in rows)}
    name = fields.get("model name") or platform.processor() or platform.machine()
    numbers = [f"{key} {fields[key]}" for key in ("cpu family", "model") if key in fields]
    return f"{name} ({', '.join(numbers)})" if numbers else name


def _blas() -> str:
    import numpy as np

    configuration: Any = np.show_config(mode="dicts")
    found = configuration["Build Dependencies"]["blas"]
    return f"{found['name']} {found['version']}"
