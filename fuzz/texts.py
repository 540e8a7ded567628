"""Documents to try the reader with: taken apart and put together again, derived from the grammar, or random signs."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random

from derive.latex.parser import grammar
from verify.document.passages import Piece
from verify.document.readers import pieces

ROOT = Path(__file__).resolve().parent.parent
FORMS = ("md", "tex", "ipynb")
DISPLAYS = 24  # a document; each is one input
LEXEME = re.compile(r"\\[a-zA-Z]+\*?|\\.|\d+|[A-Za-z]+|\s+|.", re.DOTALL)

SPELLINGS = {
    "COMMA": (",", ";", r"\Rightarrow ", "、"), "REL": ("=", r"\le ", r"\neq ", ">", r"\approx ", r"\in "),
    "FORALL": (r"\forall ", r"\text{for }", r"\text{if }"), "PLUS": ("+",), "MINUS": ("-", "−"),
    "ENTRY": (r"\odot ", r"\otimes ", r"\circ "), "BIG": (r"\sum ", r"\prod "), "CDOT": (r"\cdot ", r"\times "),
    "SLASH": ("/",), "NUMBER": ("0", "1", "2", "1.5", "17"), "FRAC": (r"\frac", r"\dfrac "), "LB": ("{",), "RB": ("}",),
    "FUNC": (r"\operatorname{diag}", r"\tanh ", r"\operatorname{vec}", "tr", "f", r"\operatorname{softmax}", r"\exp ",
             r"\sqrt", r"\det ", r"\operatorname{kron}", r"\max ", "softmax", r"\log ", r"\operatorname{correlate}",
             r"\operatorname{convolve}_{\mathrm{full}}", r"\operatorname{flip}", r"\operatorname{rot180}"),
    "NABLA": (r"\nabla ",), "PARTIAL": (r"\partial ", r"\mathrm{d}", "d"), "DBY": (r"\partial_{W}", r"\partial^{+}_x "),
    "LPAR": ("(", r"\left("), "RPAR": (")", r"\right)"), "LBRACK": ("[",), "RBRACK": ("]",), "LSET": (r"\{",),
    "RSET": (r"\}",), "LNORM": (r"\|",), "RNORM": (r"\|",), "LABS": ("|",), "RABS": ("|",),
    "PRIME": ("'", r"^{\prime}"),
    "SUB": ("_t", "_{t-1}", "_{ij}", "_i", "_{k=1}", "_{i:}", "_{1 \\le k \\le t}", "_n", "_{n+m}", "_{i, t}", "_F"),
    "SUP": (r"^\top ", "^T", "^{-1}", "^2", "^{t-k}", "^{t}", "^{(t)}", "^{-T}", "^{1/2}", "^{l-1}"), "AMP": ("&",),
    "BEGIN": (r"\begin{bmatrix}",), "END": (r"\end{bmatrix}",), "ROW": (r"\\",),
    "OTHERWISE": (r"\text{otherwise}",), "COLON": (":",), "NEWLINE": (r"\\",), "NAME": ("W", "I", "e", "T", r"\delta "),
}  # fmt: skip

SNIPPETS = (
    "{" * 45 + "x" + "}" * 45, "(" * 45 + "x" + ")" * 45, "x_{" * 45 + "}" * 45, r"\frac{" * 45, "^" * 9, "_" * 9, "\\",
    "$", "$$", r"\[", r"\]", r"\)", "\x00", "\u202e", "\ud800", "é", "Ｗ", "𝐖", "²", "①", "٣", "\t", "\r", "\x0b",
    "\u2028", "9" * 60, "1e999", "0.0", "^{9999}", "^{-64}", "_{99999}", "W^{W^{W}}", r"\begin{align}", r"\end{align}",
    r"\begin{bmatrix}", r"\end{bmatrix}", r"\\", r"\\[2pt]", "&", "%", "#1", r"\input{a}", r"\input{../a}",
    r"\input{/etc/passwd}", r"\include{b}", r"\write18{id}", r"\newcommand{\a}{\a\a}", r"\def\b#1{#1\b{#1}}", r"\a",
    r"\b{x}", r"\renewcommand{\frac}[2]{#2}", r"\let\sum\prod", "```", "```backproof", "-->", "<!-- backproof:", "<!--",
    "% backproof", "% end backproof", "% backproof: given", r"\tag{1}", r"\label{a}", r"\text{if $i=j$}", r"\text{for",
    r"\underbrace{", r"\mathrm", r"\hat", r"\dot f", r"\operatorname", r"\left.", r"\right.", r"\sum_{}^{}", r"\sum",
    r"\prod_{k}^{1}", r"\sum_{i=1}^{n} i", "1/0", r"\frac{1}{n-n}", r"\frac00", r"\sqrt{-1}", "0^{-1}", r"\sqrt{0}",
    "I_0", "I_{-n}", "I_{t}", r"\mathbf{1}_{0}", "__import__('os')", "!!python/object:os.system", "&a", "*a", "<<: *a",
)  # fmt: skip
YAML = (
    "a: &a [1]", "b: *a", "symbols: {x: n}", "symbols: []", "symbols:", "time: 1..t", "time: 0..0", "time: x..y",
    "indices: {k: t, i: component}", "indices: {t: 1..T, l: 1..L}", "operators: {'*': hadamard}",
    "operators: {'*': correlate}", "operators: {'*': convolve full}", "symbols: {y: n - k + 1, w: k}", "given: ['1']",
    "where: 'k < t'", "assume: ['W = W^\\top']", "layout: denominator", "gradient: row", "matrix: block", "vec: row",
    "products: ascending", "partial: immediate", "reset: true", "transpose: prime", "mixed: tolerate", "x: {{{{",
    "immediate: ['\\frac{\\partial h}{\\partial W}']", "!!python/name:os", "? [a]", "- a", "\t", "'", '"', "{", "|",
    "symbols: {W: n x n, symmetric}", "symbols: {f: elementwise}", "symbols: {E: loss(last s)}", "time: 9999..T",
    "symbols: {F: 'function(x: m, h: n) -> n'}", "symbols: {w: entries of W}", "symbols: {y: label m}", "%YAML 9.9",
)  # fmt: skip
DIRECTIVES = (
    "given", "skip: why", "expect: refuted", "id: X", "where: 1 <= k < t", "where: k", "layout: denominator",
    "expect: ", "id:", "given; skip: x", "expect: 1 proved, 2 refuted", "vec: row", "symbols: {q: n}", "unknown: 1",
    ";;", "",
)  # fmt: skip


class Corpus:
    """Pieces of the documents of the project: blocks with the displays that stand under them, directives, macros."""

    def __init__(self) -> None:
        self.groups: list[tuple[str, list[str]]] = []  # a block and its displays
        self.directives: list[str] = list(DIRECTIVES)
        self.definitions: list[str] = []
        for path in _paths():
            self._take(pieces("notes.md", path.read_text(encoding="utf-8"), "md")[1])
        self.displays = [display for _, group in self.groups for display in group]

    def _take(self, found: list[Piece]) -> None:
        group: list[str] = []
        for piece in found:
            if piece.kind == "block":
                group = []
                self.groups.append((piece.text, group))
            elif piece.kind == "display":
                group.append(piece.text)
            elif piece.kind == "directive":
                self.directives.append(piece.text)
            elif piece.kind == "definition":
                self.definitions.append(piece.text)
        self.groups = [(block, displays) for block, displays in self.groups if displays or displays is group]


def _paths() -> list[Path]:
    folders = (Path(str(files("verify.suite"))), ROOT / "tests" / "corpus", ROOT / "verify" / "zoo")
    return [path for folder in folders for path in sorted(folder.glob("*.md"))]


@cache
def corpus() -> Corpus:
    """The corpus, read once."""
    return Corpus()


def document(seed: int, number: int) -> tuple[str, str]:
    """The form and the text of one document: the same for the same seed and number."""
    random = Random(f"{seed}:{number}")
    form = random.choices(FORMS, (6, 3, 1))[0]
    if random.random() < 0.05:
        return form, _noise(random, 2_000)
    block, displays = random.choice([group for group in corpus().groups if group[1]])
    if random.random() < 0.1:
        block = _mutated_block(random, block)
    parts = [_fenced(form, block)]
    if random.random() < 0.2:
        parts.append(random.choice([*corpus().definitions, *SNIPPETS]))
    if random.random() < 0.5:  # the equations that are given stand as they are, so that others can rest on them
        parts += [_display(random, form, display) for display in displays[:8]]
    for _ in range(DISPLAYS):
        if random.random() < 0.15:
            parts.append(_directive(form, _mutated(random, random.choice(corpus().directives), 1)))
        parts.append(_display(random, form, _formula(random, displays)))
    text = "\n\n".join(parts)
    if random.random() < 0.03:
        text = _mutated(random, text, 3)
    return form, _notebook(random, parts) if form == "ipynb" else text


def _formula(random: Random, displays: list[str]) -> str:
    """A formula: one of the document's own, changed; two halves; one from the grammar; noise."""
    way = random.random()
    if way < 0.5:
        return _mutated(random, _untagged(random, random.choice(displays)), random.randint(0, 4))
    if way < 0.65:
        first, second = random.choice(displays), random.choice(corpus().displays)
        return first[: random.randint(0, len(first))] + second[random.randint(0, len(second)) :]
    if way < 0.95:
        return _derived(random, _names(displays))
    return _noise(random, 60)


