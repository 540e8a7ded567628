"""LaTeX of a formula as a list of tokens with their places; scripts are tokens that carry their own tokens."""

from __future__ import annotations

import re
from dataclasses import replace

from derive.errors import NotationError
from derive.latex import signs
from derive.latex.differentials import with_differentials
from derive.latex.lexicon import Lexicon
from derive.latex.lines import in_statements
from derive.latex.tokens import Tok

MAX_DEPTH = 40  # braces and scripts inside one another
MAX_LENGTH = 20_000  # characters of one formula
MAX_DIGITS = 40  # digits of one number

_LEXEME = re.compile(r"\\[a-zA-Z]+|\\.|:=|\+=|-=|\.\.\.|\.\.|\.\*|\.\^|\d+(?:\.\d+)?|'+|\s+|.", re.DOTALL)
_ROW_SPACE = re.compile(r"\*?(?:\s*\[\s*-?[\d.]+\s*(?:pt|em|ex|mm|cm|in)\s*\])?")
_PROSE = re.compile(r"\s|[^\x00-\x7f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_PLAIN_FUNCTION = re.compile("|".join(signs.PLAIN_FUNCTIONS))


def tokenize(text: str, words: Lexicon | None = None) -> tuple[Tok, ...]:
    """The tokens of a formula, given the declared names. Raises `NotationError` with the place."""
    if len(text) > MAX_LENGTH:
        raise NotationError(f"the formula has {len(text)} characters; the limit is {MAX_LENGTH}", 0, 1)
    if control := _CONTROL.search(text):
        wrong = "a control character or half a character stands in the formula"
        raise NotationError(wrong, control.start(), control.end())
    words = words or Lexicon()
    return with_differentials(in_statements(_Tokenizer(text, words).run()), words)


class _Tokenizer:
    def __init__(self, text: str, words: Lexicon, place: int = 0) -> None:
        self.text, self.words, self.place = text, words, place
        self.operators = {**signs.OPERATORS, **words.operators}
        self.open: set[str] = set()  # which of ‖ and | are open
        self.grids: list[str] = []  # the environments with rows and cells around this place

    def run(self) -> list[Tok]:
        """All tokens to the end."""
        found = self._until(None, 0)
        if self.grids:
            end = len(self.text)
            raise NotationError(f"\\end{{{self.grids[-1]}}} is missing", max(0, end - 1), end)
        return found

    def _until(self, closing: str | None, depth: int) -> list[Tok]:
        """Tokens up to the closing brace of a script (consumed), or to the end."""
        if depth > MAX_DEPTH:
            raise NotationError(f"braces are nested more than {MAX_DEPTH} deep", self.place)
        found: list[Tok] = []
        level = 0
        while self.place < len(self.text):
            for token in self._next(depth):
                if token.kind == "RB" and closing and level == 0:
                    return found
                level += signs.DEPTH.get(token.kind, 0)
                if level > MAX_DEPTH or len(self.grids) > MAX_DEPTH:
                    raise NotationError(f"brackets are nested more than {MAX_DEPTH} deep", token.start)
                found.append(token)
        if closing:
            raise NotationError("a closing brace } is missing", len(self.text) - 1, len(self.text))
        return found

    def _next(self, depth: int) -> list[Tok]:
        """The tokens that begin here: mostly one, none for what is skipped."""
        start = self.place
        if self.text[start] not in " \n\t":
            if found := self.words.phrase_at(self.text, start):
                phrase, self.place = found
                return self._name(phrase.name, start)
            if _PLAIN_FUNCTION.match(self.text, start) and (plain := self._plain_function(start)):
                return [plain]
        lexeme, start = self._lexeme()
        if lexeme in signs.CLASSES and self.text.startswith("{", self.place):
            return self._grouped(lexeme, start, depth)
        if lexeme.isspace() or lexeme == "~" or (lexeme[0] == "\\" and lexeme[1:] in signs.SKIPPED):
            return self._after_skip(lexeme)
        if lexeme == "{" and (braced := self._braced_function(start)) is not None:
            return [braced]
        if lexeme in self.operators:
            kind = "CDOT" if self.operators[lexeme] == "matmul" else "ENTRY"
            return [Tok(kind, self.operators[lexeme], start, self.place)]
        if lexeme in signs.ELLIPSES:  # an operand that says nothing: the reader tells, of the one relation around it
            return [Tok("NAME", lexeme, start, self.place)]
        if lexeme == "..":
            return [Tok("ENTRY", "range", start, self.place)]
        if lexeme in signs.UNREADABLE:
            raise NotationError(f"{lexeme}: {signs.UNREADABLE[lexeme]}", start, self.place)
        if lexeme in "_^":
            return [self._script(lexeme, start, depth)]
        if signs.SIMPLE.get(lexeme) == "FRAC":
            return self._fraction(lexeme, start, depth)
        if (
            lexeme[0] == "\\"
            and lexeme[1:].isalpha()
            and (special := self._command(lexeme[1:], start, depth)) is not None
        ):
            return special
        return self._sign(lexeme, start)

    def _lexeme(self) -> tuple[str, int]:
        match = _LEXEME.match(self.text, self.place)
        assert match is not None  # the last alternative takes any character
        start, self.place = self.place, match.end()
        return match.group(), start

    def _sign(self, lexeme: str, start: int) -> list[Tok]:
        """A sign, number or letter."""
        if lexeme[0] == "'":
            return [Tok("PRIME", lexeme, start, self.place)]
        if lexeme == "&":
            return [Tok("AMP", lexeme, start, self.place)] if self.grids else []
        if lexeme in ("\\\\", "\\cr"):
            return [self._line_break(lexeme, start)]
        if lexeme in signs.RELATIONS:
            return [Tok("REL", signs.RELATIONS[lexeme], start, self.place)]
        if lexeme in signs.NORM_SIGNS:
            return [self._paired(lexeme, "NORM", start)]
        if lexeme in signs.ABS_SIGNS:
            return [self._paired(lexeme, "ABS", start)]
        if lexeme in signs.SEPARATORS:
            return [Tok("COMMA", lexeme, start, self.place)]
        if lexeme in signs.SIMPLE:
            return [Tok(signs.SIMPLE[lexeme], lexeme, start, self.place)]
        if lexeme[0].isdigit() and lexeme.isascii():
            if len(lexeme) > MAX_DIGITS:
                raise NotationError(f"a number of {len(lexeme)} digits; the limit is {MAX_DIGITS}", start, self.place)
            return [Tok("NUMBER", lexeme, start, self.place)]
        if (lexeme[0] == "\\" and lexeme[1:].isalpha()) or (lexeme.isalpha() and lexeme.isascii()):
            return self._name(lexeme, start)
        if lexeme in ("*", ".*"):
            hint = f'declare it, as operators: {{"{lexeme}": hadamard}}'
            raise NotationError(f"{lexeme} may be a product of matrices or of entries; {hint}", start, self.place)
        if _PROSE.match(lexeme) and lexeme.isalpha():
            raise NotationError(f"{lexeme!r}: prose inside a formula is not read", start, self.place)
        raise NotationError(f"{lexeme!r} has no meaning here", start, self.place)

    def _paired(self, lexeme: str, kind: str, start: int) -> Tok:
        """‖ and | open and close in turn."""
        self.open ^= {kind}
        return Tok(("L" if kind in self.open else "R") + kind, lexeme, start, self.place)

    def _line_break(self, lexeme: str, start: int) -> Tok:
        space = _ROW_SPACE.match(self.text, self.place)
        self.place = space.end() if space else self.place
        return Tok("ROW" if self.grids else "NEWLINE", lexeme, start, self.place)

    # --- commands with arguments -------------------------------------------------------------------------------

    def _command(self, name: str, start: int, depth: int) -> list[Tok] | None:
        """What a command with arguments of its own stands for, None for a plain sign or name."""
        if name in signs.FONTS + signs.ACCENTS:
            return self._dressed(f"\\{name}", start)
        if name in ("begin", "end"):
            return self._environment(name, start)
        if name in signs.WITH_ARGUMENT:
            self._argument(depth, f"\\{name}")
            return []
        if name in signs.LABELLED:
            return self._labelled(name, start, depth)
        if name == "textcolor":
            self._argument(depth, "\\textcolor")
            return self._labelled(name, start, depth)
        return None

    def _labelled(self, name: str, start: int, depth: int) -> list[Tok]:
        """\\underbrace{A}_{label} and \\boxed{A} are A."""
        inner = self._argument(depth, f"\\{name}")
        self._skip_space()
        if name in signs.LABELLED and self.place < len(self.text) and self.text[self.place] in "_^":
            self.place += 1
            self._raw_argument()
        if any(token.kind == "REL" for token in inner):  # a whole equation in a box
            return inner
        return [Tok("LB", "{", start, start + 1), *inner, Tok("RB", "}", self.place - 1, self.place)]

    def _grouped(self, lexeme: str, start: int, depth: int) -> list[Tok]:
        """\\mathop{\\mathrm{diag}} is the sign inside; what is more than one sign stays a group."""
        inner = self._argument(depth, lexeme)
        if len(inner) == 1:
            return inner
        return [Tok("LB", "{", start, start + 1), *inner, Tok("RB", "}", self.place - 1, self.place)]

    def _fraction(self, lexeme: str, start: int, depth: int) -> list[Tok]:
        """\\frac with its braces to come; \\frac12 and \\frac1n have none."""
        found = [Tok("FRAC", lexeme, start, self.place)]
        self._skip_space()
        if self.text.startswith("{", self.place):
            return found
        for _ in range(2):
            begin = self.place
            inner = self._argument(depth, lexeme)
            found += [Tok("LB", "{", begin, begin + 1), *inner, Tok("RB", "}", self.place - 1, self.place)]
        return found

    def _environment(self, which: str, start: int) -> list[Tok]:
        content = self._raw_argument()
        name = content.strip().rstrip("*")
        if name in signs.DISPLAYS:
            if which == "begin" and name in ("alignat", "alignedat"):
                self._raw_argument()
            return []
        if name not in signs.GRIDS:
            raise NotationError(f"the environment {name} is not read inside a formula", start, self.place)
        if which == "begin":
            if name == "array":
                self._raw_argument()
            self.grids.append(name)
            return [Tok("BEGIN", name, start, self.place)]
        if not self.grids or self.grids[-1] != name:
            expected = f"; expected \\end{{{self.grids[-1]}}}" if self.grids else ""
            raise NotationError(f"\\end{{{name}}} closes nothing{expected}", start, self.place)
        self.grids.pop()
        return [Tok("END", name, start, self.place)]

    # --- scripts and names -------------------------------------------------------------------------------------

    def _plain_function(self, start: int) -> Tok | None:
        """diag(…), softmax(…) in plain letters: the function, before a bracket (tr before any factor)."""
        for word in signs.PLAIN_FUNCTIONS:
            if not self.text.startswith(word, start) or self.words.is_declared(word):
                continue
            if start and self.text[start - 1].isalpha() and word != "diag" and not self._ends_command(start):
                continue
            rest = self.text[start + len(word) :].lstrip()
            spaced = word in ("tr", "Tr") and self.text[start + len(word) : start + len(word) + 1] == " "
            if rest.startswith(("(", "[", "\\{", "\\left", "\\big", "\\Big")) or spaced:
                self.place = start + len(word)
                return Tok("FUNC", word, start, self.place)
        return None

    def _ends_command(self, place: int) -> bool:
        """Whether the letters before belong to a command: \\odot softmax needs its space, \\odot does not."""
        return re.search(r"\\[a-zA-Z]+$", self.text[max(0, place - 30) : place]) is not None

    def _braced_function(self, start: int) -> Tok | None:
        """{f^{l-1}}' is the derivative of the function f^{l-1}: its name stands in braces of its own."""
        for name in self.words.functions:
            if self.text.startswith(f"{name}}}", self.place):
                self.place += len(name) + 1
                return Tok("FUNC", name, start, self.place)
        return None

    def _after_skip(self, lexeme: str) -> list[Tok]:
        """`\\left.` and `\\right.` are invisible delimiters; a wide space may part two statements."""
        if lexeme in ("\\quad", "\\qquad"):
            return [Tok("QUAD", lexeme, self.place - len(lexeme), self.place)]
        if lexeme in ("\\left", "\\right") and self.text.startswith(".", self.place):
            self.place += 1
        return []

    def _script(self, sign: str, start: int, depth: int) -> Tok:
        inner = self._argument(depth, "a script")
        kind = "SUB" if sign == "_" else "SUP"
        written = tuple(token for token in inner if token.kind not in ("QUAD", "PROSE"))
        return Tok(kind, self.text[start : self.place], start, self.place, written)

    def _argument(self, depth: int, what: str) -> list[Tok]:
        """A braced group, or the one token that follows."""
        self._skip_space()
        if self.place >= len(self.text):
            raise NotationError(f"{what} is missing after the last sign", len(self.text) - 1, len(self.text))
        if self.text[self.place] == "{":
            self.place += 1
            return self._until("}", depth + 1)
        if self.text[self.place] in "0123456789":  # x_12 is x_1 2
            self.place += 1
            return [Tok("NUMBER", self.text[self.place - 1], self.place - 1, self.place)]
        if depth > MAX_DEPTH:
            raise NotationError(f"braces are nested more than {MAX_DEPTH} deep", self.place)
        return self._next(depth + 1)

    def _raw_argument(self) -> str:
        """The text of a braced group, or the one lexeme that follows; empty where nothing does."""
        self._skip_space()
        begin = self.place
        if not self.text.startswith("{", begin):
            return self._lexeme()[0] if begin < len(self.text) else ""
        level = 0
        for end in range(begin, len(self.text)):
            level += {"{": 1, "}": -1}.get(self.text[end], 0)
            if level == 0:
                self.place = end + 1
                return self.text[begin + 1 : end]
        raise NotationError("a closing brace } is missing", begin, len(self.text))

    def _skip_space(self) -> None:
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1

    def _dressed(self, command: str, start: int) -> list[Tok]:
        """A font or accent and its argument are one name: \\mathrm{Net}, \\hat{x}; \\hat{x_i} is \\hat{x}_i."""
        if self.text.startswith("*", self.place):
            self.place += 1
        self._skip_space()
        if self.place >= len(self.text):
            raise NotationError(f"{command} needs a name", start, self.place)
        begin = self.place
        content = self._raw_argument()
        inside = content.strip()
        if (words := self._prose(command, inside, start)) is not None:
            return words
        split = _script_place(content)
        if split > 0 and not self.words.is_declared(f"{command}{{{inside}}}"):
            return self._scripted_name(command, content, split, begin, start)
        if command == "\\dot" and inside in self.words.function_bases:
            return [Tok("FUNC", inside, start, self.place), Tok("PRIME", "'", start, self.place)]
        is_font = command[1:] in signs.FONTS
        if is_font and inside in self.words.function_bases and f"{command}{{{inside}}}" not in self.words.names:
            return self._name(inside, start)
        if is_font and inside in signs.KNOWN_FUNCTIONS and not self.words.is_declared(inside):
            return [Tok("FUNC", inside, start, self.place)]
        if command == "\\operatorname" and not self.words.is_declared(inside):
            known = ", ".join(signs.KNOWN_FUNCTIONS)
            raise NotationError(f"the operator {inside} is not known; expected {known}", start, self.place)
        return self._name(f"{command}{{{_dressed_text(inside)}}}", start)

    def _scripted_name(self, command: str, content: str, split: int, begin: int, start: int) -> list[Tok]:
        end = self.place
        offset = begin + (1 if self.text.startswith("{", begin) else 0)
        inner = _Tokenizer(self.text[: offset + len(content)], self.words, offset + split).run()
        self.place = offset + split
        name = self._name(f"{command}{{{_dressed_text(content[:split].strip())}}}", start)
        self.place = end
        return [replace(name[0], end=offset + split), *inner]

    def _prose(self, command: str, inside: str, start: int) -> list[Tok] | None:
        """Words of a condition; any other prose is refused."""
        if not command.startswith(("\\text", "\\mathrm")) or self.words.is_declared(inside):
            return None
        if (mixed := re.fullmatch(r"([^$]*)\$([^$]*)\$[\s.)）]*", inside)) and mixed[1].strip():
            return self._spoken_condition(command, mixed[1].strip(), inside, start)
        spoken = inside.strip(" ,，.:：()（）").lower()
        if spoken in signs.CONDITION_WORDS:
            return [Tok("FORALL", inside, start, self.place)]
        if spoken in signs.CLOSING_WORDS:
            return []
        if spoken in signs.OTHERWISE_WORDS:
            return [Tok("OTHERWISE", inside, start, self.place)]
        if spoken in ("and", "且", ""):
            return [Tok("COMMA", ",", start, self.place)] if spoken else []
        if _PROSE.search(inside) and not re.search(r"[_^\\]", inside):
            return [Tok("PROSE", inside, start, self.place)]
        return None

    def _spoken_condition(self, command: str, word: str, inside: str, start: int) -> list[Tok]:
        """\\text{if $i = j$}: the word, and the formula between the dollars."""
        opening = self.text.index("$", start)
        inner = _Tokenizer(self.text[: self.text.index("$", opening + 1)], self.words, opening + 1).run()
        return [*(self._prose(command, word, start) or []), *inner]

    def _name(self, name: str, start: int) -> list[Tok]:
        bare = name.lstrip("\\")
        if name in self.words.function_bases and not self._is_family(name):
            return [Tok("FUNC", name, start, self.place)]
        if bare in signs.KNOWN_FUNCTIONS and name.startswith("\\") and name not in self.words.names:
            return [Tok("FUNC", bare, start, self.place)]
        return [Tok("NAME", name, start, self.place)]

    def _is_family(self, name: str) -> bool:
        """A letter that is a function and a family is the family where it carries an index."""
        if self.words.has_scripted(name, self.text, self.place):
            return True
        if name not in self.words.families:
            return False
        followed = self.text[self.place : self.place + 40].lstrip()
        if followed.startswith("^"):
            is_function = re.match(r"\^\s*\{?\s*(\\prime|')", followed) is not None
            return not is_function and not any(f.startswith(f"{name}^") for f in self.words.functions)
        return followed.startswith("_")


def _script_place(content: str) -> int:
    """Where the scripts of a dressed name begin: \\hat{x_i} at 1; -1 for none."""
    level = 0
    for place, sign in enumerate(content):
        level += {"{": 1, "}": -1}.get(sign, 0)
        if sign in "_^" and level == 0:
            return place
    return -1


def _dressed_text(inside: str) -> str:
    """One spelling for what is inside a font or accent: \\mathbf y is \\mathbf{y}."""
    return re.sub(r"\\([a-zA-Z]+)\s+([a-zA-Z])(?![a-zA-Z])", lambda m: _braced(m[1], m[2]), inside)


def _braced(command: str, letter: str) -> str:
    return f"\\{command}{{{letter}}}" if command in signs.FONTS + signs.ACCENTS else f"\\{command} {letter}"
