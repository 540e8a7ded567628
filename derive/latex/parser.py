"""From tokens to the syntax tree, by the LALR grammar in grammar.lark; errors point at the token."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Transformer, UnexpectedInput, v_args

from derive.errors import NotationError
from derive.latex import syntax
from derive.latex.lexicon import Lexicon
from derive.latex.syntax import Chain, Node, Scripts
from derive.latex.tokenizer import tokenize
from derive.latex.tokens import Tok
from derive.latex.transposes import split_transpose

MAX_TOKENS = 4_000

_EXPECTED = {
    "RPAR": ")", "RBRACK": "]", "RSET": "\\}", "RB": "}", "NAME": "a name", "NUMBER": "a number", "REL": "a relation",
    "PLUS": "+", "MINUS": "-", "COMMA": "a comma", "$END": "the end", "FUNC": "a function", "LB": "{", "LPAR": "(",
    "RNORM": "\\|", "SLASH": "/", "PARTIAL": "\\partial",
}  # fmt: skip


@cache
def grammar() -> Lark:
    """The LALR(1) grammar, with the tree's builder in it."""
    text = files("derive.latex").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="basic", start="start", transformer=_Builder())


def parse(text: str, words: Lexicon | None = None) -> tuple[Chain, ...]:
    """The chains of one display, in order, given the declared names.

    Raises `NotationError` with the place and what was expected there.
    """
    tokens = tokenize(text, words)
    if not tokens:
        raise NotationError("the formula is empty", 0, max(1, len(text)))
    return parse_tokens(tokens)


def parse_tokens(tokens: tuple[Tok, ...]) -> tuple[Chain, ...]:
    """The chains that tokens spell."""
    if len(tokens) > MAX_TOKENS:
        raise NotationError(f"the formula has {len(tokens)} signs; the limit is {MAX_TOKENS}", 0, 1)
    machine = grammar().parse_interactive()
    place = (0, 1)
    try:
        for token in tokens:
            place = (token.start, token.end)
            machine.feed_token(token)
        place = (tokens[-1].end - 1, tokens[-1].end)
        chains: tuple[Chain, ...] = machine.feed_eof()
    except UnexpectedInput as error:
        raise NotationError(_unexpected(error), *place) from None
    return chains


def formula_of(tokens: tuple[Tok, ...]) -> Node:
    """The one formula that tokens spell, as in e^{z_t} or ∇_{W_t}."""
    chains = parse_tokens(tokens) if tokens else ()
    if len(chains) != 1 or len(chains[0].sides) != 1:
        start, end = (tokens[0].start, tokens[-1].end) if tokens else (0, 1)
        raise NotationError("one formula is expected here", start, end)
    return chains[0].sides[0]


def _unexpected(error: UnexpectedInput) -> str:
    accepted = getattr(error, "accepts", None) or getattr(error, "expected", None) or set()
    if "NAME" in accepted:  # an operand is missing: naming every terminal that may begin one helps nobody
        expected = ["an operand (a name, a number, a bracket, a function)"]
    else:
        expected = sorted({_EXPECTED[name] for name in accepted if name in _EXPECTED})
    token = getattr(error, "token", None)
    found = f"{token.text} does not fit here" if isinstance(token, Tok) else "the formula ends here"
    return f"{found}; expected {' or '.join(expected)}" if expected else found


def _span(items: Any) -> tuple[int, int]:
    places = [place for item in items if item is not None for place in _places(item)]
    return (min(places), max(places)) if places else (0, 0)


def _places(item: Any) -> tuple[int, ...]:
    if isinstance(item, Tok | Node):
        return item.start, item.end
    if isinstance(item, Scripts):
        return item.span or ()
    if isinstance(item, tuple):
        return tuple(place for part in item for place in _places(part))
    return ()


