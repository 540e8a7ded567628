"""A document of 100 equations: decided without a cache, kept, read back, and after one line has changed.

    python benchmarks/document.py            # a Markdown table on standard output

The equations are the suite's, its first document a second time under other names, so that no two claims are equal.
Times are CPU seconds of one process after imports: others on the machine do not count.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

import hypothesis  # noqa: F401  (an import like the others: it is not timed)
import numpy  # noqa: F401

from verify.cache import Cache, ground
from verify.document.statements import Document, read
from verify.judge import Entry, Judge
from verify.limits import Effort

WANTED = 100
RENAMED = {
    "W": "A",
    "U": "B",
    "V": "C",
    "s": "h",
    "z": "q",
    "Net": "Pre",
    "G": "K",
    "H": "M",
    "f": "g",
    "g": "r",
}


def main() -> None:
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    text = document()
    began = time.process_time()
    found = read("document.md", text)
    reading = time.process_time() - began
    equations = sum(len(statement.links) or 1 for statement in found.claims)
    print(f"{equations} claims in {len(found.statements)} equations, {examples} numeric instances a model")
    print()
    print("| run | settled | kept | time |")
    print("|---|---|---|---|")
    print(f"| read alone | | | {reading:.2f} s |")
    effort = Effort(examples=examples)
    with tempfile.TemporaryDirectory() as folder:
        for name, cache, changed in (
            ("no cache", None, text),
            ("cold cache", Cache(Path(folder)), text),
            ("warm cache", Cache(Path(folder)), text),
            ("warm cache, one line changed", Cache(Path(folder)), with_one_change(text)),
        ):
            seconds, entries = timed(changed, effort, cache)
            counts = ("", "") if cache is None else (str(cache.settled), str(cache.hits))
            print(f"| {name} | {counts[0]} | {counts[1]} | {seconds:.2f} s |", flush=True)
            assert len([entry for entry in entries if entry.role == "claim"]) == equations


def timed(text: str, effort: Effort, cache: Cache | None) -> tuple[float, list[Entry]]:
    """Read and decide; the numeric instances that an earlier run drew are forgotten."""
    from verify import numeric

    numeric._drawn.clear()
    ground.cache_clear()
    began = time.process_time()
    entries = list(Judge(read("document.md", text), effort, cache).entries())
    if cache is not None:
        cache.close()
    return time.process_time() - began, entries


def document() -> str:
    """100 claims: the suite's documents one after another, each behind a reset, tags made distinct."""
    sources = [
        (files("verify.suite") / name).read_text(encoding="utf-8") for name in ("01-rnn.md", "02-rnn-every-step.md")
    ]
    parts = [*sources, renamed(sources[0])]
    text = "\n".join(part_of(part, number) for number, part in enumerate(parts))
    return cut(read("document.md", text), text)


def renamed(text: str) -> str:
    """Other letters for the same equations."""
    pattern = re.compile(r"(?<![A-Za-z\\])(" + "|".join(RENAMED) + r")(?![A-Za-z])")
    return pattern.sub(lambda match: RENAMED[match.group(1)], text)


def part_of(text: str, number: int) -> str:
    """A document as a part of a longer one."""
    text = text.replace("```backproof\nsymbols", "```backproof\nreset: true\nsymbols", 1)
    text = re.sub(r"\\tag\{", rf"\\tag{{{number}:", text)
    return re.sub(
        r"given: \[(.*)\]",
        lambda match: "given: [" + re.sub(r"'([^']*)'", rf"'{number}:\1'", match.group(1)) + "]",
        text,
    )


def cut(found: Document, text: str) -> str:
    """The text up to the hundredth claim."""
    lines = text.splitlines(keepends=True)
    count = 0
    for statement in found.claims:
        count += len(statement.links) or 1
        if count >= WANTED:
            start = sum(map(len, lines[: statement.place.line - 1])) + statement.place.column - 1
            return text[: text.index("$$", start) + 2] + "\n"
    return text


def with_one_change(text: str) -> str:
    """A factor 2 in one line of the middle."""
    old = r"W \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right] \tag{1:2.2c}"
    assert text.count(old) == 1
    return text.replace(old, old.replace("W", "2 W", 1))


if __name__ == "__main__":
    main()
