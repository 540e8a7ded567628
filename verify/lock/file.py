"""The lock file: TOML, sorted, one table a claim, so that a change is a few lines and two branches merge.

What names stand for is written once a document, and so are givens, which claims call by their keys. What is read back
is data: nothing in it is executed.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from derive.language.show import show_name
from verify.errors import CallError, Place
from verify.lock import toml
from verify.lock.entries import EFFORT, Locked, LockedDocument
from verify.lock.shortened import DamagedFormula, Expander, Shortener, keys_of
from verify.verdict import ORDER

FORMAT = 1
LARGEST = 20_000_000  # bytes
HEAD = (
    "# What is known of each claim. `backproof lock` writes this file, `backproof verify --locked` compares with it.\n"
)
_MARKERS = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: |\r?$)", re.MULTILINE)
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)")
_PLAIN: Mapping[str, Any] = {
    "reason": "", "sizes": "all", "steps": "all", "expected": "", "by": [], "assumed": [], "readings": [],
}  # fmt: skip
# the rows of a claim: f is a formula, w a word such as <= or symmetric
_ROWS = {"indices": "fff", "conditions": "fwf", "assumptions": "wff"}
_NEEDED = ("formula", "verdict", "given")
_MEANT = ("left", "right", "time", "relation", *_ROWS)
Data = Any


# --- writing -------------------------------------------------------------------------------------------------------


def to_text(documents: Mapping[str, LockedDocument], versions: Mapping[str, str]) -> str:
    """The file's text: the same for the same documents, but for the versions, which stand at its end."""
    tables = [HEAD, f"format = {FORMAT}\n"]
    for path, document in sorted(documents.items()):
        tables += _document(path, document)
    return "\n".join([*tables, toml.table(("versions",), versions)])


def _document(path: str, document: LockedDocument) -> Iterator[str]:
    short = Shortener.of(claim.meaning for claim in document.claims.values() if claim.meaning is not None)
    givens = {_frozen(given): given for claim in document.claims.values() for given in _givens(claim, short)}
    keys = keys_of({frozen: (show_name(name), given[0], frozen) for frozen, (name, given) in givens.items()})
    yield toml.table(("document", path), {**document.effort, "conventions": document.conventions})
    if short.keys:
        yield toml.table(("names", path), short.table())
    if keys:
        listed = sorted((key, givens[frozen][1]) for frozen, key in keys.items())
        yield toml.table(("given", path), dict(listed))
    for key, claim in sorted(document.claims.items()):
        used = sorted(keys[_frozen(given)] for given in _givens(claim, short))
        yield toml.table(("claim", path, key), _claim(claim, used, short))


def _givens(claim: Locked, short: Shortener) -> Iterator[tuple[str, list[Data]]]:
    """A claim's givens: each name, and its text with the equation, or with the parts of a loss."""
    for name, text in claim.given.items():
        if claim.meaning is None:
            yield name, [text, name]
        elif name in claim.meaning["given"]:
            yield name, [text, *map(short.short, claim.meaning["given"][name])]
        else:
            yield name, [text, name, claim.meaning["losses"][name]]


def _frozen(data: Data) -> str:
    return json.dumps(data, ensure_ascii=False)


def _claim(claim: Locked, given: list[str], short: Shortener) -> dict[str, Data]:
    found: dict[str, Data] = {"formula": claim.formula, "verdict": claim.verdict}
    for key, usual in _PLAIN.items():
        value = getattr(claim, key)
        if (list(value) if isinstance(usual, list) else value) != usual:
            found[key] = value
    found["given"] = given
    if claim.meaning is None:
        return found
    meant = claim.meaning
    found |= {"left": short.short(meant["left"]), "right": short.short(meant["right"])}
    found["time"] = [meant["time"][0], short.short(meant["time"][1])]
    if meant["relation"] != "=":
        found["relation"] = meant["relation"]
    for key, kinds in _ROWS.items():
        if meant[key]:
            found[key] = _rows(meant[key], kinds, short.short)
    return found


def _rows(rows: list[list[Data]], kinds: str, change: Callable[[Data], Data]) -> list[list[Data]]:
    """Rows with their formulas changed. Raises ValueError where a row has another length."""
    return [[change(item) if kind == "f" else str(item) for kind, item in zip(kinds, row, strict=True)] for row in rows]


# --- reading -------------------------------------------------------------------------------------------------------


def read_lock(path: str) -> dict[str, LockedDocument]:
    """The documents of a lock file. Raises `CallError`, which says where it is damaged and what to do."""
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(LARGEST + 1)
        text = data.decode("utf-8")
    except FileNotFoundError:
        raise CallError(f"{path}: there is no such lock file; `backproof lock` writes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CallError(
            f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'it is no UTF-8 text'}"
        ) from None
    if len(data) > LARGEST:
        raise CallError(f"{path}: larger than {LARGEST:,} bytes, which no lock file is; {_ANEW}")
    return from_text(text, path)


_ANEW = "delete it and run `backproof lock` on your documents"


def from_text(text: str, path: str) -> dict[str, LockedDocument]:
    """The documents of a lock file's text. Raises `CallError`."""
    marker = _MARKERS.search(text)
    if marker is not None:
        line = text.count("\n", 0, marker.start()) + 1
        todo = "take either side and run `backproof lock` on the documents that changed"
        raise CallError(f"{path}:{line}: a merge was left unfinished ({marker[0].strip()}); {todo}")
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise CallError(f"{path}: nested too deep for a lock file; {_ANEW}") from None
    except ValueError as error:  # a wrong TOML file, or a number that is too long
        raise CallError(_where(error, path)) from None
    found = content.get("format", "none")
    if type(found) is not int or found != FORMAT:
        raise CallError(
            f"{path}: its format is {str(found)[:20]}, and this version of Backproof reads {FORMAT}; "
            f"use the version that wrote it, or {_ANEW}"
        )
    return _Reader(content, text, path).documents()