def _untagged(random: Random, display: str) -> str:
    """Mostly without its tag: an id that stands twice is an error of the document, and hides the formula."""
    return display if random.random() < 0.1 else re.sub(r"\\(?:tag|label)\{[^{}]*\}", "", display)


@cache
def _rules() -> dict[str, list[list[tuple[bool, str]]]]:
    found: dict[str, list[list[tuple[bool, str]]]] = {}
    for rule in grammar().rules:
        found.setdefault(str(rule.origin.name), []).append([(s.is_term, str(s.name)) for s in rule.expansion])
    return found


@cache
def _depths() -> dict[str, int]:
    """How deep the shortest derivation of each rule is, so that every derivation can be brought to an end."""
    depths: dict[str, int] = {}
    while len(depths) < len(_rules()):
        for name, expansions in _rules().items():
            known = [max((0, *(depths[s] for t, s in e if not t))) for e in expansions if _is_known(e, depths)]
            if known:
                depths.setdefault(name, 1 + min(known))
    return depths


def _is_known(expansion: list[tuple[bool, str]], depths: dict[str, int]) -> bool:
    return all(is_term or name in depths for is_term, name in expansion)


def _derived(random: Random, names: list[str]) -> str:
    """A formula of the grammar: rules at random, and at a given depth the way that ends soonest."""
    depth = random.randint(8, 30)
    out: list[str] = []
    stack = [("start", 0)]
    while stack and len(out) < 150:
        name, level = stack.pop()
        if name not in _rules():
            out.append(
                random.choice(names) if name == "NAME" and random.random() < 0.9 else random.choice(SPELLINGS[name])
            )
            continue
        choices = _rules()[name]
        if level > depth:
            least = [max((0, *(_depths()[s] for t, s in e if not t))) for e in choices]
            choices = [e for e, cost in zip(choices, least, strict=True) if cost == min(least)]
        stack += [(symbol, level + 1) for _, symbol in reversed(random.choice(choices))]
    return " ".join(out)


