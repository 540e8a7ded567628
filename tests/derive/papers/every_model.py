"""Compile the papers of every model, in each mode and language, with TeX and Typst; report what stands out of the text.

A script, run by `.ci/papers`: the tests compile two small papers.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[3]))

from derive.errors import BackproofError
from derive.models.systems import Options, system, systems
from derive.papers.latex import latex_document
from derive.papers.paper import paper
from derive.papers.words import title_in
from tests.derive.papers import tex

ALLOWED = 1.0  # points that a line may stand out of the text
MODES = ("reverse", "forward", "second")


def papers(names):
    """Every paper there is: model, mode, language and the paper."""
    for name in names or systems():
        chosen = system(name)
        for mode in MODES:
            try:
                found = dict.fromkeys(chosen.quantities(None, Options(mode=mode)))
            except BackproofError:  # a model without states has no forward mode
                continue
            for language in ("en", "zh") if found else ():
                yield name, mode, language, paper(title_in(language, chosen.title), found, language=language)


def main():
    """Compile all; 1 where one does not compile or a line stands out."""
    failed = []
    for name, mode, language, one in papers(sys.argv[1:]):
        start, said = time.perf_counter(), []
        if tex.engine(language):
            with TemporaryDirectory() as folder:
                try:
                    wide = tex.overfull(tex.run(latex_document(one), Path(folder), language))
                except AssertionError as error:
                    failed.append(f"{name} {mode} {language}: {error}")
                    wide = []
                    said.append("TeX FAILED")
            said.append(f"widest overfull {wide[0] if wide else 0} pt")
            if wide and wide[0] > ALLOWED:
                failed.append(f"{name} {mode} {language}: {wide[:5]}")
        else:
            said.append(f"no {tex.ENGINES[language]}: skipped")
        said.append(_typst(one))
        sys.stdout.write(f"{name}, {mode}, {language}: {'; '.join(said)}; {time.perf_counter() - start:.1f} s\n")
        sys.stdout.flush()
    for line in failed:
        sys.stdout.write(f"FAILED {line}\n")
    return 1 if failed else 0


def _typst(one):
    try:
        from verify.pdf import pdf

        return f"Typst {len(pdf(one)) // 1024} KB"
    except BackproofError as error:
        return f"Typst skipped: {error}"


if __name__ == "__main__":
    sys.exit(main())
