"""What the search for a repair costs: every refuted claim of the built-in suite, from the verdict to the mended line.

    python benchmarks/repair.py           # a Markdown table on standard output

Times are computing times of one process; each claim is searched once, with the deciders' memory as it is in a run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from importlib.resources import files

from verify.document.statements import Document, read
from verify.edits import edits
from verify.judge import Judge, link_id
from verify.limits import Effort
from verify.repair import Search


def main() -> None:
    print("| claim | single edits | time | mended |")
    print("|---|---|---|---|")
    found = []
    for document in _suite():
        found.extend(_rows(document))
    print()
    print(f"{len(found)} searches: median {1000 * statistics.median(found):.0f} ms, max {1000 * max(found):.0f} ms")


def _suite() -> Iterator[Document]:
    for item in sorted(files("verify.suite").iterdir(), key=lambda entry: entry.name):
        if item.name.endswith(".md"):
            yield read(item.name, item.read_text(encoding="utf-8"))


def _rows(document: Document) -> Iterator[float]:
    judge = Judge(document, Effort())
    for statement in document.claims:
        for link in statement.links if "refuted" in statement.directives.expect.values() else ():
            readings = judge.interpreter.readings(statement, link)
            claim = readings[0].claim
            if claim is None or judge.verdict(link, readings).verdict != "refuted":
                continue
            search = Search(statement, link, judge.interpreter, judge.verdict, 60)
            began = time.process_time()
            search.run(readings)
            seconds = time.process_time() - began
            words = "; ".join(repair.edit for repair in search.repairs) or "not by one edit"
            count = sum(1 for _ in edits(claim))
            name = f"{document.source.path} {link_id(statement, link)}"
            print(f"| {name} | {count} | {1000 * seconds:.0f} ms | {words} |", flush=True)
            yield seconds


if __name__ == "__main__":
    main()
