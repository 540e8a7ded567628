"""LaTeX files: declaration blocks and directives in comments, macros, and display equations, with the files they read.

A scanner, no typesetter: what it does not know it passes over, so that prose and packages never hide an equation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from verify.document.environments import DISPLAYS, extent
from verify.document.macros import DEFINING, Definitions, closing_brace
from verify.document.passages import Piece
from verify.document.source import MAX_BYTES, Assembly, normal

MAX_FILES = 200
MAX_INPUT_DEPTH = 10

_LITERAL = (
    "verbatim",
    "Verbatim",
    "lstlisting",
    "minted",
    "comment",
    "alltt",
    "filecontents",
    "BVerbatim",
    "LVerbatim",
)
_SIGN = re.compile(
    r"(?P<comment>%[^\n]*)"
    r"|\\(?P<edge>begin|end)[ \t]*\{(?P<name>[A-Za-z]+\*?)\}"
    r"|\\(?P<verb>verb\*?|lstinline)(?P<mark>[^A-Za-z\s*])[^\n]*?(?P=mark)"
    r"|\\(?P<input>input|include)(?![A-Za-z])"
    rf"|{DEFINING.pattern}"
    r"|\\(?P<environment>(?:re)?newenvironment|NewDocumentEnvironment)(?![A-Za-z])\*?"
    r"|\\(?P<dead>iffalse)(?![A-Za-z])"
    r"|(?P<inline>\\\(|\$(?!\$))|(?P<display>\\\[|\$\$)"
    r"|(?P<word>\\[A-Za-z]+)|\\.|(?P<brace>[{}])",
    re.DOTALL,
)
_INLINE_STOP = re.compile(r"\\begin\{([A-Za-z]+\*?)\}|\\.|\$|\n[ \t]*\n", re.DOTALL)
_INPUT = re.compile(r"\s*(?:\{([^{}\n]*)\}|([^\s\\{}%$]+))")
_SAID = re.compile(r"%+[ \t]*backproof[ \t]*(?P<colon>:)?")
_END_BLOCK = re.compile(r"[ \t]*%+[ \t]*end[ \t]+backproof[ \t]*(?:\n|$)")
_COMMENT_LINE = re.compile(r"[ \t]*%+[^\n]*(?:\n|$)")
_DELIMITER = re.compile(r"\\(?:begin|end)\s*\{[A-Za-z]+\*?\}|\\\[|\\\]|\$\$")
_GROUP_START = re.compile(r"\s*(?:\[[^\]\n]*\]\s*)*")


def pieces(text: str, assembly: Assembly, path: str, folder: Path | None) -> list[Piece]:
    """What a LaTeX document says to Backproof; the files that it reads become parts of the assembly.

    `folder` is the document's own: no file outside is read; None where the document has none (standard input).
    """
    return list(_Scanner(assembly, folder).file(path, text, ""))


class _Scanner:
    """Goes through a file and those that it reads, with what must be known from earlier lines."""

    def __init__(self, assembly: Assembly, folder: Path | None) -> None:
        self.assembly, self.folder = assembly, None if folder is None else folder.resolve()
        self.aliases: dict[str, str] = {}  # \be for \begin{equation}
        self.definitions = Definitions()
        self.depth = 0  # of groups; definitions in one end with it
        self.scopes: list[int] = []
        self.open_files: list[Path] = []
        self.read = 0
        self.size = 0

    def file(self, path: str, text: str, label: str) -> Iterator[Piece]:
        offset = self.assembly.add(path, text, label)
        place, missing = 0, set[str]()
        while sign := _SIGN.search(text, place):
            if sign["edge"] == "end" and sign["name"] == "document":
                return
            found, place = self._take(sign, text, offset, missing)
            yield from found

    def _take(self, sign: re.Match[str], text: str, offset: int, missing: set[str]) -> tuple[list[Piece], int]:
        """What one sign says, and where reading goes on."""
        if sign["comment"]:
            return _comment(text, sign, offset)
        if sign["how"]:
            return self._definition(text, sign, offset)
        if sign["input"]:
            return self._input(text, sign, offset)
        if sign["inline"]:
            return [], _after_inline(text, sign)
        if sign["environment"]:
            return [], _after_groups(text, sign.end())
        if sign["dead"]:
            return _literal(text, sign, offset, "\\fi", missing)
        if sign["name"] and sign["name"].rstrip("*") in _LITERAL and sign["edge"] == "begin":
            return _literal(text, sign, offset, f"\\end{{{sign['name']}}}", missing)
        opening = self._opening(sign)
        if opening:
            return self._display(text, sign, offset, opening)
        return self._group(sign, offset), sign.end()

    def _opening(self, sign: re.Match[str]) -> str:
        """`$$`, `\\[` or the environment of the display that a sign opens, through a macro too; empty where none."""
        word = sign["display"] or (f"\\begin{{{sign['name']}}}" if sign["edge"] == "begin" else "")
        word = word or self.aliases.get(sign.group(), "")
        if word in ("$$", "\\["):
            return word
        name = word.removeprefix("\\begin{").removesuffix("}") if word.startswith("\\begin{") else ""
        return name if name in DISPLAYS else ""

    def _display(self, text: str, sign: re.Match[str], offset: int, opening: str) -> tuple[list[Piece], int]:
        reach = extent(text, sign.end(), len(text), opening, self.aliases)
        begin = sign.start() if reach.fault else sign.end()
        inside, environment = text[begin : reach.end], opening if opening in DISPLAYS else ""
        whole = offset + sign.start(), offset + reach.after
        display = Piece("display", inside, offset + begin, environment, reach.fault, whole)
        if DEFINING.search(inside):
            return [_edge("open", display.offset), display, _edge("close", display.offset)], reach.after
        return [display], reach.after

    def _group(self, sign: re.Match[str], offset: int) -> list[Piece]:
        """Groups are counted, so that a definition within one ends with it."""
        if sign["name"] == "document":
            return []
        if sign["edge"] == "begin" or sign["brace"] == "{":
            self.depth += 1
        elif sign["edge"] == "end" or sign["brace"] == "}":
            self.depth = max(0, self.depth - 1)
            if self.scopes and self.scopes[-1] > self.depth:
                self.scopes.pop()
                return [_edge("close", offset + sign.start())]
        return []

    def _definition(self, text: str, sign: re.Match[str], offset: int) -> tuple[list[Piece], int]:
        found = self.definitions.read(text, sign.start())
        if found is None:
            return [], sign.end()
        before = []
        if self.depth > (self.scopes[-1] if self.scopes else 0):
            self.scopes.append(self.depth)
            before = [_edge("open", offset + sign.start())]
        body = found.definition.text
        if not found.definition.arity and _DELIMITER.fullmatch(body):
            self.aliases[found.definition.name] = body.replace(" ", "")
        whole = offset + sign.start(), offset + found.end
        return [*before, Piece("definition", text[sign.start() : found.end], whole[0], whole=whole)], found.end

    # --- \input ----------------------------------------------------------------------------------------------------

    def _input(self, text: str, sign: re.Match[str], offset: int) -> tuple[list[Piece], int]:
        named = _INPUT.match(text, sign.end())
        if not named:
            return [], sign.end()
        name = (named[1] or named[2] or "").strip()
        try:
            opened = self._opened(name)
        except (_Refused, OSError, ValueError) as error:
            reason = error.strerror or "it cannot be read" if isinstance(error, OSError) else str(error)
            fault = f"\\{sign['input']}{{{name}}}: {reason}"
            return [Piece("error", text[sign.start() : named.end()], offset + sign.start(), fault=fault)], named.end()
        if opened is None:
            return [], named.end()
        path, content = opened
        self.open_files.append(path)
        label = path.relative_to(self.folder or path).as_posix()
        found = list(self.file(str(Path(self.assembly.path).parent / label), content, label))
        self.open_files.pop()
        return found, named.end()

    def _opened(self, name: str) -> tuple[Path, str] | None:
        """The file that \\input names, and its text; None for what is no LaTeX. Raises `_Refused`, `OSError`."""
        if self.folder is None:
            raise _Refused("a document from standard input has no folder to read from")
        if not name or name.startswith(("/", "~", "|")) or ".." in re.split(r"[/\\]", name) or Path(name).is_absolute():
            raise _Refused("only files in the document's own folder are read, by a path without ..")
        path = (self.folder / (name if name.endswith((".tex", ".ltx")) else f"{name}.tex")).resolve()
        if not path.is_relative_to(self.folder):
            raise _Refused("it leads out of the document's own folder")
        if not path.is_file() and Path(name).suffix not in ("", ".tex", ".ltx"):
            return None  # a picture or table: only .tex and .ltx files hold equations
        if not path.is_file():
            raise _Refused("there is no such file")
        self.read += 1
        if path in self.open_files:
            raise _Refused("the file reads itself")
        if len(self.open_files) >= MAX_INPUT_DEPTH:
            raise _Refused(f"files read one another more than {MAX_INPUT_DEPTH} deep")
        if self.read > MAX_FILES:
            raise _Refused(f"more than {MAX_FILES} files are read")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1 - self.size)
        self.size += len(data)
        if self.size > MAX_BYTES:
            raise _Refused(f"the files read are larger than {MAX_BYTES} bytes together")
        try:
            return path, normal(data.decode("utf-8"))
        except UnicodeDecodeError:
            raise _Refused("it is no UTF-8 text") from None


class _Refused(Exception):
    """Why a file is not read."""


def _edge(kind: str, offset: int) -> Piece:
    return Piece(kind, "", offset)


def _comment(text: str, sign: re.Match[str], offset: int) -> tuple[list[Piece], int]:
    """% backproof: … is a directive; % backproof begins a block, whose lines are comments up to % end backproof."""
    said = _SAID.match(sign.group())
    if said is None or (not said["colon"] and sign.group()[said.end() :].strip()):
        return [], sign.end()
    if said["colon"]:
        begin = sign.start() + said.end()
        return [Piece("directive", text[begin : sign.end()], offset + begin)], sign.end()
    begin = place = min(sign.end() + 1, len(text))
    while not (end := _END_BLOCK.match(text, place)):
        line = _COMMENT_LINE.match(text, place)
        if line is None or line.end() == place:
            fault = "the block is not closed: its lines are comments up to `% end backproof`"
            return [Piece("error", sign.group(), offset + sign.start(), fault=fault)], place
        place = line.end()
    whole = offset + sign.start(), offset + end.end()
    return [Piece("block", _without_percent(text[begin:place]), offset + begin, whole=whole)], end.end()


def _without_percent(text: str) -> str:
    """The block's lines without the signs of comments; the places stay."""
    return re.sub(r"(?m)^[ \t]*%+", lambda match: " " * len(match.group()), text)