def _where(error: ValueError, path: str) -> str:
    at = _AT.search(str(error))
    place = path if at is None or at[1] is None else f"{path}:{at[1]}:{at[2]}"
    reason = _AT.sub("" if at is None or at[1] else " at the end of the file", str(error))
    twice = (
        " (two branches may have locked the same claim: keep one of the two)"
        if "twice" in reason or "overwrite" in reason
        else ""
    )
    return f"{place}: the lock file is damaged: {reason}{twice}; mend that line, or {_ANEW}"


class _Reader:
    """Checks that each part is what a lock file has there; the line of a table is looked for where it is not."""

    def __init__(self, content: Mapping[str, Any], text: str, path: str) -> None:
        self.content = content
        self.path = path
        self.lines = {line: number for number, line in enumerate(text.splitlines(), start=1) if line.startswith("[")}

    def documents(self) -> dict[str, LockedDocument]:
        """Every document with its claims."""
        for section in ("names", "given", "claim"):
            for path in self._section(section):
                if path not in self._section("document"):
                    raise self._damaged((section, path), f"there is no table {toml.header(('document', path))}")
        return {path: self._document(path) for path in self._section("document")}

    def _section(self, name: str) -> Mapping[str, Any]:
        found = self.content.get(name, {})
        if not isinstance(found, dict) or not all(isinstance(part, dict) for part in found.values()):
            raise CallError(f"{self.path}: the lock file is damaged: {name} is no table of tables; {_ANEW}")
        return found

    def _document(self, path: str) -> LockedDocument:
        head = self._section("document")[path]
        if not all(type(head.get(name)) is int for name in EFFORT) or not _is_texts(head.get("conventions")):
            raise self._damaged(("document", path), f"it needs {', '.join(EFFORT)} and conventions")
        try:
            expander = Expander(self._section("names").get(path, {}))
        except (DamagedFormula, RecursionError) as error:
            raise self._damaged(("names", path), str(error)) from None
        claims = {}
        for key, found in self._section("claim").get(path, {}).items():
            try:
                claims[key] = self._claim(found, self._section("given").get(path, {}), expander, ("claim", path, key))
            except (ValueError, TypeError, KeyError, RecursionError, DamagedFormula) as error:
                raise self._damaged(("claim", path, key), str(error)) from None
        return LockedDocument({name: head[name] for name in EFFORT}, tuple(head["conventions"]), claims)

    def _claim(self, found: Any, givens: Mapping[str, Any], full: Expander, table: tuple[str, ...]) -> Locked:
        known = {*_NEEDED, *_PLAIN, *_MEANT}
        if not isinstance(found, dict) or not set(_NEEDED) <= set(found) <= known:
            raise ValueError(f"a claim has {', '.join(_NEEDED)} and perhaps {', '.join(sorted(known - set(_NEEDED)))}")
        if found["verdict"] not in ORDER:
            raise ValueError(f"a verdict is one of {', '.join(ORDER)}, not {str(found['verdict'])[:20]}")
        plain: dict[str, Any] = {}
        for key, usual in _PLAIN.items():
            plain[key] = found.get(key, usual)
            if not (_is_texts(plain[key]) if isinstance(usual, list) else isinstance(plain[key], str)):
                raise ValueError(f"{key} is {'a list of texts' if isinstance(usual, list) else 'a text'}")
            plain[key] = tuple(plain[key]) if isinstance(usual, list) else plain[key]
        if not isinstance(found["formula"], str) or not _is_texts(found["given"]):
            raise ValueError("formula is a text, and given a list of texts")
        texts, meaning = _meaning(found, {key: givens[key] for key in found["given"]}, full)
        place = Place(self.path, self.lines.get(toml.header(table), 1), 1)
        return Locked(
            found["formula"], found["verdict"], **plain, given=texts, meaning=meaning, place=place, id=table[-1]
        )

    def _damaged(self, table: tuple[str, ...], reason: str) -> CallError:
        line = self.lines.get(toml.header(table))
        place = self.path if line is None else f"{self.path}:{line}"
        named = ": ".join(table[1:])
        return CallError(f"{place}: the lock file is damaged at {named}: {reason}; mend that table, or {_ANEW}")


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _meaning(found: Mapping[str, Any], givens: Mapping[str, Any], full: Expander) -> tuple[dict[str, str], Any]:
    """The givens' texts by name, and the claim as data; None where it has none. Raises what is wrong."""
    texts, equations, losses = {}, {}, {}
    for key, given in givens.items():
        match given:
            case [str(text), str(name)]:
                texts[name] = text
            case [str(text), str(name), list(parts)]:
                texts[name], losses[name] = text, parts
            case [str(text), left, right, index, first, last]:
                parts = [full.full(part) for part in (left, right, index, first, last)]
                name = str(parts[0][1][1] if parts[0][0] == "Member" else parts[0][1])
                texts[name], equations[name] = text, parts
            case _:
                raise ValueError(f"the given {key} is neither an equation nor a loss")
    if "left" not in found:
        return texts, None
    first, last = found["time"]
    meaning = {
        "left": full.full(found["left"]), "right": full.full(found["right"]),
        "relation": str(found.get("relation", "=")),
        **{key: _rows(found.get(key, []), kinds, full.full) for key, kinds in _ROWS.items()},
        "given": equations, "losses": losses, "time": [first, full.full(last)],
    }  # fmt: skip
    return texts, meaning
