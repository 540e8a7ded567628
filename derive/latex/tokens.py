"""LaTeX of a formula as a list of tokens with their places; scripts are tokens that carry their own tokens."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from derive.errors import NotationError

MAX_DEPTH = 40  # braces and scripts inside one another
MAX_LENGTH = 20_000  # characters of one formula
MAX_DIGITS = 40  # digits of one number


@dataclass(frozen=True)
class Tok:
    """One token: its kind (a terminal of the grammar), text, place, and for a script the tokens inside."""

    kind: str
    text: str
    start: int
    end: int
    inner: tuple[Tok, ...] = ()


FONTS = (
    "mathrm",
    "mathbf",
    "mathit",
    "mathsf",
    "boldsymbol",
    "bm",
    "text",
    "textbf",
    "mathcal",
    "mathbb",
    "operatorname",
)
ACCENTS = ("hat", "tilde", "bar", "dot", "overline", "widehat", "widetilde", "vec")
SKIPPED = [
    "left",
    "right",
    "bigl",
    "bigr",
    "Bigl",
    "Bigr",
    "biggl",
    "biggr",
    "big",
    "Big",
    "bigg",
    "middle",
    "quad",
    "qquad",
    ",",
    ";",
    ":",
    "!",
    "displaystyle",
    "textstyle",
    "limits",
    "nolimits",
    "nonumber",
    "notag",
]
RELATIONS = {
    "=": "=", "<": "<", ">": ">", "\\le": "<=", "\\leq": "<=", "\\leqslant": "<=", "\\ge": ">=", "\\geq": ">=",
    "\\geqslant": ">=", "\\ne": "!=", "\\neq": "!=", "\\lt": "<", "\\gt": ">", "\\equiv": "=", ":=": "=",
    "\\approx": "~", "\\propto": "~", "\\lesssim": "~", "\\in": "in",
}  # fmt: skip
KNOWN_FUNCTIONS = {
    "tanh": "tanh", "exp": "exp", "ln": "log", "log": "log", "sqrt": "sqrt", "sigmoid": "sigmoid", "relu": "relu",
    "ReLU": "relu", "softmax": "softmax", "diag": "diag", "vec": "vec", "tr": "tr", "Tr": "tr",
}  # fmt: skip
OPERATORS = {"\\odot": "hadamard", "\\circ": "hadamard", "\\otimes": "kron", "\\cdot": "matmul", "\\times": "matmul"}
UNREADABLE = {
    "\\cdots": "an ellipsis says nothing exact; write the sum or product with its bounds",
    "\\ldots": "an ellipsis says nothing exact; write the sum or product with its bounds",
    "\\dots": "an ellipsis says nothing exact; write the sum or product with its bounds",
}
_SIMPLE = {
    "+": "PLUS", "-": "MINUS", "/": "SLASH", "(": "LPAR", ")": "RPAR", "[": "LBRACK", "]": "RBRACK", "{": "LB",
    "}": "RB",
    "\\{": "LSET", "\\}": "RSET", "\\lbrack": "LBRACK", "\\rbrack": "RBRACK", ",": "COMMA", "，": "COMMA", ";": "COMMA",
    "\\frac": "FRAC", "\\dfrac": "FRAC", "\\tfrac": "FRAC", "\\partial": "PARTIAL", "\\nabla": "NABLA", "\\sum": "BIG",
    "\\prod": "BIG", "\\lVert": "LNORM", "\\rVert": "RNORM", "\\\\": "NEWLINE", "−": "MINUS", "\\forall": "FORALL",
}  # fmt: skip
_DEPTH = {"LB": 1, "RB": -1, "LPAR": 1, "RPAR": -1, "LBRACK": 1, "RBRACK": -1, "LSET": 1, "RSET": -1}
_LEXEME = re.compile(r"\\[a-zA-Z]+|\\.|:=|\d+(?:\.\d+)?|'+|\s+|.", re.DOTALL)


def tokenize(
    text: str,
    functions: Collection[str] = (),
    words: Collection[str] = (),
    operators: Mapping[str, str] | None = None,
    indexed: Collection[str] = (),
) -> tuple[Tok, ...]:
    """The tokens of a formula.

    `functions` are the declared names of functions (f, f^{l-1}), `words` the declared names of several plain letters,
    `operators` the declared meaning of signs (matmul, hadamard, kron), `indexed` names that are families as well as
    functions: with an index they are the family. Raises `NotationError` with the place.
    """
    if len(text) > MAX_LENGTH:
        raise NotationError(f"the formula has {len(text)} characters; the limit is {MAX_LENGTH}", 0, 1)
    words = tuple(sorted(words, key=lambda word: (-len(word), word)))
    return _Tokenizer(text, frozenset(functions), words, operators or {}, frozenset(indexed)).run()


class _Tokenizer:
    def __init__(
        self,
        text: str,
        functions: frozenset[str],
        words: tuple[str, ...],
        operators: Mapping[str, str],
        indexed: frozenset[str],
    ) -> None:
        self.text, self.functions, self.words, self.indexed = text, functions, words, indexed
        self.operators = {**OPERATORS, **operators}
        self.bases = frozenset(re.split(r"[_^]", name)[0] for name in functions)  # f of f^{l-1}
        self.place = 0
        self.norms = False  # whether the next \| closes

    def run(self) -> tuple[Tok, ...]:
        found = self._until(None, 0)
        return tuple(_join_lines(found))

    def _until(self, closing: str | None, depth: int) -> list[Tok]:
        """Tokens up to the closing brace of a script (consumed), or to the end."""
        if depth > MAX_DEPTH:
            raise NotationError(f"braces are nested more than {MAX_DEPTH} deep", self.place)
        found: list[Tok] = []
        level = 0
        while self.place < len(self.text):
            token = self._next(depth)
            if token is None:
                continue
            if token.kind == "RB" and closing and level == 0:
                return found
            level += _DEPTH.get(token.kind, 0)
            if level > MAX_DEPTH:
                raise NotationError(f"brackets are nested more than {MAX_DEPTH} deep", token.start)
            found.append(token)
        if closing:
            raise NotationError("a closing brace } is missing", len(self.text) - 1, len(self.text))
        return found

    def _lexeme(self) -> tuple[str, int]:
        match = _LEXEME.match(self.text, self.place)
        assert match is not None  # the last alternative takes any character
        start, self.place = self.place, match.end()
        return match.group(), start

    def _next(self, depth: int) -> Tok | None:
        for word in self.words:
            if self.text.startswith(word, self.place):
                start, self.place = self.place, self.place + len(word)
                return self._name(word, start)
        lexeme, start = self._lexeme()
        if lexeme.isspace() or lexeme in "&~" or (lexeme[0] == "\\" and lexeme[1:] in [*SKIPPED, " "]):
            return self._after_skip(lexeme, start)
        if lexeme == "{" and (braced := self._braced_function(start)) is not None:
            return braced
        if lexeme in UNREADABLE:
            raise NotationError(f"{lexeme}: {UNREADABLE[lexeme]}", start, self.place)
        if lexeme in "_^":
            return self._script(lexeme, start, depth)
        if lexeme[0] == "'":
            return Tok("PRIME", lexeme, start, self.place)
        if lexeme in self.operators:
            kind = {"matmul": "CDOT", "hadamard": "ENTRY", "kron": "ENTRY"}[self.operators[lexeme]]
            return Tok(kind, self.operators[lexeme], start, self.place)
        if lexeme in RELATIONS:
            return Tok("REL", RELATIONS[lexeme], start, self.place)
        if lexeme in ("\\|", "\\Vert"):
            self.norms = not self.norms
            return Tok("LNORM" if self.norms else "RNORM", lexeme, start, self.place)
        if lexeme == "\\partial" and self.text[self.place :].lstrip().startswith("_"):
            return Tok("NABLA", lexeme, start, self.place)  # ∂_h F(x, h), ∂_w h_t: by what stands below
        if lexeme in _SIMPLE:
            return Tok(_SIMPLE[lexeme], lexeme, start, self.place)
        if lexeme[0].isdigit():
            if len(lexeme) > MAX_DIGITS:
                raise NotationError(f"a number of {len(lexeme)} digits; the limit is {MAX_DIGITS}", start, self.place)
            return Tok("NUMBER", lexeme, start, self.place)
        if lexeme[0] == "\\" and lexeme[1:] in FONTS + ACCENTS:
            return self._dressed(lexeme, start)
        if lexeme[0] == "\\" and lexeme[1:].isalpha():
            return self._name(lexeme, start)
        if lexeme.isalpha() and lexeme.isascii():
            return self._name(lexeme, start)
        raise NotationError(f"{lexeme!r} has no meaning here", start, self.place)

    def _braced_function(self, start: int) -> Tok | None:
        """{f^{l-1}}' is the derivative of the function f^{l-1}: its name stands in braces of its own."""
        for name in self.functions:
            if self.text.startswith(f"{name}}}", self.place):
                self.place += len(name) + 1
                return Tok("FUNC", name, start, self.place)
        return None

    def _after_skip(self, lexeme: str, start: int) -> Tok | None:
        """`\\left.` and `\\right.` are invisible delimiters; every other skipped sign stands for itself."""
        if lexeme in ("\\left", "\\right") and self.text.startswith(".", self.place):
            self.place += 1
        return None

    def _script(self, sign: str, start: int, depth: int) -> Tok:
        inner = self._argument(depth, "a script")
        kind = "SUB" if sign == "_" else "SUP"
        return Tok(kind, self.text[start : self.place], start, self.place, tuple(inner))

    def _argument(self, depth: int, what: str) -> list[Tok]:
        """A braced group, or the one token that follows."""
        self._skip_space()
        if self.place >= len(self.text):
            raise NotationError(f"{what} is missing after the last sign", len(self.text) - 1, len(self.text))
        if self.text[self.place] == "{":
            self.place += 1
            return self._until("}", depth + 1)
        if self.text[self.place].isdigit():  # x_12 is x_1 2
            self.place += 1
            return [Tok("NUMBER", self.text[self.place - 1], self.place - 1, self.place)]
        token = self._next(depth + 1)
        return [] if token is None else [token]

    def _skip_space(self) -> None:
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1

    def _dressed(self, command: str, start: int) -> Tok:
        """A font or accent with its argument is one name: \\mathrm{Net}, \\hat{x}, \\tilde c."""
        self._skip_space()
        begin = self.place
        if self.text.startswith("{", self.place):
            end, level = self.place, 0
            while end < len(self.text):
                level += {"{": 1, "}": -1}.get(self.text[end], 0)
                end += 1
                if level == 0:
                    break
            else:
                raise NotationError("a closing brace } is missing", begin, len(self.text))
            self.place = end
            content = self.text[begin + 1 : end - 1].strip()
        else:
            if self.place >= len(self.text):
                raise NotationError(f"{command} needs a name", start, self.place)
            content, _ = self._lexeme()
        if command[1:] in FONTS and content in KNOWN_FUNCTIONS and content not in self.words:
            return Tok("FUNC", content, start, self.place)
        if command[1:] == "operatorname" and content not in self.functions:
            raise NotationError(
                f"the operator {content} is not known; expected {', '.join(KNOWN_FUNCTIONS)}", start, self.place
            )
        return self._name(f"{command}{{{content}}}", start)

    def _name(self, name: str, start: int) -> Tok:
        bare = name.lstrip("\\")
        followed = self.text[self.place :].lstrip()
        if name in self.bases and not (name in self.indexed and followed.startswith("_")):
            return Tok("FUNC", name, start, self.place)
        if bare in KNOWN_FUNCTIONS and name.startswith("\\") and name not in self.functions:
            return Tok("FUNC", bare, start, self.place)
        return Tok("NAME", name, start, self.place)


def _join_lines(tokens: list[Tok]) -> list[Tok]:
    """A line break goes on with a chain where the next line begins with a relation or sign, else separates."""
    joined: list[Tok] = []
    for place, token in enumerate(tokens):
        if token.kind != "NEWLINE":
            joined.append(token)
            continue
        following = tokens[place + 1].kind if place + 1 < len(tokens) else "END"
        if following not in ("REL", "PLUS", "MINUS", "END", "CDOT", "ENTRY") and joined:
            joined.append(replace(token, kind="COMMA"))
    return joined
