"""A summary in Markdown for a CI job's page: how many claims have which verdict, and each that is not as it should be.

What comes from a document stands in code, in which Markdown knows no HTML, link, picture or mention, behind a fence
longer than any run of backticks in it. As maths only what GitHub sets is shown: it refuses a formula with a command
that it does not allow, \\operatorname among them, and a symbol may be named like any command.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from derive.latex import signs
from verify.errors import clean
from verify.report.findings import Finding, findings, in_words, of_report
from verify.report.model import DocumentReport, Report
from verify.report.terminal import counterexample_text
from verify.verdict import ORDER, Repair

LIMIT = 1 << 20  # bytes of a job's summary; GitHub shows none of a longer one
_RESERVE = 300  # of them for the note that something is cut
_COLUMNS = tuple(reversed(ORDER))
_REFUSED = ("operatorname", "bm", "bf", "pmb", "fbox", "ensuremath", "strut", "mathstrut", "noindent", "allowbreak")
_LETTERS = (
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "pi", "varpi", "rho", "varrho", "sigma", "varsigma", "tau", "upsilon", "phi", "varphi",
    "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
    "ell", "top", "intercal", "prime", "ast", "star", "dagger", "mid", "vert", "Vert", "langle", "rangle",
    "max", "min", "exp", "log", "ln", "tanh", "det", "tr", "sqrt", "begin", "end",
)  # fmt: skip
_ALLOWED = {
    *_LETTERS, *signs.FONTS, *signs.ACCENTS, *signs.SKIPPED,
    *(sign.lstrip("\\") for table in (signs.OPERATORS, signs.RELATIONS, signs.SIMPLE) for sign in table),
}.difference(_REFUSED)  # fmt: skip
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_OPERATOR = re.compile(r"\\operatorname\*?\s*\{([A-Za-z0-9 ]*)\}")


def render(report: Report, timings: bool = False, room: int = LIMIT) -> str:
    """The summary, at most `room` bytes; what does not fit is counted at the end."""
    rows = [_row(document, report.require_proof) for document in report.shown]
    notes = ["\n".join(("", *_fenced(note), "")) for note in report.notes]
    parts = [_head(report), *rows, *notes, *(_section(finding, report.require_proof) for finding in of_report(report))]
    kept, left_out = _fitting(parts, room)
    note = f"\n{left_out} more parts are left out: a summary holds {LIMIT:,} bytes. `--json` leaves out none.\n"
    return kept + note if left_out and room > _RESERVE else kept


def _fitting(parts: list[str], room: int) -> tuple[str, int]:
    """The parts that fit in order, and how many do not; one that is too large costs no other."""
    whole = "".join(parts)
    if len(whole.encode("utf-8", "replace")) <= room:
        return whole, 0
    kept: list[str] = []
    left = room - _RESERVE
    for part in parts:
        size = len(part.encode("utf-8", "replace"))
        if size <= left:
            kept.append(part)
            left -= size
    return "".join(kept), len(parts) - len(kept)


def _head(report: Report) -> str:
    so_far = "" if report.is_complete else "interrupted, so far "
    state = f"{so_far}{'all' if report.ok else 'not'} as it should be"
    columns = ("document", *_COLUMNS, "not as it should be")
    rule = "|---|" + "---:|" * (len(columns) - 1)
    return f"## Backproof: {state}\n\n| {' | '.join(columns)} |\n{rule}\n"


def _row(document: DocumentReport, require_proof: bool) -> str:
    counts = Counter(entry.verdict.verdict for entry in document.claims if entry.verdict is not None)
    wrong = sum(1 for _ in findings(document, require_proof))
    numbers = (*(counts[verdict] for verdict in _COLUMNS), wrong)
    cells = [_code(document.path).replace("|", "\\|"), *(str(number or "") for number in numbers)]
    return f"| {' | '.join(cells)} |\n"


def _section(finding: Finding, require_proof: bool) -> str:
    return "\n".join(("", *_lines(finding, require_proof), ""))


def _lines(finding: Finding, require_proof: bool) -> Iterator[str]:
    entry, at = finding.entry, finding.region
    inside = f" ({_code(at.inside)})" if at.inside else ""
    place = _code(f"{at.file}:{at.line}") + inside
    verdict = None if entry is None else entry.verdict
    if entry is None or verdict is None:
        named = f" {_code(finding.name)}" if finding.name else ""
        yield f"### {place}{named}: {'wrong declaration' if finding.key == 'declaration' else 'changed'}\n"
        yield from _fenced("\n".join(finding.words))
        return
    yield f"### {place} {_code(entry.id)}: {verdict.verdict}\n"
    yield from _formula(entry.latex, verdict.verdict != "unreadable")
    yield ""
    words = [*in_words(entry, require_proof, with_lines=False)]
    words = [word for word in words if not word.startswith("one edit away: ")]
    if verdict.counterexample is not None:
        words.append(counterexample_text(verdict.counterexample, verdict.failing).plain)
    yield from _fenced("\n".join(words))
    for repair in verdict.repairs:
        yield from _mended(repair, verdict.scope_of(repair))


def _mended(repair: Repair, scope: str) -> Iterator[str]:
    proved = f"proved for {_code(scope)}" if scope else "proved"
    yield f"\nOne edit away, and {proved}: {_code(repair.edit)}\n"
    yield from _formula(repair.latex, is_understood=True)


def _formula(latex: str, is_understood: bool) -> Iterator[str]:
    """As maths where it was read and GitHub sets it, else as code."""
    text = _OPERATOR.sub(r"\\mathop{\\mathrm{\1}}", latex).replace("\\bm{", "\\boldsymbol{")
    is_set = is_understood and set(_COMMAND.findall(text)) <= _ALLOWED
    yield from _fenced(text if is_set else latex, "math" if is_set else "latex")


def _fenced(text: str, language: str = "text") -> Iterator[str]:
    """A block of code behind a fence that the text cannot close."""
    text = clean(text)
    fence = "`" * max(3, 1 + _longest(text))
    yield f"{fence}{language}"
    yield text
    yield fence


def _code(text: str) -> str:
    """Code within a line: one line, and backticks outside longer than any within."""
    text = clean(" ".join(text.split())) or " "
    fence = "`" * (1 + _longest(text))
    room = " " if "`" in text or text != text.strip() else ""
    return f"{fence}{room}{text}{room}{fence}"


def _longest(text: str) -> int:
    """The length of the longest run of backticks."""
    return max(map(len, re.findall("`+", text)), default=0)
