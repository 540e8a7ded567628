"""The suite's documents: those of the source's derivation, on which each part of Backproof is tested line by line, and
those of one system each, which are many times as long and are tested as a whole."""

from importlib.resources import files

FIRST_SYSTEM = "08-"


def documents():
    """All of them in order."""
    found = (item for item in files("verify.suite").iterdir() if item.name.endswith(".md"))
    return sorted(found, key=lambda item: item.name)


def source_documents():
    """The source's derivation, its conventions, layers, outputs and losses."""
    return [item for item in documents() if item.name < FIRST_SYSTEM]


def system_documents():
    """One document a system."""
    return [item for item in documents() if item.name >= FIRST_SYSTEM]
