"""The HTML report of a document of 100 claims: how long it takes to write, how large it is, how soon a browser has it.

    python benchmarks/report.py            # a Markdown table on standard output

The document is that of benchmarks/document.py. Rendering is CPU seconds of one process after imports, whose derivations
and formulas nothing has seen before. Opening is all that Chromium's main thread does up to the end of the first layout,
in its own CPU seconds, the median of five; the wall time stands beside it, which others on the machine stretch. It is
left out, with the reason, where Playwright or Chromium is missing.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from document import WANTED, document

from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort
from verify.report.html.report_page import page as render
from verify.report.model import DocumentReport, Report

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
MOST_SECONDS, MOST_BYTES = 1.0, 2_000_000
OPENINGS = 5
LAID_OUT = "document.fonts.ready.then(() => [document.documentElement.scrollHeight, performance.now()][1] / 1000)"


def main() -> None:
    report = judged()
    began = time.process_time()
    page = render(report)
    seconds = time.process_time() - began
    print(f"{WANTED} claims")
    print()
    print("| what | measured | at most |")
    print("|---|---|---|")
    print(f"| rendered | {seconds:.2f} s | {MOST_SECONDS:g} s |")
    print(f"| size | {len(page.encode()) / 1e6:.2f} MB | {MOST_BYTES / 1e6:g} MB |")
    print(f"| opened in Chromium | {opened(page)} | {MOST_SECONDS:g} s |")


def judged() -> Report:
    """The report, without numeric instances, which make a page no longer."""
    found = read("document.md", document())
    entries = tuple(Judge(found, Effort(examples=0)).entries())
    return Report((DocumentReport("document.md", entries, found.errors, found),), examples=0)


def opened(page: str) -> str:
    """Seconds until the page is laid out, or why that is not known."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return "not measured: Playwright is not installed"
    if not Path(CHROMIUM).exists():
        return "not measured: Chromium is not installed"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = Path(folder) / "report.html"
        file.write_text(page, encoding="utf-8")
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        busy, wall = [], []
        for _ in range(OPENINGS):
            tab = browser.new_page(viewport={"width": 1100, "height": 900})
            session = tab.context.new_cdp_session(tab)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            tab.goto(file.as_uri())
            wall.append(tab.evaluate(LAID_OUT))
            metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
            busy.append(metrics["TaskDuration"])
            tab.close()
        browser.close()
    return f"{statistics.median(busy):.2f} s (wall time {min(wall):.2f} to {max(wall):.2f} s)"


if __name__ == "__main__":
    main()
