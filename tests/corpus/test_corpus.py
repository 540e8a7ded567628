"""Real derivations by others: every document is read, judged, and every verdict is the one stated before the run."""

from pathlib import Path

import pytest

from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort

DOCUMENTS = sorted(Path(__file__).parent.glob("*.md"))
FEW = Effort(examples=12)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_verdict_is_the_expected_one(path):
    document = read(path.name, path.read_text(encoding="utf-8"))
    assert not document.errors, document.errors
    wrong = [
        f"{entry.place}: {entry.id} is {entry.verdict.verdict}, expected {entry.expected or 'proved'}: "
        f"{entry.verdict.message}"
        for entry in Judge(document, FEW).entries()
        if entry.verdict is not None and (entry.role == "given" or not entry.is_ok())
    ]
    assert wrong == []


def test_there_are_enough_documents_and_some_of_them_are_chinese():
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    assert len(texts) >= 8
    assert sum("，" in text for text in texts) >= 3
    assert all("http" in text.split("```")[0] for text in texts)  # the source is cited before the first block
