"""Makes the report's maths font: STIX Two Math without the alphabets that no formula of a derivation uses.

    npm pack @fontsource/stix-two-math@5.3.0 && tar xzf fontsource-stix-two-math-5.3.0.tgz
    pip install fonttools brotli && python .ci/maths_font.py package verify/report/html/templates

Run by hand when the font changes; the same input gives the same bytes. What is kept: Latin, Greek, signs of
mathematics, arrows, the mathematical alphabets, and all their variants in the MATH table (large brackets, scripts).
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

SOURCE = "files/stix-two-math-latin-400-normal.woff2"
FONT, LICENCE = "stix-two-math.woff2", "stix-two-math.OFL.txt"
RANGES = (
    (0x0020, 0x007E), (0x00A0, 0x00FF), (0x0131, 0x0131), (0x0237, 0x0237), (0x02C6, 0x02DD), (0x0300, 0x033F),
    (0x0370, 0x03FF), (0x2000, 0x206F), (0x20D0, 0x20F0), (0x2100, 0x214F), (0x2190, 0x21FF), (0x2200, 0x22FF),
    (0x2300, 0x23FF), (0x25A0, 0x25FF), (0x2660, 0x266F), (0x27C0, 0x27FF), (0x2900, 0x2BFF), (0x1D400, 0x1D7FF),
)  # fmt: skip
FEATURES = ["ssty", "dtls", "flac", "mark", "mkmk", "ccmp", "kern"]  # what MathML asks a font for


def made(source: Path) -> TTFont:
    """The font with what is kept."""
    font = TTFont(source)
    options = Options()
    options.layout_features = FEATURES
    options.hinting = False
    options.glyph_names = False
    options.name_IDs = ["*"]  # the copyright and the licence stay in the font
    options.recalc_timestamp = False
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
    subsetter.subset(font)
    font.flavor = "woff2"
    font.recalcTimestamp = False
    return font


def main() -> None:
    """Write the font and its licence into a folder."""
    package, folder = Path(sys.argv[1]), Path(sys.argv[2])
    made(package / SOURCE).save(folder / FONT)
    shutil.copyfile(package / "LICENSE", folder / LICENCE)
    sys.stdout.write(f"{folder / FONT}: {(folder / FONT).stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
