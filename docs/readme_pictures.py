"""The pictures of README.md, made from what really happens: `python docs/readme_pictures.py`.

docs/images/terminal.svg is what `backproof verify notes.md` prints on a terminal for the document that README.md shows,
docs/images/report.png what a browser shows of its `--html` report (it needs Chromium; without one it is left as it is).
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path
from tempfile import TemporaryDirectory

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
COLUMNS, LINES = 104, 50
COMMAND = ["backproof", "verify", "notes.md"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --force-device-scale-factor=1.25"
)
# rich's picture asks a server for its font; a picture that asks nobody takes the reader's
FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace("Fira Code,", "")


def document() -> str:
    """The document that README.md shows."""
    found = re.search(r"````markdown\n(.*?)````", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, "README.md shows no document"
    return found[1]


def on_a_terminal(command: list[str], folder: Path) -> str:
    """What a command prints on a terminal of our size, colours included."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "BACKPROOF_CACHE": str(folder)}
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=subprocess.DEVNULL):
        os.close(slave)
        parts = []
        while part := _read(master):
            parts.append(part)
    os.close(master)
    return b"".join(parts).decode("utf-8").replace("\r\n", "\n")


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # the other end is closed: that is how a terminal says that all has been said
        return b""


def picture_of_terminal(printed: str) -> str:
    """The SVG of a terminal with the command and what it printed."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text.assemble(("$ ", "bold green"), " ".join(COMMAND)))
        console.print(Text.from_ansi(printed.rstrip()))
        return console.export_svg(title="", code_format=FORMAT, unique_id="terminal")


def picture_of_report(folder: Path, target: Path) -> bool:
    """A browser's picture of the HTML report; False where there is no browser."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        return False
    subprocess.run([*COMMAND, "--quiet", "--html", "report.html"], cwd=folder, check=False)
    page = (folder / "report.html").resolve(strict=True)
    # taller than the page: a window that has to scroll to J is pictured with a gap above
    arguments = [*QUIET.split(), "--window-size=1000,1960", f"--screenshot={target}", f"{page.as_uri()}#J"]
    subprocess.run([browser, *arguments], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    return True


def main() -> int:
    """Both pictures; 1 where the second could not be made."""
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "notes.md").write_text(document(), encoding="utf-8")
        svg = picture_of_terminal(on_a_terminal(COMMAND, folder))
        (IMAGES / "terminal.svg").write_text(svg, encoding="utf-8")
        if not picture_of_report(folder, IMAGES / "report.png"):
            sys.stderr.write("no Chromium: docs/images/report.png is as it was\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
