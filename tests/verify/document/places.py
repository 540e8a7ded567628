"""A small vocabulary for tests of places: what stands under the caret of a message."""

from verify.document.statements import read

BLOCK = "symbols: {x_t: m, s_t: n, U: n x m, W: n x n, V: n x n, w: n, f: elementwise}\ntime: 1..t"
MARKDOWN = f"```backproof\n{BLOCK}\n```\n"
LATEX = "% backproof\n" + "".join(f"% {line}\n" for line in BLOCK.split("\n")) + "% end backproof\n"


def under_caret(place):
    """The characters of the source line that a place means."""
    begin = place.column - 1 - place.skipped
    return place.source[begin : begin + place.width]


def document(text, path="notes.md", block=None, **kwargs):
    """A document behind a declaration block, without errors in its declarations."""
    head = {"notes.md": MARKDOWN, "notes.tex": LATEX}.get(path, "") if block is None else block
    found = read(path, head + text, **kwargs)
    assert not found.errors, [str(error) for error in found.errors]
    return found


def formulas(text, path="notes.md", **kwargs):
    """The statements of a document as id -> its links' LaTeX, in order; a message stands for what cannot be read."""
    return {
        statement.id: statement.problem.message if statement.problem else [link.latex for link in statement.links]
        for statement in document(text, path, **kwargs).statements
    }


def problem(text, path="notes.md", **kwargs):
    """The one statement that cannot be read: its message, its place."""
    (found,) = [s.problem for s in document(text, path, **kwargs).statements if s.problem is not None]
    return found
