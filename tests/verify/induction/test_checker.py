"""The replayer: it accepts what the prover finds, rejects whatever was tampered with, and shares nothing with it."""

import ast
import copy
import json
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import verify.induction
from derive.language.build import matmul
from derive.language.nodes import TimeSum
from tests.verify.induction import summed
from tests.verify.induction.systems import LAST, ROW, TRUE, K, claim, k, layer, product, t, wd
from verify.claim import Index
from verify.induction import chains, from_text, prove, replay, sums, to_text
from verify.induction.certificate import CertificateError, Node, write
from verify.induction.checker import rules_hold
from verify.induction.implications import RULES
from verify.induction.redone import REWRITES, Hypothesis, Rejected, known_of
from verify.version import VERSION

# together these use every rule of a goal and every rewrite
NAMES = (
    "last 2.4", "last 2.4.column", "every 2.8", "every s0", "last 2.2d", "every every", "every bias G.b",
    "stack last G", "stack last a0", "unknown mean loss", "unknown sum, last apart", "unknown sum, first apart",
    "own product from 0", "own outputs", "convolution b", "convolution W", "mean V",
)  # fmt: skip
SYSTEMS = ("12-bidirectional.md::backward.gradients/2", "13-variants.md::residual.closed")
SUITE = ("02-rnn-every-step.md::2.6.every", "05-outputs.md::2.10.softmax", "05-outputs.md::2.10.squared")


@cache
def certificate(name: str):
    """The certificate of a closed form, as text."""
    return to_text(prove(next(named.claim for named in TRUE + summed.TRUE if named.name == name)).certificate)


@pytest.fixture(scope="session")
def certificates(suite, systems):
    """Certificates by name."""
    found = {name: json.loads(certificate(name)) for name in NAMES}
    claims = [(name, suite[name][0]) for name in SUITE] + [(name, systems[name][0]) for name in SYSTEMS]
    return found | {name: json.loads(to_text(prove(claim).certificate)) for name, claim in claims}


def nodes(tree):
    """All nodes of a proof tree."""
    yield tree
    for child in tree["then"]:
        yield from nodes(child)


def leaves(data, path=()):
    """Every leaf of JSON data, with its path."""
    if isinstance(data, dict | list) and data:
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(value, (*path, key))
    else:
        yield path, data


def changed(value):
    """Another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, int | float):
        return value + 1
    return value + "x" if isinstance(value, str) else [1]


def with_leaf(data, path, value):
    """A copy of JSON data with one leaf changed."""
    data = copy.deepcopy(data)
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return data


def test_certificates_use_every_rule(certificates):
    """What follows tampers with every rule of a goal and every rewrite."""
    every = [node for data in certificates.values() for node in nodes(data["proof"])]
    assert {node["rule"] for node in every} == {*RULES, "close", "start"}
    steps = {step["rule"] for node in every if node["rule"] == "rewrite" for step in node["steps"]}
    assert steps >= {*REWRITES, *chains.REWRITES, *sums.REWRITES, "hypothesis"} - {"flatten"}


def test_accepted(certificates):
    """Every certificate replays, and so does its text."""
    for name, data in certificates.items():
        assert replay(data).ok, name
        assert from_text(to_text(data)) == data


def test_every_kind_of_field_is_checked(certificates):
    """One changed leaf of each kind (rule and keys, without positions) is rejected."""
    seen, tampered = set(), 0
    for data in certificates.values():
        for path, value in leaves(data):
            rule = _rule_at(data, path)
            kind = (rule, *(key for key in path if isinstance(key, str)), _depth(path), type(value).__name__)
            if kind in seen:
                continue
            seen.add(kind)
            forged = with_leaf(data, path, changed(value))
            assert not (rules_hold(forged).ok and replay(forged).ok), path
            tampered += 1
    assert tampered > 300


def _rule_at(data, path):
    """The rule of the innermost node on a path."""
    rule, place = "", data
    for key in path:
        place = place[key]
        if isinstance(place, dict) and "rule" in place and "then" in place:
            rule = place["rule"]
    return rule


def _depth(path):
    """How deep in a formula a leaf stands."""
    return sum(isinstance(key, int) for key in path)


def test_no_rule_for_another(certificates):
    """A node or a rewrite under another rule's name is rejected."""
    seen = set()
    for data in certificates.values():
        for number, node in enumerate(nodes(data["proof"])):
            for rule in {*RULES, "close", "start"} - {node["rule"]}:
                if (node["rule"], rule) in seen:
                    continue
                seen.add((node["rule"], rule))
                forged = copy.deepcopy(data)
                list(nodes(forged["proof"]))[number]["rule"] = rule
                assert not (rules_hold(forged).ok and replay(forged).ok), (node["rule"], rule)


