"""Documents for the report's tests: one with every sort of line, one that attacks the page; judged once."""

from functools import cache

from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort
from verify.report.html import render
from verify.report.model import DocumentReport, Report

BLOCK = r"""
```backproof
symbols: {x_t: m, s_t: n, '\mathrm{Net}_t': n, '\delta_t': n, U: n x m, W: n x n, f: elementwise, E: loss(last s)}
time: 1..t
gradient: row
given: ['1', 'd']
```
"""
GIVENS = r"""
$$\net = U x_t + W s_{t-1}, \quad s_t = f(\net) \tag{1}$$
$$\delta_t^\top = \frac{\partial E}{\partial \mathrm{Net}_t} \tag{d}$$
"""
NOTES = (
    r"""
# Notes with every sort of line

$\newcommand{\net}{\mathrm{Net}_t}$ A state $s_t$ and its *pre-activation* $\net$, see
[a page](https://example.org/x).
"""
    + BLOCK.replace("gradient: row", "layout: numerator\ngradient: row")
    + GIVENS
    + r"""
> Quoted: $$\delta_{t-1}^\top =
> \delta_t^\top W \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right] \tag{2.3}$$ and so on.

$$\frac{\partial \mathrm{Net}_t}{\partial \mathrm{Net}_{t-1}} =
W^\top \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right] \tag{J}$$

$$\frac{\partial E}{\partial W} =
\sum_{k=1}^{t} \frac{\partial E}{\partial \mathrm{Net}_k}^\top s_{k-1}^\top \tag{sum}$$

\begin{align}
W + W &= 2 W \\ % a comment
      &= W + W \tag{chain}
\end{align}

$$ W + W + W + W + W
+ W + W + W + W + W + W + W + W + W + W + W + W + W + W + W + W + W = 22 W \text{ 其中 } \tag{wide} $$

- in a list $$ W = W + U \tag{shape} $$

<!-- backproof: skip: an approximation -->
$$ s_t \approx W \tag{skipped} $$

$$ W = \foo{ \tag{unread} $$
"""
)
HOSTILE = (
    r"""# <script>window.hit = 1</script> <img src=x onerror="window.hit=2">

</style></script><script>window.hit = 3</script> [a](javascript:window.hit=4) [b](data:text/html,<script>1</script>)
![p](https://example.org/p.png) <iframe srcdoc="<script>parent.hit=5</script>"></iframe> &lt;script&gt; &#60;script&#62;
`<script>window.hit=6</script>` <a href="javascript:window.hit=7">x</a> <svg onload="window.hit=8"></svg>
<https://example.org/"onmouseover="window.hit=9>

    </code></pre><script>window.hit = 10</script>
"""
    + BLOCK
    + r"""
$$ W = W \tag{"><script>window.hit=11</script>} $$
$$ U = U \tag{' onclick='window.hit=12} $$
$$ \text{</mtext><script>window.hit=13</script>} = W \tag{text} $$
$$ \href{javascript:window.hit=14}{W} = W \tag{href} $$
$$ W = \style{color:red;background:url(https://example.org)}{W} \tag{style} $$
$$ W = \color{red} W \tag{colour} $$
$$ W = W \tag{&quot;&gt;&lt;b&gt;} $$
"""
    + "$$ W = \u202eW\u202c\u0007 \\tag{bidi\u202e} $$\n\n"
    + "$$ W = "
    + "{" * 3000
    + "W"
    + "}" * 3000
    + " \\tag{deep} $$\n\n$$ W = "
    + "W + " * 3000
    + "W \\tag{long} $$\n\n$$ W = "
    + "\\sqrt" * 800
    + "{W} \\tag{roots} $$\n\n"
    + "inline $\\text{<img src=x onerror=window.hit=15>}$ and $"
    + "\\hat " * 900
    + "x$ \ue0000\ue001\n"
)
TEX = r"""\documentclass{article}
\newcommand{\net}{\mathrm{Net}_t}
\title{On $W$}
\begin{document}
\section{A section with $\net$}
Some \emph{prose}, 50\% of it, and \unknown{<b>x</b>}. % a comment </p><script>window.hit=1</script>
% backproof
% symbols: {W: n x n, '\mathrm{Net}_t': n}
% time: 1..t
% end backproof
\begin{itemize}\item one \item two, see \eqref{eq:w}\end{itemize}
\begin{equation} W + W = 2 W \label{eq:w} \end{equation}
\verb|<script>window.hit=2</script>| \input{missing}
\end{document}
"""


def judged(*named):
    """A report of documents, given as path and text."""
    found = []
    for path, text in named:
        document = read(path, text)
        entries = tuple(Judge(document, Effort(examples=0, repair_seconds=1)).entries())
        found.append(DocumentReport(path, entries, document.errors, document))
    return Report(tuple(found), examples=0)


@cache
def notes():
    """The report of the notes, which is judged once."""
    return judged(("notes.md", NOTES))


@cache
def hostile():
    """The report of documents that attack the page."""
    return judged(('"><script>window.hit=0</script>.md', HOSTILE), ("paper.tex", TEX))


@cache
def page_of(which):
    """The page of one of these reports."""
    return render(which())
