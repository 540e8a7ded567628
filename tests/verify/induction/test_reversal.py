"""Recurrences from the last step to the first: proved by reading the run from its end."""

import pytest

from verify.document.statements import read
from verify.induction import prove, replay
from verify.judge import Judge
from verify.limits import Effort

TEXT = r"""
```backproof
symbols: {x_t: m, h_t: n, z_t: n, '\delta_t': n, e_t: n, U: n x m, W: n x n, f: elementwise, E: loss(each h)}
indices: {t: 1..T, k: t, i: t}
layout: numerator
gradient: shape
products: descending
given: [a, d]
```

$$z_t = U x_t + W h_{t+1}, \quad h_t = f(z_t) \tag{a}$$

$$\delta_t = \frac{\partial E}{\partial z_t}, \quad e_t = \frac{\partial^{+} E}{\partial h_t} \tag{d}$$

"""
CLOSED = r"""$$\delta_t = \operatorname{diag}(f'(z_t))
\sum_{k=1}^{t} \left(\prod_{i=k}^{t-1} W^\top \operatorname{diag}(f'(z_i))\right) e_k$$"""
LINES = {
    CLOSED: "proved",
    "<!-- backproof: products: ascending -->\n" + CLOSED: "refuted",
    r"$$\delta_t = \left(e_t + W^\top \delta_{t-1}\right) \odot f'(z_t)$$": "proved",
    r"$$\delta_t = \left(e_t + W^\top \delta_{t+1}\right) \odot f'(z_t)$$": "refuted",
    r"$$\delta_1 = e_1 \odot f'(z_1)$$": "proved",
    r"$$\delta_T = e_T \odot f'(z_T)$$": "refuted",
    r"$$\frac{\partial E}{\partial W} = \sum_{t=1}^{T} \delta_t h_{t+1}^\top$$": "proved",
    r"$$\frac{\partial E}{\partial W} = \sum_{t=1}^{T} \delta_t h_t^\top$$": "refuted",
    r"$$\frac{\partial E}{\partial h_{T+1}} = W^\top \delta_T$$": "proved",
    r"$$\frac{\partial z_t}{\partial z_{t+1}} = W \operatorname{diag}(f'(z_{t+1}))$$": "proved",
}


@pytest.mark.parametrize("line", LINES)
def test_a_recurrence_from_the_end(line):
    document = read("r.md", TEXT + line)
    judge = Judge(document, Effort(examples=4, repair_seconds=0))
    (entry,) = (one for one in judge.entries() if one.role == "claim")
    assert entry.verdict.verdict == LINES[line], entry.verdict.message
    (statement,) = document.claims
    claim = judge.interpreter.readings(statement, statement.links[0])[0].claim
    proof = prove(claim)
    assert (proof is not None) == (LINES[line] == "proved")
    assert proof is None or replay(proof.certificate).ok
