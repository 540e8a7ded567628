"""What all tests share: Hypothesis repeats itself, and the suite's claims by id."""

from functools import cache

import pytest
from hypothesis import HealthCheck, settings

from tests.documents import source_documents, system_documents
from verify.document.interpret import Interpreter
from verify.document.statements import read

settings.register_profile(
    "ci", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """No test reads or writes the verdicts of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKPROOF_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@cache
def _claims(which):
    """document::id -> (claim, the verdict that the document expects or ""), for every link that has a claim."""
    found = {}
    for item in which():
        document = read(item.name, item.read_text(encoding="utf-8"))
        interpreter = Interpreter(document)
        for statement in document.claims:
            expect = statement.directives.expect
            for link in statement.links:
                readings = [reading for reading in interpreter.readings(statement, link) if reading.claim is not None]
                expected = expect.get(str(link.position), expect.get("", ""))
                name = statement.id if len(statement.links) == 1 else f"{statement.id}/{link.position}"
                if readings or expected != "refuted":
                    found[f"{item.name}::{name}"] = (readings[0].claim, expected)
    return found


@pytest.fixture(scope="session")
def suite():
    """The claims of the source's documents by document::id, each with its expected verdict."""
    return _claims(source_documents)


@pytest.fixture(scope="session")
def systems():
    """The claims of the systems' documents, likewise."""
    return _claims(system_documents)


@pytest.fixture(scope="session")
def true_claims(suite):
    """The equations of the suite that hold."""
    return {
        name: claim
        for name, (claim, expected) in suite.items()
        if expected in ("", "proved", "tested") and claim.relation == "="
    }
