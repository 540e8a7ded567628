"""What every picture is: a drawing as text with the words that belong to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zlib import crc32

from verify.pictures.svg import STYLE

BROAD = 600.0  # pixels
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class NoPicture(Exception):
    """A picture that would say nothing or be too large to read; the message says which."""


@dataclass(frozen=True)
class Picture:
    """An SVG drawing and its words.

    `name` is fit for a file or an anchor ([A-Za-z0-9._-]) and occurs once among the pictures of a document; `svg` is
    one `<svg>` element, to be put into a page as it is; `caption` is plain text that says what is drawn, `alt` what can
    be seen, for those who do not see it. Whoever puts the words into a page escapes them.
    """

    name: str
    svg: str
    caption: str
    alt: str

    @property
    def is_broad(self) -> bool:
        """Whether it is wider than a screen that is held in a hand, on which its letters would shrink to dots."""
        return float(self.svg.partition(' width="')[2].partition('"')[0]) > BROAD

    @property
    def file(self) -> str:
        """The drawing as a file of its own, which follows the reader's choice of light or dark."""
        return self.svg.replace("</desc>", f"</desc>{STYLE}", 1) + "\n"


def file_name(*parts: str) -> str:
    """Parts as one name in plain letters: K2.U and sparsity give K2.U-sparsity; what is lost leaves a checksum."""
    whole = "-".join(parts)
    plain = _NOT_IN_NAMES.sub("-", whole)[:80]
    return plain if plain == whole else f"{plain}-{crc32(whole.encode()):08x}"