@v_args(inline=True)
class _Builder(Transformer):
    """One method a production: the parse tree as syntax nodes."""

    def start(self, parts: tuple[Chain, ...], *_: Tok) -> tuple[Chain, ...]:
        return parts

    def first(self, part: Chain, *_: Tok) -> Any:
        return (part,)

    def more(self, parts: tuple[Chain, ...], *items: Any) -> tuple[Chain, ...]:
        return (*parts, items[-1])

    def part(self, part: Chain) -> Chain:
        return part

    def inside(self, *items: Any) -> tuple[tuple[Chain, ...], tuple[str, ...]]:
        chains = tuple(item for item in items if isinstance(item, Chain))
        signs = tuple(item.text for item in items if isinstance(item, Tok))
        return chains, signs[: len(chains) - 1]

    def row(self, *items: Any) -> tuple[Chain, ...]:
        return tuple(item[0] for item in items if isinstance(item, tuple))

    def otherwise(self, token: Tok) -> Any:
        return (Chain(token.start, token.end, (), (), is_condition=True),)

    def grid(self, begin: Tok, *items: Any) -> Node:
        rows = tuple(item for item in items if isinstance(item, tuple))
        return syntax.Grid(*_span((begin, items[-1])), begin.text, rows, Scripts())

    def chain(self, *items: Any) -> Chain:
        return Chain(*_span(items), tuple(items[::2]), tuple(str(rel.text) for rel in items[1::2]))

    def condition(self, *items: Any) -> Chain:
        chain = self.chain(*items[1:])
        return Chain(*_span(items), chain.sides, chain.relations, is_condition=True)

    def sign(self, token: Tok) -> Tok:
        return token

    def sum(self, *items: Any) -> Node:
        terms: list[tuple[int, Node]] = []
        value = 1
        for item in items:
            if isinstance(item, Tok):
                value = -1 if item.kind == "MINUS" else 1
            elif item is not None:
                terms.append((value, item))
        if len(terms) == 1 and terms[0][0] == 1:
            return terms[0][1]
        return syntax.Sum(*_span(items), tuple(terms))

    def entrywise(self, left: Node, operator: Tok, right: Node) -> Node:
        return self._entrywise(left, operator, right)

    def _entrywise(self, left: Node, operator: Tok, right: Node) -> Node:
        sign = operator.text
        if isinstance(left, syntax.Entrywise):
            if left.operator != sign:
                both = " and ".join({"hadamard": "⊙", "kron": "⊗"}.get(one, one) for one in (left.operator, sign))
                wrong = f"{both} side by side: say with brackets which comes first"
                raise NotationError(wrong, operator.start, operator.end)
            return syntax.Entrywise(left.start, right.end, sign, (*left.operands, right))
        return syntax.Entrywise(left.start, right.end, sign, (left, right))

    def open(self, *items: Any) -> Node:
        if len(items) == 1:
            return items[0]
        if len(items) == 2:
            return _joined(items[0], items[1])
        tail = items[2] if len(items) == 3 else _joined(items[2], items[3])
        return self._entrywise(items[0], items[1], tail)

    def big(self, sign: Tok, scripts: Scripts, body: Node) -> Node:
        return syntax.Big(*_span((sign, scripts, body)), sign.text[1:], scripts, body)

    def product(self, *factors: Any) -> Node:
        return _product(factors)

    def dot(self, token: Tok) -> Tok:
        return token

    def quotient(self, above: Node, _: Tok, below: Node) -> Node:
        return syntax.Fraction(*_span((above, below)), above, below, Scripts())

    def slash_derivative(self, d: Any, above: Node, _: Tok, other: Any, below: Node) -> Node:
        return syntax.DerivativeOf(*_span((d[0], above, below)), above, below, _is_plus(d[1]), Scripts())

    def name(self, token: Tok, scripts: Scripts) -> Node:
        return syntax.Name(*_span((token, scripts)), token.text, scripts)

    def number(self, token: Tok, scripts: Scripts) -> Node:
        return syntax.Number(*_span((token, scripts)), token.text, scripts)

    def scripted(self, inner: Any, scripts: Scripts) -> Any:
        start, end = _span((inner, scripts))
        return replace(inner, start=start, end=end, scripts=scripts)

    def apply(self, token: Tok, own: Scripts, argument: Node, after: Scripts) -> Node:
        return syntax.Apply(*_span((token, own, argument, after)), token.text, own, argument, after)

    def apply_bare(self, token: Tok, own: Scripts, argument: Node) -> Node:
        return syntax.Apply(*_span((token, own, argument)), token.text, own, argument, Scripts(), is_bare=True)

    def apply_inner(self, token: Tok, own: Scripts, argument: Node) -> Node:
        return self.apply(token, own, argument, Scripts())

    def bare(self, argument: Node) -> Node:
        return argument

    def fraction(self, sign: Tok, _a: Any, above: Any, _b: Any, _c: Any, below: Any, _d: Any, scripts: Scripts) -> Node:
        span = _span((sign, above[2], below[2], _d, scripts))
        if isinstance(above[0], Scripts) != isinstance(below[0], Scripts):
            raise NotationError("a derivative needs \\partial above and below the line", *span)
        if not isinstance(above[0], Scripts):
            return syntax.Fraction(*span, above[1], below[1], scripts)
        if below[1] is None:
            raise NotationError("the derivative does not say by what", *span)
        return syntax.DerivativeOf(*span, above[1], below[1], _is_plus(above[0]), scripts)

    def nabla(self, sign: Tok, scripts: Scripts, what: Node) -> Node:
        if not scripts.sub or scripts.sup or scripts.primes:
            raise NotationError("\\nabla needs a subscript that says by what", sign.start, sign.end)
        return self._by(sign, scripts.sub, what, plus=False)

    def derived_by(self, sign: Tok, what: Node) -> Node:
        return self._by(sign, sign.inner, what, plus="+" in sign.text)

    def _by(self, sign: Tok, by: tuple[Tok, ...], what: Node, plus: bool) -> Node:
        return syntax.DerivativeOf(*_span((sign, what)), what, formula_of(by), plus, Scripts(), is_operator=True)

    def over(self, first: Any, second: Any = None) -> tuple[Any, Any, Any]:
        """(scripts of ∂ or None, formula or None, something with a place)."""
        if isinstance(first, tuple):  # d
            return first[1], second, (first[0], second)
        return None, first, first

    def d(self, token: Tok, scripts: Scripts) -> tuple[Tok, Scripts]:
        return token, scripts

    def round(self, left: Tok, inside: Any, right: Tok) -> Node:
        return self._bracket("round", left, inside, right)

    def square(self, left: Tok, inside: Any, right: Tok) -> Node:
        return self._bracket("square", left, inside, right)

    def curly(self, left: Tok, inside: Any, right: Tok) -> Node:
        return self._bracket("curly", left, inside, right)

    def braced(self, left: Tok, inside: Any, right: Tok) -> Node:
        return self._bracket("braced", left, inside, right)

    def absolute(self, left: Tok, body: Node, right: Tok) -> Node:
        chain = Chain(body.start, body.end, (body,), ())
        return self._bracket("absolute", left, ((chain,), ()), right)

    def _bracket(self, kind: str, left: Tok, inside: Any, right: Tok) -> Node:
        parts, separators = inside
        return syntax.Bracket(*_span((left, right)), kind, parts, Scripts(), separators)

    def norm(self, left: Tok, body: Node, right: Tok) -> Node:
        return syntax.NormOf(*_span((left, right)), body, Scripts())

    def scripts(self, *tokens: Tok) -> Scripts:
        sub: tuple[Tok, ...] = ()
        sup: tuple[Tok, ...] = ()
        primes = 0
        for token in tokens:
            tok = token
            if tok.kind == "PRIME":
                primes += len(tok.text)
            elif tok.kind == "SUB":
                if sub:
                    raise NotationError("two subscripts", tok.start, tok.end)
                sub = tok.inner
            elif tok.inner and all(inner.text == "\\prime" or inner.kind == "PRIME" for inner in tok.inner):
                primes += sum(len(inner.text) if inner.kind == "PRIME" else 1 for inner in tok.inner)
            else:
                if sup and not (_is_transpose(sup) or _is_transpose(tok.inner)):
                    raise NotationError("two superscripts", tok.start, tok.end)
                sup = sup + tok.inner
        span = (tokens[0].start, tokens[-1].end) if tokens else None
        return Scripts(sub, sup, primes, span)


def _is_transpose(tokens: tuple[Tok, ...]) -> bool:
    return bool(tokens) and split_transpose(tokens) == ((), True)


def _is_plus(scripts: Scripts) -> bool:
    if scripts.is_empty:
        return False
    if [tok.kind for tok in scripts.sup] == ["PLUS"] and not scripts.sub:
        return True
    start, end = _span((scripts,))
    raise NotationError("\\partial takes no index but ^{+}", start, end)


def _product(factors: tuple[Any, ...]) -> Node:
    """Factors with \\cdot only between two of them."""
    kept: list[Node] = []
    after_dot = True
    for factor in factors:
        if isinstance(factor, Tok):
            if after_dot:
                raise NotationError("a product sign needs a factor on both sides", factor.start, factor.end)
            after_dot = True
        else:
            kept.append(factor)
            after_dot = False
    if after_dot:
        last = factors[-1]
        raise NotationError("a product sign needs a factor on both sides", last.start, last.end)
    return kept[0] if len(kept) == 1 else syntax.Product(*_span(tuple(kept)), tuple(kept))


def _joined(left: Node, right: Node) -> Node:
    factors = left.factors if isinstance(left, syntax.Product) else (left,)
    return syntax.Product(left.start, right.end, (*factors, right))
