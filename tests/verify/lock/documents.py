"""A small document, and what changed between two of its forms by way of a lock file's text."""

from verify.cache import Cache
from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort
from verify.lock.compare import differences
from verify.lock.entries import documents_of
from verify.lock.file import from_text, to_text
from verify.report.model import DocumentReport, Report

BLOCK = r"""
```backproof
symbols: {x_t: m, s_t: n, '\mathrm{Net}_t': n, '\delta_t': n, b: n, U: n x m, W: n x n, f: elementwise, E: loss(last s)}
time: 1..t
indices: {k: t}
layout: numerator
gradient: row
products: descending
given: ['1', 'd']
```
"""
MODEL = r"$$\mathrm{Net}_t = U x_t + W s_{t-1}, \quad s_t = f(\mathrm{Net}_t) \tag{1}$$" + "\n"
DELTA = r"$$\delta_t^\top = \frac{\partial E}{\partial \mathrm{Net}_t} \tag{d}$$" + "\n"
SLOPE = r"\operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right]"
STEP = rf"$$\delta_{{t-1}}^\top = \delta_t^\top W {SLOPE} \tag{{2.3}}$$" + "\n"
JACOBIAN = rf"$$\frac{{\partial \mathrm{{Net}}_t}}{{\partial \mathrm{{Net}}_{{t-1}}}} = W {SLOPE}$$" + "\n"
NOTES = BLOCK + MODEL + DELTA + STEP + JACOBIAN
FEW = Effort(examples=0, repair_seconds=0)
CACHE = Cache()  # in memory: most claims of these tests are the same


def lock_of(text, effort=FEW, path="notes.md"):
    """The documents of a lock, as judged now."""
    document = read(path, text)
    entries = tuple(Judge(document, effort, CACHE).entries())
    report = Report((DocumentReport(path, entries, document.errors, document),))
    return documents_of(report, effort, "backproof.lock", frozenset())


def text_of(text, **choices):
    """A lock file's text."""
    return to_text(lock_of(text, **choices), {})


def differences_of(before, after, effort=FEW, wanted=lambda _: True):
    """What changed, with places and kinds."""
    old = from_text(text_of(before), "backproof.lock")
    return differences(old, lock_of(after, effort), {"notes.md": wanted})


def changes(before, after, **choices):
    """What changed, in words."""
    return [str(one) for one in differences_of(before, after, **choices)]
