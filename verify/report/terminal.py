"""The report for a person: a table, then what is wrong, then one line that sums it up.

Formulas go through `Text` only: rich would take the brackets of `diag[d]` for markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from verify.counterexample import Counterexample, differ
from verify.deciders.outcome import Outcome
from verify.errors import DocumentError, clean
from verify.judge import Entry
from verify.report.model import SIGNS, DocumentReport, Report
from verify.verdict import Verdict

STYLES = {
    "proved": "green", "tested": "cyan", "conditional": "yellow", "refuted": "red", "undecided": "magenta",
    "unreadable": "red",
}  # fmt: skip
WIDTH_OF_PIPES = 200


def show_document(document: DocumentReport, report: Report, console: Console, timings: bool = False) -> None:
    """One document: its table and its troubles."""
    console.print()
    console.print(Text(clean(document.path), style="bold"))
    for error in document.errors:
        console.print(_wrong_declaration(error))
    if document.entries:
        console.print(_table(document, report, timings, console.width))
    for text in _hypotheses(document.entries):
        console.print(Text(clean(text), "dim"))
    for entry in document.entries:
        if entry.verdict is not None and not entry.is_ok(report.require_proof):
            console.print(_trouble(entry))


def show_summary(report: Report, console: Console) -> None:
    """The closing lines."""
    console.print()
    if not report.is_complete:
        console.print(Text("interrupted: these are the results so far", style="yellow"))
    line = Text()
    if report.shard is not None:
        line.append(f"shard {report.shard}: {'' if any(report.summary.values()) else 'no claim fell to it'}  ")
    for verdict, count in report.summary.items():
        if count:
            line.append(f"{count} {verdict}", STYLES[verdict]).append("  ")
    expected = sum(
        entry.expected is not None and entry.is_ok() and entry.verdict is not None and entry.verdict.verdict != "proved"
        for document in report.documents
        for entry in document.claims
    )
    if expected:
        line.append(f"({expected} of them as expected by the document)  ", "dim")
    console.print(line)
    console.print(Text("all as it should be", "bold green") if report.ok else Text("not as it should be", "bold red"))


def troubles(document: DocumentReport, require_proof: bool = False) -> Iterator[str]:
    """The texts of all that is wrong in a document, as a pipe gets them."""
    yield from map(declaration_text, document.errors)
    for entry in document.entries:
        if not entry.is_ok(require_proof):
            yield trouble_text(entry)


def declaration_text(error: DocumentError) -> str:
    """A wrong declaration with its caret, as a pipe gets it."""
    return _plain(_wrong_declaration(error))


def trouble_text(entry: Entry) -> str:
    """What `show_document` says of a claim that is not as it should be, as a pipe gets it."""
    return _plain(_trouble(entry))


def verdict_text(verdict: Verdict, of: str) -> str:
    """The same of a verdict on formulas that stand in no document."""
    return _plain(Group(Text(f"{clean(of)}: {verdict.verdict}"), _told(verdict)))


def _plain(part: RenderableType) -> str:
    """Text without colours, whatever the environment says, and without blanks at the ends of lines."""
    written = StringIO()
    console = Console(file=written, width=WIDTH_OF_PIPES, force_terminal=False, highlight=False)
    console.print(part)
    return "\n".join(line.rstrip() for line in written.getvalue().split("\n")).strip("\n")


def _wrong_declaration(error: DocumentError) -> RenderableType:
    return Group(
        Text(f"{error.place}: {clean(error.message)}", style="red"),
        Padding(Text(error.place.caret()), (0, 0, 0, 4), expand=False),
    )


def _hypotheses(entries: Iterable[Entry]) -> list[str]:
    """What is assumed, each with the ids of the claims that are made under it."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        for text in entry.verdict.assumptions if entry.verdict is not None else ():
            found.setdefault(text, []).append(entry.id)
    return [f"assumed in {', '.join(ids)}: {text}" for text, ids in found.items()]


def _table(document: DocumentReport, report: Report, timings: bool, width: int) -> Table:
    """The formula takes what room is left; everything before it is shown whole."""
    rows = [_row(entry, report, timings) for entry in document.entries]
    names = ("line", "id", "verdict", "steps", *(("ms",) if timings else ()))
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    widths = [max(len(name), *(row[place].cell_len for row in rows)) for place, name in enumerate(names)]
    for name, room in zip(names, widths, strict=True):
        table.add_column(name, justify="right" if name in ("line", "ms") else "left", width=room, no_wrap=True)
    table.add_column("formula", no_wrap=True)
    left = max(20, width - sum(widths) - 2 * len(widths))
    for entry, row in zip(document.entries, rows, strict=True):
        formula = Text(clean(entry.text or entry.latex))
        formula.truncate(left, overflow="ellipsis")
        table.add_row(*row, formula)
    return table


def _row(entry: Entry, report: Report, timings: bool) -> list[Text]:
    cells = [Text(str(entry.place.line), "dim"), Text(clean(entry.id)), _verdict_cell(entry, report), _steps(entry)]
    if timings:
        cells.append(Text("" if entry.verdict is None else f"{entry.verdict.seconds * 1000:.1f}", "dim"))
    return cells