def _names(displays: list[str]) -> list[str]:
    """The names in a document's displays, with their scripts."""
    found = re.findall(
        r"(?:\\[a-z]+\{[A-Za-z]+\}|\\[a-zA-Z]+|[A-Za-z])(?:[_^](?:\{[^{}]*\}|\w|\\top))*", " ".join(displays)
    )
    return found or ["W"]


def _mutated(random: Random, text: str, times: int) -> str:
    """A text with some of its signs dropped, doubled, exchanged, or replaced by others."""
    signs = LEXEME.findall(text)
    for _ in range(times):
        place = random.randint(0, max(0, len(signs) - 1))
        way = random.randint(0, 5)
        if way == 0:
            del signs[place : place + random.randint(1, 3)]
        elif way == 1:
            signs[place:place] = signs[place : place + random.randint(1, 5)]
        elif way == 2 and len(signs) > 1:
            other = random.randrange(len(signs))
            place = min(place, len(signs) - 1)
            signs[place], signs[other] = signs[other], signs[place]
        elif way == 3:
            signs.insert(place, random.choice(SNIPPETS))
        elif way == 4:
            signs.insert(place, random.choice(LEXEME.findall(random.choice(corpus().displays)) or ["x"]))
        else:
            signs[place : place + 1] = [random.choice(SPELLINGS[random.choice(tuple(SPELLINGS))])]
    return "".join(signs)


def _mutated_block(random: Random, block: str) -> str:
    lines = block.split("\n")
    for _ in range(random.randint(1, 3)):
        lines.insert(random.randint(0, len(lines)), random.choice(YAML))
    return "\n".join(lines) if random.random() < 0.5 else _mutated(random, block, 3)


def _noise(random: Random, length: int) -> str:
    alphabet = [*"\\{}_^$&%#'\"()[]|<>=+-*/,;:.!~` \n\tabTWxt019", *SNIPPETS]
    return "".join(random.choice(alphabet) for _ in range(random.randint(0, length)))


def _fenced(form: str, block: str) -> str:
    if form == "tex":
        return "% backproof\n" + "".join(f"% {line}\n" for line in block.split("\n")) + "% end backproof"
    return f"```backproof\n{block}\n```"


def _directive(form: str, text: str) -> str:
    return f"% backproof: {text}" if form == "tex" else f"<!-- backproof: {text} -->"


def _display(random: Random, form: str, formula: str) -> str:
    way = random.random()
    if way < 0.6:
        return f"$$\n{formula}\n$$"
    if way < 0.8:
        return f"\\[ {formula} \\]"
    name = random.choice(("align", "equation", "gather*", "aligned", "alignat", "split"))
    return f"\\begin{{{name}}}\n{formula}\n\\end{{{name}}}"


def _notebook(random: Random, parts: list[str]) -> str:
    text = json.dumps({"cells": [{"cell_type": "markdown", "source": part} for part in parts], "nbformat": 4})
    return _mutated(random, text, 2) if random.random() < 0.1 else text