def test_no_rewrite_for_another(certificates):
    """A rewrite under another's name, left out or done twice is rejected (I A = A may come later as well)."""
    tried = Counter()
    for data in certificates.values():
        for number, node in enumerate(nodes(data["proof"])):
            for place, step in enumerate(node.get("steps", [])):
                tried[step["rule"]] += 1
                if tried[step["rule"]] > 3:
                    continue
                for steps in _edited(node["steps"], place, step):
                    forged = copy.deepcopy(data)
                    list(nodes(forged["proof"]))[number]["steps"] = steps
                    assert not rules_hold(forged).ok, (step, steps)


def _edited(steps, place, step):
    if step["rule"] != "drop_neutral":
        yield steps[:place] + steps[place + 1 :]
    yield [*steps[: place + 1], step, *steps[place + 1 :]]
    same = {"reverse", "pull_out"}  # both say (Σ A)ᵀ = Σ Aᵀ
    every = {*REWRITES, *chains.REWRITES, *sums.REWRITES, "hypothesis"}
    for rule in every - (same if step["rule"] in same else {step["rule"]}):
        yield [*steps[:place], {**step, "rule": rule}, *steps[place + 1 :]]


def test_proof_of_another_claim():
    """The proof of 2.4 for a loss at the end does not prove it for a loss at every step."""
    good = json.loads(certificate("last 2.4"))
    other = claim(ROW, matmul_of_last(), layer("every"), K)
    forged = write(Node(other, "scope", {}), VERSION, 0)
    assert not replay({**forged, "proof": {**forged["proof"], "then": good["proof"]["then"]}}).ok
    assert not replay({**good, "models": forged["models"], "equations": forged["equations"]}).ok


def matmul_of_last():
    """δ_tᵀ Π_{i=k}^{t-1} W D_i."""
    return matmul(LAST, product(wd(), k, t - 1))


def test_closing_a_false_claim():
    """A certificate that only says that both deciders settle a false claim is rejected by asking them."""
    false = claim(ROW, matmul_of_last(), layer("every"), K)
    said = {"outcomes": {"prime field": "equal", "normal form": "equal"}, "bound": 0.0, "instances": 1}
    forged = write(Node(false, "scope", {}, (Node(false, "close", said),)), VERSION, 0)
    assert rules_hold(forged).ok
    assert not replay(forged).ok


def test_hypothesis_outside_of_its_range():
    """P(k + 1) at k = t is refused, and so is P(k + 1) under a binder k, whatever its range."""
    whole = claim(ROW, matmul_of_last(), layer("last"), K)
    step = replace(whole, indices=(Index(k, K.first, t - 1),))
    hypothesis = Hypothesis(whole, k, 1)
    there = {"old": "right", "side": "right", "slice": [0, -1], "at": []}
    with pytest.raises(Rejected, match="outside of its range"):
        hypothesis.put(whole, there)
    instance = whole.right.xreplace({k: k + 1})
    assert hypothesis.put(step, there)(instance, known_of(step)) == whole.left.xreplace({k: k + 1})
    for lo in (K.first, K.first + 1):
        under = replace(step, left=TimeSum(ROW, k, lo, t - 1), right=TimeSum(instance, k, lo, t - 1))
        with pytest.raises(Rejected, match="bound there"):
            hypothesis.put(under, {**there, "at": [0]})


def test_malformed():
    """What is no certificate is refused with a reason, and nothing is raised."""
    for data in ({}, {"format": 1}, {"format": 2}, {"format": 1, "models": [], "proof": []}):
        found = replay(data)
        assert not found.ok
        assert found.why
    for text in ("", "[]", "{", "[" * 100000, "nonsense"):
        with pytest.raises(CertificateError):
            from_text(text)


def test_nothing_of_the_search_is_imported():
    """The replayer's files import no rule, search or normaliser of the prover."""
    folder = Path(verify.induction.__file__).parent
    for name in ("checker", "implications", "chains", "linearity", "mirrors", "sums", "redone", "certificate"):
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        used = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        used |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        for part in ("prover", "rewriting", "formulas", "reductions", "linear", "chaining", "summing", "context"):
            assert f"verify.induction.{part}" not in used, (name, part)


def test_checker_is_small():
    """The tree's replayer stays under 200 lines."""
    folder = Path(verify.induction.__file__).parent
    assert len((folder / "checker.py").read_text(encoding="utf-8").splitlines()) <= 200
