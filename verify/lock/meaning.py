"""What a claim means, as plain data: both sides, the ranges, the assumptions and the givens that it rests on.

A formula is the nested list of `verify.induction.certificate`. Sums of sizes and steps are put in order, because
SymPy's order is its own affair; names of equations are left out, because they may be line numbers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from derive.language.show import show, show_name
from derive.model import Loss, Model
from verify.claim import Claim
from verify.induction.certificate import decode_claim, decode_models, encode_claim, encode_model

Data = Any  # JSON: a formula or a part of one
SCALAR_SUMS = ("Add", "Mul")  # commutative, in the sizes and steps
SUMS = ("MatAdd", "HadamardProduct")  # commutative and associative
CHAINS = ("MatMul",)  # associative
BINDERS = {"TimeSum": 1, "TimeProduct": 1, "ComponentSum": 1, "Entries": 2}  # how many letters follow the body
STATED = ("left", "relation", "right", "indices", "conditions")  # what a claim says, beside what it rests on
_BOUND, _SIZE, _STEP = "•", "n", "t"


def meaning(claim: Claim) -> dict[str, Data]:
    """A claim as data. Raises `CertificateError` for a formula that has no text, `RecursionError` for a deep one."""
    data, model = encode_claim(claim, 0), encode_model(claim.model)
    equations = {
        equation.name: parts[:-1] for equation, parts in zip(claim.model.equations, model["equations"], strict=True)
    }
    losses = {str(loss.symbol.name): parts[1] for loss, parts in zip(claim.model.losses, model["losses"], strict=True)}
    found = {
        **{key: data[key] for key in ("left", "right", "indices", "conditions", "assumptions")},
        "relation": claim.relation, "given": equations, "losses": losses, "time": model["time"],
    }  # fmt: skip
    ordered: dict[str, Data] = mapped(found, _scalars_in_order)
    return ordered


def given_texts(claim: Claim) -> dict[str, str]:
    """The givens that a claim rests on, each as one line of plain text by the name that it defines."""
    texts = {equation.name: f"{show(equation.left)} = {show(equation.right)}" for equation in claim.model.equations}
    for equation in claim.model.equations:
        if equation.first is not None or equation.last is not None:
            texts[equation.name] += f" for {equation.first} <= {equation.index} <= {equation.last}"
    return {**texts, **{str(loss.symbol.name): _loss_text(loss) for loss in claim.model.losses}}


def _loss_text(loss: Loss) -> str:
    parts = [f"{'the last' if which == 'last' else 'every'} {show_name(name)}" for name, which in loss.parts]
    return f"{show_name(str(loss.symbol.name))} depends on {' and '.join(parts)}"


def claim_of(found: Mapping[str, Data]) -> Claim:
    """The claim that data mean. Raises `CertificateError`, `ModelError`, `ShapeError`, `TypeError`, `ValueError`."""
    equations = [[*parts, ""] for parts in found["given"].values()]
    losses = [[["MatrixSymbol", name, 1, 1], parts] for name, parts in found["losses"].items()]
    model = {"equations": list(range(len(equations))), "losses": losses, "time": found["time"]}
    models: list[Model] = decode_models({"equations": equations, "models": [model]})
    claim = decode_claim({**found, "model": 0}, models)
    return Claim(
        claim.left, claim.right, claim.model, str(found["relation"]), claim.indices, claim.conditions, claim.assumptions
    )


def mapped(data: Data, change: Callable[[list[Data]], Data]) -> Data:
    """Data with every list changed, the innermost first."""
    if isinstance(data, dict):
        return {key: mapped(value, change) for key, value in data.items()}
    return change([mapped(item, change) for item in data]) if isinstance(data, list | tuple) else data


def _scalars_in_order(data: list[Data]) -> Data:
    return _sorted(data, _text) if data and data[0] in SCALAR_SUMS else data


def _text(data: Data) -> str:
    return json.dumps(data, sort_keys=True, ensure_ascii=False)


# --- the canonical form --------------------------------------------------------------------------------------------


def canonical(found: Mapping[str, Data], apart: Collection[str] = ()) -> tuple[dict[str, Data], dict[str, str]]:
    """The canonical form, and the canonical letter of each free letter.

    Neither fonts, nor brackets, nor the order of sums and entrywise products, nor the choice of letters (bound, of
    steps, of sizes) change it. It is a quick yes: formulas that differ in it may still be equal. `apart` is as in
    `without_fonts`.
    """
    plain = mapped(without_fonts(found, apart), _closed)
    bound = {key: _bound_renamed(part, 0, {}) for key, part in plain.items() if key != "given"}
    bound["given"] = {name: _given_renamed(parts) for name, parts in plain["given"].items()}
    blank = _in_order(mapped(bound, _flat), blanked=True)
    letters: dict[str, str] = {}
    for part in ("left", "right", "indices", "conditions", "assumptions", "time"):
        for letter in _letters(blank[part]):
            letters.setdefault(letter[1], f"{_SIZE if letter[2] == 'size' else _STEP}{len(letters) + 1}")
    for name in sorted(blank["given"]):
        for letter in _letters(blank["given"][name]):
            letters.setdefault(letter[1], f"{_SIZE if letter[2] == 'size' else _STEP}{len(letters) + 1}")
    named = mapped(blank, lambda item: _renamed(item, letters))
    return mapped(_in_order(named, blanked=False), _opened), letters


def _closed(data: list[Data]) -> Data:
    """The law of a function with its formulas as texts: their place z and its size n are no letters of the claim."""
    return [*data[:2], *map(_text, data[2:])] if data[:1] == ["Law"] else data


def _opened(data: list[Data]) -> Data:
    return [*data[:2], *map(json.loads, data[2:])] if data[:1] == ["Law"] else data


def in_order(formula: Data) -> Data:
    """A formula without brackets in sums and products, its sums in order."""
    return mapped(mapped(formula, _flat), lambda item: _sorted(item, _text))


def _in_order(data: Data, blanked: bool) -> Data:
    """Sums in order, by their text; blanked, by their text without free letters, whose names mean nothing."""
    key = (lambda item: _text(mapped(item, _blank))) if blanked else _text
    ordered = mapped(data, lambda item: _sorted(item, key))
    for part in ("indices", "conditions", "assumptions"):
        ordered[part] = sorted(ordered[part], key=key)
    return ordered


def _sorted(data: list[Data], key: Callable[[Data], str]) -> list[Data]:
    return [data[0], *sorted(data[1:], key=key)] if data and data[0] in (*SUMS, *SCALAR_SUMS) else data


def _flat(data: list[Data]) -> Data:
    """A sum in a sum, and a product in a product, without brackets."""
    if not data or data[0] not in (*SUMS, *CHAINS):
        return data
    kind, *args = data
    inner = (arg[1:] if isinstance(arg, list) and arg and arg[0] == kind else [arg] for arg in args)
    return [kind, *(item for items in inner for item in items)]


def _is_letter(data: Data) -> bool:
    return isinstance(data, list) and len(data) == 3 and data[0] == "Symbol"


def _is_free(data: Data) -> bool:
    return _is_letter(data) and not str(data[1]).startswith(_BOUND)


def _blank(data: list[Data]) -> Data:
    return ["Symbol", "", data[2]] if _is_free(data) else data


def _renamed(data: list[Data], letters: Mapping[str, str]) -> Data:
    return ["Symbol", letters.get(data[1], data[1]), data[2]] if _is_letter(data) else data


def _letters(data: Data) -> Iterator[Data]:
    """The free letters in order of appearance."""
    if _is_free(data):
        yield data
    elif isinstance(data, list):
        for item in data:
            yield from _letters(item)


def _bound_renamed(data: Data, depth: int, names: Mapping[str, str]) -> Data:
    """A bound letter is named after the depth of its binder."""
    if _is_letter(data):
        return _renamed(data, names)
    if isinstance(data, dict):
        return {key: _bound_renamed(value, depth, names) for key, value in data.items()}
    if not isinstance(data, list) or not data:
        return data
    count = BINDERS.get(data[0], 0) if isinstance(data[0], str) else 0
    if not count:
        return [_bound_renamed(item, depth, names) for item in data]
    inner = dict(names)
    for letter in data[2 : 2 + count]:
        if _is_letter(letter):
            depth += 1
            inner[letter[1]] = f"{_BOUND}{depth}"
    body, *letters = (_bound_renamed(item, depth, inner) for item in data[1 : 2 + count])
    return [data[0], body, *letters, *(_bound_renamed(item, depth, names) for item in data[2 + count :])]


def _given_renamed(parts: list[Data]) -> Data:
    """An equation binds its step letter on both sides, but not in the bounds of its range."""
    left, right, index, first, last = parts
    names = {index[1]: f"{_BOUND}0"} if _is_letter(index) else {}
    inside = [_bound_renamed(part, 0, names) for part in (left, right, index)]
    return [*inside, *(_bound_renamed(part, 0, {}) for part in (first, last))]


def look_alikes(names: Iterable[str]) -> frozenset[str]:
    """The plain names that several of these have: h, where h and `\\mathbf{h}` are two things."""
    counts = Counter(map(show_name, set(names)))
    return frozenset(text for text, count in counts.items() if count > 1)


def without_fonts(found: Mapping[str, Data], apart: Collection[str] = ()) -> dict[str, Data]:
    """Names as plain text: `\\mathrm{Net}` is Net. Those of look-alikes, here or in the document (`apart`), stay."""
    plain = {name: show_name(name) for name in sorted(set(names_in(list(found.values()))))}
    kept_apart = look_alikes(plain) | frozenset(apart)
    kept = {name: name if text in kept_apart else text for name, text in plain.items()}

    def change(data: list[Data]) -> Data:
        if len(data) > 1 and data[0] in ("Str", "MatrixSymbol"):
            return [data[0], kept.get(data[1], data[1]), *data[2:]]
        return data

    changed: dict[str, Data] = mapped(dict(found), change)
    changed["given"] = {kept.get(name, name): parts for name, parts in changed["given"].items()}
    changed["losses"] = {
        kept.get(name, name): [[kept.get(of, of), which] for of, which in parts]
        for name, parts in changed["losses"].items()
    }
    return changed


def names_in(data: Data) -> Iterator[str]:
    """What tensors, families and functions are called in data, again and again."""
    if isinstance(data, dict):
        data = list(data.values())
    if isinstance(data, list | tuple):
        if len(data) > 1 and data[0] in ("Str", "MatrixSymbol"):
            yield str(data[1])
        for item in data:
            yield from names_in(item)


def in_letters(text: str, letters: Mapping[str, str]) -> str:
    """A range or an assumption, such as `1 <= t`, with other letters."""
    if not letters:
        return text
    names = "|".join(re.escape(name) for name in sorted(letters, key=len, reverse=True))
    return re.sub(rf"(?<![\w\\])(?:{names})(?!\w)", lambda match: letters[match[0]], text)
