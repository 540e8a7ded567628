"""Certificates as data: proof trees, claims and models as nested lists and dicts, read back without evaluation.

A formula is `[node name, argument, ...]` over the closed set of nodes below; an integer is itself. Nothing that
stands in a certificate is executed, and a name that is no node is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.core.symbol import Str
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.errors import BackproofError
from derive.language import convolution, derivatives, nodes
from derive.language.laws import Law
from derive.language.show import show
from derive.model import Equation, Loss, Model, Time
from verify.claim import Assumption, Claim, Condition, Index
from verify.errors import CallError

FORMAT = 1
LARGEST_POWER = 64
DEEPEST = 60  # levels of nesting in a formula; no formula of a document comes near


class CertificateError(CallError):
    """A certificate that cannot be read: which part, and why."""


_UNCHECKED = (sp.MatAdd, sp.MatMul, sp.Transpose, HadamardProduct, HadamardPower)  # their constructors rewrite
_EVALUATED = (sp.Add, sp.Mul, sp.Pow, sp.Tuple)
_PLAIN = (sp.Identity, sp.ZeroMatrix, sp.OneMatrix)
_OURS = (
    nodes.Member, nodes.Elementwise, nodes.Application, nodes.Slot, nodes.Softmax, nodes.Diag, nodes.Vec,
    nodes.Commutation, nodes.Kronecker, nodes.Scale, nodes.Tr, nodes.Norm, nodes.Inverse, nodes.Det, nodes.Power,
    nodes.TimeSum, nodes.TimeProduct, nodes.Component, nodes.Delta, nodes.Entries, nodes.Blocks, nodes.ComponentSum,
    derivatives.Jacobian, derivatives.Gradient, derivatives.BlockJacobian, derivatives.FamilyDerivative,
    derivatives.Collect, convolution.Convolution, convolution.Flip,
)  # fmt: skip
_KINDS: dict[str, Any] = {kind.__name__: kind for kind in (*_UNCHECKED, *_EVALUATED, *_PLAIN, *_OURS)}
_LETTERS: dict[str, dict[str, bool]] = {"size": {"integer": True, "positive": True}, "step": {"integer": True}}


# --- formulas ------------------------------------------------------------------------------------------------------


def encode(expr: Any) -> Any:
    """A formula as nested lists. Raises CertificateError for a node outside the language."""
    if isinstance(expr, sp.Integer):
        return int(expr)
    if isinstance(expr, sp.Rational):
        return ["Rational", int(expr.p), int(expr.q)]
    if type(expr) is Str:
        return ["Str", str(expr.name)]
    if isinstance(expr, Law):
        return ["Law", ["Str", expr.function], *(None if f is None else encode(f) for f in (expr.value, expr.slope))]
    if isinstance(expr, sp.MatrixSymbol):
        return ["MatrixSymbol", str(expr.name), *(encode(size) for size in expr.shape)]
    if isinstance(expr, sp.Symbol):
        return ["Symbol", str(expr.name), _sort(expr)]
    name = type(expr).__name__
    if _KINDS.get(name) is not type(expr):
        raise CertificateError(f"{name} has no place in a certificate")
    return [name, *(encode(arg) for arg in expr.args)]


def _sort(symbol: sp.Symbol) -> str:
    for sort, facts in _LETTERS.items():
        if sp.Symbol(symbol.name, **facts) == symbol:
            return sort
    raise CertificateError(f"the letter {symbol} is neither a size nor a step")


def decode(data: Any, depth: int = 0) -> Any:
    """The formula of nested lists. Raises CertificateError for anything that is not one."""
    if isinstance(data, int) and not isinstance(data, bool):
        return sp.Integer(data)
    if not isinstance(data, list) or not data or not isinstance(data[0], str) or depth > DEEPEST:
        raise CertificateError(f"no formula: {str(data)[:60]}")
    name, *args = data
    if name in _ATOMS:
        return _ATOMS[name](args)
    if name not in _KINDS:
        raise CertificateError(f"unknown node {name!r}")
    return _made(_KINDS[name], [decode(arg, depth + 1) for arg in args])


def _made(kind: Any, args: list[Any]) -> Any:
    if kind is sp.Pow and not (args[0].free_symbols and args[1].is_Integer and abs(args[1]) <= LARGEST_POWER):
        raise CertificateError("a power of a size has a small number for its exponent")
    try:
        return sp.Basic.__new__(kind, *args) if kind in _UNCHECKED else kind(*args)
    except (TypeError, ValueError, AttributeError) as error:
        raise CertificateError(f"{kind.__name__} of {args}: {error}") from error


def _symbol(args: list[Any]) -> Any:
    name, sort = _texts(args, 2)
    if sort not in _LETTERS:
        raise CertificateError(f"unknown sort of letter {sort!r}")
    return sp.Symbol(name, **_LETTERS[sort])


def _matrix(args: list[Any]) -> Any:
    name, rows, cols = _length(args, 3)
    return sp.MatrixSymbol(_texts([name], 1)[0], decode(rows), decode(cols))


def _rational(args: list[Any]) -> Any:
    if len(args) != 2 or not all(type(arg) is int for arg in args) or not args[1]:
        raise CertificateError(f"no rational: {args}")
    return sp.Rational(*args)


def _length(args: list[Any], length: int) -> list[Any]:
    if len(args) != length:
        raise CertificateError(f"expected {length} arguments, found {len(args)}")
    return args


def _texts(args: list[Any], length: int) -> list[str]:
    if not all(isinstance(arg, str) for arg in _length(args, length)):
        raise CertificateError(f"expected text: {args}")
    return args


def _law(args: list[Any]) -> Law:
    name, value, slope = _length(args, 3)
    try:
        return Law(
            str(decode(name).name), *(None if formula is None else decode(formula) for formula in (value, slope))
        )
    except (BackproofError, AttributeError) as error:
        raise CertificateError(f"no law of a function: {error}") from error


_ATOMS: dict[str, Callable[[list[Any]], Any]] = {
    "Symbol": _symbol,
    "MatrixSymbol": _matrix,
    "Rational": _rational,
    "Str": lambda args: Str(_texts(args, 1)[0]),
    "Law": _law,
}


# --- models and claims -----------------------------------------------------------------------------------------


def encode_equation(equation: Equation) -> list[Any]:
    """An equation as a list: left, right, index, first, last, id."""
    parts = (equation.left, equation.right, equation.index, equation.first, equation.last)
    return [*(_optional(part) for part in parts), equation.id]


def encode_model(model: Model, number: Callable[[Equation], Any] = encode_equation) -> dict[str, Any]:
    """A model as a dict; `number` gives each equation's place in the certificate's list of equations."""
    return {
        "equations": [number(equation) for equation in model.equations],
        "losses": [[encode(loss.symbol), [list(part) for part in loss.parts]] for loss in model.losses],
        "time": [int(model.time.first), encode(model.time.last)],
    }


def _optional(part: Any) -> Any:
    return None if part is None else encode(sp.sympify(part, strict=True))


def decode_models(certificate: Any) -> list[Model]:
    """The models of a certificate; each refuses to exist when ill-formed."""
    equations = [_equation(*parts) for parts in certificate["equations"]]
    return [_model(data, equations) for data in certificate["models"]]


def _model(data: Any, equations: list[Equation]) -> Model:
    losses = tuple(Loss(decode(symbol), tuple((str(n), str(p)) for n, p in parts)) for symbol, parts in data["losses"])
    first, last = data["time"]
    return Model(tuple(equations[_place(i)] for i in data["equations"]), losses, Time(int(first), decode(last)))


def _place(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise CertificateError(f"no place in a list: {number!r}")
    return number


def _equation(left: Any, right: Any, index: Any, first: Any, last: Any, name: Any) -> Equation:
    index, first, last = (None if part is None else decode(part) for part in (index, first, last))
    defined = decode(left)
    if (index is None) == (isinstance(defined, nodes.Member) and bool(defined.indices)) or (
        index is not None and defined.time != index
    ):
        raise CertificateError(f"an equation defines {defined}, but not at its own step")
    return Equation(defined, decode(right), index, first, last, str(name))


def encode_claim(claim: Claim, model: int) -> dict[str, Any]:
    """A claim as a dict; its model is a number in the certificate's list of models."""
    return {
        "model": model,
        "left": encode(claim.left),
        "right": encode(claim.right),
        "indices": [[encode(i.letter), encode(i.first), encode(i.last)] for i in claim.indices],
        "conditions": [[encode(c.left), c.relation, encode(c.right)] for c in claim.conditions],
        "assumptions": [[a.kind, encode(a.subject), _optional(a.value)] for a in claim.assumptions],
    }


