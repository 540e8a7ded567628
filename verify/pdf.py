"""PDF by Typst, where the extra is installed: the same bytes for the same source, and no network."""

from __future__ import annotations

from types import ModuleType

from derive.papers.paper import Paper
from derive.typst.document import CHINESE_FONTS, LATIN_FONT, needs_chinese, typst_document
from verify.errors import CallError

_EXTRA = 'a PDF needs Typst: install it with `pip install "backproof[pdf]"`; --as latex needs nothing'


def pdf(paper: Paper) -> bytes:
    """The paper as PDF. Raises `CallError` where Typst, or a font with Chinese signs, is missing."""
    typst = _typst()
    chinese = needs_chinese(paper)
    found = typst.Fonts(include_system_fonts=chinese).families()
    fonts = tuple(name for name in CHINESE_FONTS if name in found)[:1]
    if chinese and not fonts:
        raise CallError(
            f"no font with Chinese signs is installed; looked for {', '.join(CHINESE_FONTS)}. "
            "Install one (Debian and Ubuntu: apt-get install fonts-noto-cjk; Fedora: google-noto-serif-cjk-fonts; "
            "elsewhere https://fonts.google.com/noto), or use --lang en"
        )
    source = typst_document(paper, fonts)
    try:
        found_pdf: bytes = typst.compile(source.encode(), format="pdf", timestamp=0, ignore_system_fonts=not chinese)
    except typst.TypstError as error:
        raise CallError(f"Typst could not set this paper: {error}; --as latex writes it without Typst") from None
    return found_pdf


def _typst() -> ModuleType:
    try:
        import typst
    except ImportError:
        raise CallError(_EXTRA) from None
    if LATIN_FONT not in typst.Fonts(include_system_fonts=False).families():
        raise CallError(f"this Typst brings no {LATIN_FONT}; {_EXTRA}")
    return typst
