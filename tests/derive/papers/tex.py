"""A TeX run that can read and write nothing but its own folder, and what its log says."""

import os
import re
import shutil
import subprocess

OVERFULL = re.compile(r"Overfull \\hbox \(([\d.]+)pt too wide\)")
ENGINES = {"en": "pdflatex", "zh": "xelatex"}


def engine(language):
    """The engine for a language, None where it is not installed."""
    return shutil.which(ENGINES[language])


def run(source, folder, language="en"):
    """Compile a document; its log, or an AssertionError where TeX stops or a sign has no glyph."""
    path = folder / "paper.tex"
    path.write_text(source, encoding="utf-8")
    command = [engine(language), "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", path.name]
    environment = {**os.environ, "openin_any": "p", "openout_any": "p", "max_print_line": "1000"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=300)
    log = (folder / "paper.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, log[-3000:]
    assert "Missing character" not in log, re.findall(r"Missing character[^\n]*", log)[:5]
    return log


def overfull(log):
    """By how many points lines stand out of the text, widest first."""
    return sorted(map(float, OVERFULL.findall(log)), reverse=True)
