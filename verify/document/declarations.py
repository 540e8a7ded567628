"""What a document declares at a line: names, indices, conventions, assumptions, givens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

import sympy as sp

from derive.errors import NotationError
from derive.language.functions import KINDS, OPAQUE
from derive.language.nodes import Application
from derive.latex.conventions import OPTIONS, Conventions
from derive.latex.names import literal_name, spelling
from derive.latex.signs import DECLARED_OPERATORS
from derive.latex.vocabulary import LOSS as LOSS_FAMILY
from derive.latex.vocabulary import Function, Tensor, Vocabulary
from derive.model import Equation, Loss
from verify.document.block import Entry
from verify.document.function_type import SEVERAL, is_function, read_function
from verify.document.losses import LOSS, family_of_losses, read_loss
from verify.document.sizes import SizeError, read_shape
from verify.document.source import Source
from verify.errors import DocumentError

_FLAGS = {"mixed": "tolerate", "transpose": "prime"}
KEYS = (
    "symbols",
    "time",
    "indices",
    "operators",
    "assume",
    "where",
    "given",
    *OPTIONS,
    "reset",
    "mixed",
    "transpose",
    "immediate",
)
_STRUCTURES = ("symmetric", "diagonal", "orthogonal", "invertible", "sum 1", "one-hot", "positive")
_LABEL = re.compile(r"label\s+(.*)")
_ENTRIES = re.compile(r"entries\s+of\s+(.*)")


@dataclass(frozen=True)
class Declarations:
    """Everything in force at one line of a document; values keep the place where they stand."""

    symbols: Mapping[str, tuple[Entry, Entry]] = field(default_factory=dict)
    indices: Mapping[str, tuple[Entry, Entry]] = field(default_factory=dict)
    time: Entry | None = None
    operators: Mapping[str, str] = field(default_factory=dict)
    assume: tuple[Entry, ...] = ()
    where: Entry | None = None
    given: tuple[Entry, ...] = ()
    conventions: Conventions = field(default_factory=Conventions)
    mixed: str = ""
    transpose: str = ""
    immediate: tuple[Entry, ...] = ()
    generation: int = 0  # how many resets came before

    def updated(self, keys: Mapping[str, tuple[Entry, Entry]], source: Source) -> Declarations:
        """These declarations with the keys of a later block, each replaced whole. Raises `DocumentError`."""
        current = self
        if "reset" in keys and keys["reset"][1].value == "true":
            current = Declarations(generation=self.generation + 1)
        for key, (name, value) in keys.items():
            current = replace(current, **_read_key(key, name, value, current, source))
        return current


def _read_key(key: str, name: Entry, value: Entry, current: Declarations, source: Source) -> dict[str, Any]:
    place = source.place(value.offset)
    if key in OPTIONS:
        if value.value not in OPTIONS[key]:
            raise DocumentError(f"{key} is one of {', '.join(OPTIONS[key])}, not {value.value!r}", place)
        return {"conventions": replace(current.conventions, **{key: value.text})}
    if key in ("symbols", "indices"):
        if not isinstance(value.value, Mapping):
            raise DocumentError(f"{key} maps names, as `{key}: {{x_t: m}}`", place)
        return {key: value.value}
    if key == "operators":
        return {"operators": _operators(value, source)}
    if key in ("assume", "given", "immediate"):
        items = value.value if isinstance(value.value, tuple) else (value,)
        wrong = next((item for item in items if not isinstance(item.value, str)), None)
        if wrong is not None:
            raise DocumentError(f"{key} lists texts, as `{key}: ['1']`", source.place(wrong.offset))
        return {key: tuple(items)}
    if key in ("time", "where", "reset") and not isinstance(value.value, str):
        raise DocumentError(f"{key} is one text", place)
    if key in ("time", "where"):
        return {key: value}
    if key == "reset":
        return {}
    if key in _FLAGS:
        if value.value != _FLAGS[key]:
            raise DocumentError(f"{key} is {_FLAGS[key]}, not {value.value!r}", place)
        return {key: value.text}
    close = get_close_matches(key, KEYS, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]}?" if close else f"; expected one of {', '.join(KEYS)}"
    raise DocumentError(f"unknown key {key}{hint}", source.place(name.offset, len(key)))


def _operators(value: Entry, source: Source) -> dict[str, str]:
    if not isinstance(value.value, Mapping):
        raise DocumentError('operators maps signs, as `operators: {"*": hadamard}`', source.place(value.offset))
    found = {}
    for sign, (_, meaning) in value.value.items():
        if meaning.value not in DECLARED_OPERATORS:
            known = ", ".join(DECLARED_OPERATORS)
            raise DocumentError(
                f"the operator {sign} is one of {known}, not {meaning.value!r}", source.place(meaning.offset)
            )
        found[sign] = meaning.text
    return found


# --- from declarations to the vocabulary -------------------------------------------------------------------------


@dataclass(frozen=True)
class Meaning:
    """Declarations made typed: the vocabulary, the losses, the last step, ranges, and structures of tensors."""

    vocabulary: Vocabulary
    losses: tuple[Loss, ...]
    equations: tuple[Equation, ...]  # of losses of plain names, J = J(a, c)
    last: sp.Expr
    first: int
    structures: Mapping[str, str]

    def span(self, letter: str) -> tuple[int, sp.Expr]:
        """The first and last step of a letter's range."""
        low, high = self.vocabulary.ranges[letter]
        return int(low), high


