"""Formulas in a lock file: a letter or tensor is its name, and a document's table says what the name stands for.

`["MatMul", "W", ["@", "s", ["Add", -1, "t"]]]` is W s_{t-1}: a text is a name of the table, and @ a member of the
family that stands there. A name that a document uses for two things stands in the table with what it means.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from derive.language.show import show_name
from verify.errors import CallError

Data = Any
MEMBER = "@"
NONE = ""  # TOML has no null, and no name is empty


class DamagedFormula(CallError):
    """What stands for a formula in a lock file is none."""


@dataclass(frozen=True)
class Shortener:
    """The keys of all letters, matrices and families that formulas write."""

    keys: Mapping[str, str]
    atoms: Mapping[str, Data]

    @classmethod
    def of(cls, formulas: Iterable[Data]) -> Shortener:
        """The keys for all formulas of a document."""
        atoms = {_text(atom): atom for formula in formulas for atom in _atoms(formula)}
        named = {text: (show_name(_name(atom)), _name(atom), f"{_name(atom)}: {text}") for text, atom in atoms.items()}
        return cls(keys_of(named), atoms)

    def table(self) -> dict[str, Data]:
        """What each key stands for."""
        return {
            key: self._meaning(self.atoms[text]) for text, key in sorted(self.keys.items(), key=lambda pair: pair[1])
        }

    def _meaning(self, atom: Data) -> Data:
        kind, name, *rest = atom
        if kind == "Symbol":
            return [rest[0], name]
        if kind == "MatrixSymbol":
            return ["matrix", name, *map(self.short, rest)]
        return ["family", name[1], *([self.short(size) for size in axis[1:]] for axis in rest)]

    def short(self, data: Data) -> Data:
        """A formula with keys for letters and tensors."""
        if data is None:
            return NONE
        if not isinstance(data, list) or data[0] == "Str":
            return data
        if data[0] == "Member":
            name, indices, *axes = data[1:]
            return [MEMBER, self.keys[_text(["Member", name, *axes])], *map(self.short, indices[1:])]
        if data[0] in ("Symbol", "MatrixSymbol"):
            return self.keys[_text(data)]
        return [data[0], *map(self.short, data[1:])]


def _atoms(data: Data) -> Iterator[Data]:
    if isinstance(data, Mapping):
        data = list(data.values())
    if not isinstance(data, list | tuple) or not data:
        return
    if data[0] == "Member":
        yield ["Member", data[1], *data[3:]]
    elif data[0] in ("Symbol", "MatrixSymbol"):
        yield data
    for item in data:
        yield from _atoms(item)


def _name(atom: Data) -> str:
    return str(atom[1][1] if atom[0] == "Member" else atom[1])


def _text(data: Data) -> str:
    return json.dumps(data, ensure_ascii=False)


def keys_of(named: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """A key for each of several things: the first of its names that no other thing has, whatever their order."""
    counts = Counter(name for names in named.values() for name in set(names))
    return {
        thing: next((name for name in names if counts[name] == 1), f"{names[-1]} #{_digest(thing)}")
        for thing, names in named.items()
    }


def _digest(thing: str) -> str:
    return hashlib.sha256(thing.encode()).hexdigest()[:8]


class Expander:
    """Formulas as they were before they were shortened."""

    def __init__(self, table: Mapping[str, Data]) -> None:
        self.atoms: dict[str, Data] = {}
        shapes = {key: value for key, value in table.items() if _is_list_of_text(value, 2)}
        for key, (sort, name) in shapes.items():
            if sort not in ("size", "step"):
                raise DamagedFormula(f"{key} is a {sort}, and a letter is a size or a step")
            self.atoms[key] = ["Symbol", name, sort]
        for key, value in table.items():
            if key not in shapes:
                self.atoms[key] = self._tensor(key, value)

    def _tensor(self, key: str, value: Data) -> Data:
        match value:
            case ["matrix", str(name), rows, cols]:
                return ["MatrixSymbol", name, self.full(rows), self.full(cols)]
            case ["family", str(name), list(rows), list(cols)]:
                axes = (["Tuple", *map(self.full, axis)] for axis in (rows, cols))
                return ["Member", ["Str", name], ["Tuple"], *axes]
        raise DamagedFormula(f"{key} is neither a letter nor a tensor with its sizes")

    def full(self, data: Data) -> Data:
        """The formula of a shortened one. Raises `DamagedFormula`."""
        if data == NONE:
            return None
        if type(data) is int:
            return data
        if isinstance(data, str):
            return self._known(data)
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise DamagedFormula(f"no formula: {str(data)[:60]}")
        if data[0] == "Str":
            return data
        if data[0] == MEMBER:
            family = self._known(data[1] if len(data) > 1 else None)
            if family[0] != "Member":
                raise DamagedFormula(f"{data[1]} is no family")
            return ["Member", family[1], ["Tuple", *map(self.full, data[2:])], *family[3:]]
        return [data[0], *map(self.full, data[1:])]

    def _known(self, key: Data) -> Data:
        if not isinstance(key, str) or key not in self.atoms:
            raise DamagedFormula(f"{str(key)[:60]!r} stands for nothing in the document's names")
        return self.atoms[key]


def _is_list_of_text(value: Data, length: int) -> bool:
    return isinstance(value, list) and len(value) == length and all(isinstance(item, str) for item in value)