def decode_claim(data: Any, models: list[Model]) -> Claim:
    """The claim of a dict."""
    return Claim(
        decode(data["left"]),
        decode(data["right"]),
        models[_place(data["model"])],
        indices=tuple(Index(*(decode(part) for part in parts)) for parts in data["indices"]),
        conditions=tuple(Condition(decode(a), str(rel), decode(b)) for a, rel, b in data["conditions"]),
        assumptions=tuple(
            Assumption(str(kind), decode(subject), None if value is None else decode(value))
            for kind, subject, value in data["assumptions"]
        ),
    )


# --- proof trees -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """A goal, the rule that reduces it to the goals below, and the rule's data (JSON, formulas encoded)."""

    goal: Claim
    rule: str
    data: dict[str, Any]
    then: tuple[Node, ...] = ()


def write(root: Node, version: str, seed: int) -> dict[str, Any]:
    """The certificate of a proof tree, with the seed that its deciders had."""
    models: dict[Model, int] = {}
    equations: dict[Equation, int] = {}

    def tree(node: Node) -> dict[str, Any]:
        number = models.setdefault(node.goal.model, len(models))
        goal = encode_claim(node.goal, number)
        return {"goal": goal, "rule": node.rule, **node.data, "then": [tree(child) for child in node.then]}

    proof = tree(root)
    listed = [encode_model(model, lambda e: equations.setdefault(e, len(equations))) for model in models]
    return {
        "format": FORMAT,
        "backproof": version,
        "seed": seed,
        "text": f"{show(root.goal.left)} = {show(root.goal.right)}",
        "claim": claim_hash(root.goal, version, seed),
        "equations": [encode_equation(equation) for equation in equations],
        "models": listed,
        "proof": proof,
    }


def claim_hash(claim: Claim, version: str, seed: int) -> str:
    """SHA-256 of a claim with its model, of the version and of the seed, as canonical JSON."""
    data = [FORMAT, version, seed, encode_model(claim.model), encode_claim(claim, 0)]
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def to_text(certificate: dict[str, Any]) -> str:
    """The certificate as JSON text: the same bytes for the same proof."""
    return json.dumps(certificate, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def from_text(text: str) -> dict[str, Any]:
    """The certificate of JSON text. Raises CertificateError where it is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CertificateError(f"no JSON: {error}") from error
    if not isinstance(data, dict):
        raise CertificateError("a certificate is a JSON object")
    return data