def meaning(declarations: Declarations, source: Source) -> Meaning:
    """The typed meaning of declarations. Raises `DocumentError` at the wrong entry."""
    steps, components, ranges, first, last = _indices(declarations, source)
    sizes: dict[str, Any] = {}
    tensors: list[Tensor] = []
    functions: dict[str, Function] = {}
    losses: dict[str, Entry] = {}
    families: dict[str, Entry] = {}
    for name, (key, value) in declarations.symbols.items():
        if not isinstance(value.value, str):
            raise DocumentError(f"{name} is declared by a text, as `n x m`", source.place(value.offset))
        text = value.text.strip()
        if (function := _function(name, text)) is not None:
            functions[name] = function
        elif is_function(text):
            functions[name] = _of_several(name, value, sizes, steps, source)
        elif LOSS.fullmatch(text) and (family := _family_of_losses(name, key, steps, source)) is not None:
            tensors.append(family)
            families[family.pattern.text] = value
        elif LOSS.fullmatch(text):
            losses[name] = value
        else:
            tensors.append(_tensor(name, key, value, steps, sizes, source))
    tensors = _with_entries(_distinct(tensors), declarations, source)
    structures = {
        t.name: "one-hot" if t.structure == "label" else t.structure
        for t in tensors
        if t.structure not in ("", LOSS_FAMILY)
    }
    vocabulary = Vocabulary(
        tuple(tensors),
        functions,
        frozenset(losses),
        steps,
        components,
        sizes,
        ranges,
        declarations.operators,
        declarations.transpose == "prime",
        declarations.mixed == "tolerate",
    )
    each = [
        _at_each_step(t, families[t.pattern.text], vocabulary, source) for t in tensors if t.pattern.text in families
    ]
    made = {name: read_loss(name, entry, vocabulary, last, source) for name, entry in losses.items()}
    direct = {name: loss for name, loss in made.items() if isinstance(loss, Application)}
    return Meaning(
        replace(vocabulary, direct=direct),
        tuple(loss for loss in made.values() if isinstance(loss, Loss)),
        (*(Equation(sp.MatrixSymbol(name, 1, 1), value, id=name) for name, value in direct.items()), *each),
        last,
        first,
        structures,
    )


def _family_of_losses(name: str, key: Entry, steps: Mapping[str, sp.Symbol], source: Source) -> Tensor | None:
    """The family L_t of a loss whose name has an index, None for a loss of its own."""
    try:
        spelt = spelling(name)
    except NotationError as error:
        raise DocumentError(f"{name}: {error}", source.place(key.offset, len(name))) from None
    pattern = spelt.pattern(name, steps)
    if len(pattern.slots) != 1:
        return None
    return Tensor(literal_name(pattern), pattern, (), (), LOSS_FAMILY, phrase=spelt.phrase)


def _at_each_step(tensor: Tensor, entry: Entry, vocabulary: Vocabulary, source: Source) -> Equation:
    return family_of_losses(tensor, entry, vocabulary, vocabulary.steps[tensor.pattern.slots[0]], source)


def _of_several(
    name: str, value: Entry, sizes: dict[str, Any], steps: Mapping[str, sp.Symbol], source: Source
) -> Function:
    try:
        return Function(name, SEVERAL, several=read_function(name, value.text, sizes, steps))
    except SizeError as error:
        raise DocumentError(f"{name}: {error}", source.place(value.offset, len(value.text))) from None


def _function(name: str, text: str) -> Function | None:
    """The function that a declaration names, None for anything else."""
    if text == "elementwise":
        return Function(name, OPAQUE)
    kind, _, rest = text.removeprefix("elementwise ").strip().partition(",")
    of_output = rest.strip() == "prime of output"
    kind, slope = _kind_and_slope(kind.strip())
    if (rest and not of_output) or kind not in (*KINDS, "softmax", "softmax rows"):
        return None
    return Function(name, kind, of_output, slope=slope)


def _kind_and_slope(text: str) -> tuple[str, str]:
    """`leaky relu \\alpha` and `leaky relu 1/5` have a slope of their own below 0."""
    slope = text.removeprefix("leaky relu ").strip() if text.startswith("leaky relu ") else ""
    return ("leaky relu", slope) if slope else (text, "")


