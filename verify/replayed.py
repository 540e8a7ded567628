"""What `backproof replay` does with a file, and how certificates are named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from derive.language.show import show
from verify import induction
from verify.errors import CallError, clean
from verify.files import write
from verify.induction.certificate import FORMAT

LARGEST = 5_000_000  # bytes of a certificate


def replayed(path: str) -> tuple[int, str]:
    """The exit code and what to say of one certificate file."""
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            return 2, f"backproof: {path}: larger than {LARGEST} bytes"
        certificate = induction.from_text(data.decode("utf-8"))
        missing = [key for key in ("format", "claim", "models", "proof") if key not in certificate]
        if missing:
            raise CallError(f"it has no {missing[0]}")
        if certificate["format"] != FORMAT:
            raise CallError(f"its format is {certificate['format']!r}, and this version reads {FORMAT}")
        found = induction.replay(certificate)
    except (OSError, UnicodeDecodeError) as error:
        return 2, f"backproof: {path}: cannot be read: {getattr(error, 'strerror', None) or 'it is no UTF-8 text'}"
    except CallError as error:
        return 2, f"backproof: {path}: no certificate: {clean(str(error))}"
    if not found.ok or found.claim is None:
        return 1, f"backproof: {path}: rejected: {clean(found.why)}"
    return 0, clean(f"{path}: proves {show(found.claim.left)} = {show(found.claim.right)} for all sizes and all steps")


def file_name(document: str, claim: str) -> str:
    """A file name for a claim's certificate: letters, digits, dots and dashes."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", f"{Path(document).stem}-{claim}").strip("-") + ".json"


def save(directory: str, document: str, claim: str, certificate: Mapping[str, Any]) -> None:
    """Write one certificate. Raises CallError where the folder cannot be written."""
    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write(induction.to_text(dict(certificate)), str(folder / file_name(document, claim)))
    except OSError as error:
        raise CallError(f"--certificates {directory}: {error.strerror}") from None