def _literal(text: str, sign: re.Match[str], offset: int, closing: str, missing: set[str]) -> tuple[list[Piece], int]:
    """What stands as it is up to `closing`; where that is missing it is said, and reading goes on."""
    end = -1 if closing in missing else text.find(closing, sign.end())
    if end >= 0:
        return [], end + len(closing)
    missing.add(closing)
    return [Piece("error", sign.group(), offset + sign.start(), fault=f"{closing} is missing")], sign.end()


def _after_inline(text: str, sign: re.Match[str]) -> int:
    """The place after inline mathematics; where it is not closed, before the next display or empty line."""
    closing = {"$": "$", "\\(": "\\)"}[sign.group()]
    for match in _INLINE_STOP.finditer(text, sign.end()):
        if match.group() == closing:
            return match.end()
        if match[1] in DISPLAYS or match.group() in ("\\[", "\\("):
            return match.start()
        if match.group()[0] == "\n":
            return match.start() + 1
    return sign.end()


def _after_groups(text: str, place: int) -> int:
    """The place after the groups that follow: a definition of an environment is no text of the document."""
    for _ in range(4):
        opening = _GROUP_START.match(text, place)
        begin = opening.end() if opening else place
        if not text.startswith("{", begin) or (end := closing_brace(text, begin, begin + 5_000)) < 0:
            break
        place = end
    return place