def _tensor(
    name: str, key: Entry, value: Entry, steps: Mapping[str, sp.Symbol], sizes: dict[str, Any], source: Source
) -> Tensor:
    place = source.place(key.offset, len(name))
    try:
        spelt = spelling(name)
    except NotationError as error:
        raise DocumentError(f"{name}: {error}", place) from None
    text = value.text.strip()
    if match := _ENTRIES.fullmatch(text):
        pattern = spelt.pattern(name, steps)
        return Tensor(literal_name(pattern), pattern, (), (), "", match.group(1).strip(), spelt.phrase, spelt.scripted)
    spec, structure = _shape_and_structure(text, value, source)
    try:
        rows, cols = read_shape(spec, sizes, steps)
    except SizeError as error:
        known = f"{error}, elementwise, {', '.join(KINDS)}, softmax, or loss(last s)"
        raise DocumentError(f"{name}: {known}", source.place(value.offset)) from None
    pattern = spelt.pattern(name, steps)
    return Tensor(literal_name(pattern), pattern, rows, cols, structure, "", spelt.phrase, spelt.scripted)


def _shape_and_structure(text: str, value: Entry, source: Source) -> tuple[str, str]:
    """`n x n` and `symmetric`; `label m` is a one-hot vector of size m that may stand as an index."""
    if match := _LABEL.fullmatch(text):
        return match.group(1), "label"
    spec, _, structure = text.partition(",")
    structure = structure.strip()
    if structure and structure not in _STRUCTURES:
        known = ", ".join(_STRUCTURES)
        raise DocumentError(f"{structure!r} is no structure; expected {known}", source.place(value.offset))
    return spec, structure


def _text(tensor: Tensor) -> str:
    return tensor.pattern.text


def _base(tensor: Tensor) -> str:
    return tensor.pattern.base


def _with_entries(tensors: list[Tensor], declarations: Declarations, source: Source) -> list[Tensor]:
    """Names of entries point at the tensor whose entries they are."""
    found = []
    for tensor in tensors:
        if tensor.entries_of:
            named = ([t for t in tensors if tensor.entries_of == key(t)] for key in (_text, _base))
            targets = next((found for found in named if found), [])
            if len(targets) != 1:
                entry = declarations.symbols[tensor.pattern.text][1]
                known = f"{tensor.pattern.text}: entries of {tensor.entries_of}, which is not declared"
                raise DocumentError(known, source.place(entry.offset, len(entry.text)))
            tensor = replace(tensor, entries_of=targets[0].name)
        found.append(tensor)
    return found


def _distinct(tensors: list[Tensor]) -> list[Tensor]:
    """Two declared names with one spelling (W and W^{(k)}) are kept apart by an empty index place."""
    seen: set[str] = set()
    found = []
    for tensor in tensors:
        name = tensor.name
        while name in seen and not tensor.entries_of:
            name += "^{()}"
        seen |= set() if tensor.entries_of else {name}
        found.append(replace(tensor, name=name))
    return found


Ranges = dict[str, tuple[sp.Expr, sp.Expr]]


def _indices(
    declarations: Declarations, source: Source
) -> tuple[dict[str, sp.Symbol], dict[str, sp.Symbol], Ranges, int, sp.Expr]:
    """Step letters, component letters, the range of each step letter, the first step and the last."""
    entries: dict[str, Entry] = {letter: value for letter, (_, value) in declarations.indices.items()}
    if declarations.time is not None:
        entries.setdefault("t", declarations.time)
    components, ranges, shared = {}, {}, {}
    steps: dict[str, sp.Symbol] = {}
    for letter, entry in entries.items():
        if not isinstance(entry.value, str) or not re.fullmatch(r"[A-Za-z]|\\[A-Za-z]+", letter):
            raise DocumentError(
                f"indices map single letters to ranges, as `{{t: 1..T}}`, not {letter}", source.place(entry.offset)
            )
        if entry.value == "component":
            components[letter] = sp.Symbol(letter, integer=True)
            continue
        steps[letter] = sp.Symbol(letter, integer=True)
        if isinstance(entry.value, str) and ".." in entry.value:
            ranges[letter] = _range(entry, steps, source)
        else:
            shared[letter] = entry
    for letter, entry in shared.items():
        if entry.value not in ranges:
            raise DocumentError(
                f"the index {letter} is a range 1..T, the letter of another index, or component, not {entry.value!r}",
                source.place(entry.offset),
            )
        ranges[letter] = ranges[entry.value]
    first, last = ranges.get("t", next(iter(ranges.values()), (sp.Integer(1), sp.Symbol("T", integer=True))))
    return steps, components, ranges, int(first), last


def _range(entry: Entry, steps: dict[str, sp.Symbol], source: Source) -> tuple[sp.Expr, sp.Expr]:
    low, _, high = entry.text.partition("..")
    place = source.place(entry.offset, len(entry.text))
    if not low.strip().isdigit() or len(low) > 4:
        raise DocumentError("a range begins at a number, as 1..T", place)
    high = high.strip()
    if high.isdigit() and len(high) <= 4:
        if int(high) < int(low):
            raise DocumentError("a range runs upwards", place)
        return sp.Integer(int(low)), sp.Integer(int(high))
    if not re.fullmatch(r"[A-Za-z]|\\[A-Za-z]+", high):
        raise DocumentError("a range ends at a letter or number, as 1..T", place)
    return sp.Integer(int(low)), steps.setdefault(high, sp.Symbol(high, integer=True))