def _steps(entry: Entry) -> Text:
    return Text(entry.verdict.times if entry.verdict is not None and entry.role == "claim" else "", style="dim")


def _verdict_cell(entry: Entry, report: Report) -> Text:
    if entry.verdict is None:
        return Text(entry.role, style="dim")
    name = entry.verdict.verdict
    cell = Text(f"{SIGNS[name]} {name}", STYLES[name])
    if entry.expected is not None and entry.is_ok(report.require_proof) and name not in ("proved",):
        cell.append(" (expected)", "dim")
    return cell


def _trouble(entry: Entry) -> RenderableType:
    verdict = entry.verdict
    assert verdict is not None
    head = Text(f"\n{entry.place}: {clean(entry.id)}: {verdict.verdict}", STYLES[verdict.verdict])
    return Group(head, _told(verdict, entry.expected))


def _told(verdict: Verdict, expected: str | None = None) -> RenderableType:
    """The message, what is wrong and where, what would mend it, and the evidence."""
    body: list[RenderableType] = [Text(clean(verdict.message))]
    if expected is not None:
        body.append(Text(f"the document expects {expected}", "yellow"))
    if verdict.place is not None:
        body.append(Text(f"{verdict.place}\n{verdict.place.caret()}"))
    if verdict.advice:
        body.append(Text(clean(verdict.advice), "yellow"))
    body.extend(_repairs(verdict))
    body.extend(_readings(verdict))
    if verdict.counterexample is not None:
        body.append(counterexample_text(verdict.counterexample, verdict.failing))
    body.extend(Text(witness_text(outcome), "dim") for outcome in verdict.witnesses)
    return Padding(Group(*body), (0, 0, 0, 4), expand=False)


def _repairs(verdict: Verdict) -> list[RenderableType]:
    """What would mend it: the edit in words, and the mended line."""
    lines: list[RenderableType] = []
    for repair in verdict.repairs:
        scope = verdict.scope_of(repair)
        proved = f" (proved for {scope})" if scope else ""
        lines.append(Text(clean(f"one edit away: {repair.edit}{proved}"), "green"))
        lines.append(Text(clean(f"  {repair.latex}"), "green"))
    if verdict.repair_note:
        lines.append(Text(clean(verdict.repair_note), "yellow"))
    return lines


def _readings(verdict: Verdict) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for reading in verdict.readings:
        choices = ", ".join(f"{key}: {value}" for key, value in reading.choices.items())
        lines.append(Text(f"{choices}: ").append(reading.verdict, STYLES[reading.verdict]))
    return lines


def witness_text(outcome: Outcome) -> str:
    """One witness's answer in a line."""
    bound = "" if outcome.bound is None else f", wrong with probability at most {outcome.bound:.1e}"
    plural = "" if outcome.instances == 1 else "s"
    count = f" on {outcome.instances} instance{plural}" if outcome.instances else ""
    return clean(
        f"{outcome.witness}: {outcome.outcome}{count}{bound}{f' ({outcome.detail})' if outcome.detail else ''}"
    )


def counterexample_text(example: Counterexample, reading: str = "") -> Text:
    """Sizes, steps, values, functions and both sides, as plain text; with the reading that it refutes."""
    text = Text(f"{example.title}{f' with {reading}' if reading else ''}: ")
    text.append(clean(example.summary())).append("\n")
    together = example.zeros
    for name, value in example.values.items():
        if name not in together:
            text.append(f"  {clean(name)} = {_array(value)}\n")
    if together:
        text.append(f"  {clean(', '.join(together))} = 0\n")
    for name, table in example.functions.items():
        pairs = ", ".join(f"{name}({point}) = {value}" for point, value in table.items())
        text.append(f"  {clean(pairs)}\n")
    for name, lines in zip(("left ", "right"), _sides(example.left, example.right), strict=True):
        text.append(f"  {name} = {lines[0]}\n")
        for line in lines[1:]:
            text.append(f"          {line}\n")
    text.rstrip()
    return text


def _sides(left: object, right: object) -> tuple[list[str], list[str]]:
    """Both sides as lines; matrices row by row in aligned columns, an entry that differs with a star."""
    if not (_is_matrix(left) and _is_matrix(right)) or left == [left[0][:1]]:  # type: ignore[index]
        return [_array(left)], [_array(right)]
    pairs = [list(zip(*rows, strict=True)) for rows in zip(left, right, strict=True)]  # type: ignore[call-overload]
    cells = [[[_array(entry) + ("*" if differ(a, b) else " ") for entry in (a, b)] for a, b in row] for row in pairs]
    widths = [max(len(text) for row in cells for text in row[column]) for column in range(len(cells[0]))]
    sides = []
    for side in (0, 1):
        rows = ["  ".join(entry[side].rjust(width) for entry, width in zip(row, widths, strict=True)) for row in cells]
        sides.append([f"[ {row}]" for row in rows])
    return sides[0], sides[1]


def _is_matrix(value: object) -> bool:
    """A list of rows of numbers."""
    return (
        isinstance(value, list)
        and all(isinstance(row, list) for row in value)
        and not any(isinstance(entry, list) for row in value for entry in row)
    )


def _array(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_array(item) for item in value) + "]"
    if isinstance(value, dict):
        return f"{value['mid']} ± {value['rad']}"
    return str(value)
