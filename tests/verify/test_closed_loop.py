"""What `derive` prints, `verify` accepts: every line of every model's document is proved."""

import os

import pytest

from derive.models.systems import system, systems
from derive.printed import printed
from derive.quantities import Options
from verify.cells import system_of
from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort

FEW = Effort(examples=4)
EVERY = os.environ.get("BACKPROOF_CLOSED_LOOP") == "every"  # `.ci/closed_loop`: the variants of the gated cells too
LONGEST = ("lstm", "gru", "bidirectional", "layer norm")  # the pages of the site verify them in CI
CHOICES = [
    *(("rnn", {"loss": loss}, {}) for loss in ("last", "every", "outputs")),
    *(("rnn", {"loss": loss, "bias": True}, {"layout": "denominator"}) for loss in ("last", "every", "outputs")),
    *(("rnn", {"loss": loss}, {"vec": "row"}) for loss in ("last", "every", "outputs")),
    ("dense", {"layers": 4}, {"layout": "denominator"}),
    ("residual", {"loss": "every"}, {}),
    *((name, {}, {}) for name in systems() if name not in ("rnn", *LONGEST)),
]
VARIANTS = [
    *((name, {}, {}) for name in LONGEST),
    *(("lstm", {"loss": loss, "peepholes": True}, {}) for loss in ("last", "every", "outputs")),
    *(("lstm", {"loss": loss, "coupled": True}, {"vec": "row"}) for loss in ("last", "every", "outputs")),
    ("lstm", {"loss": "every"}, {"mode": "forward"}),
    *(
        ("gru", {"update": update, "reset": reset, "loss": loss, "bias": loss != "outputs"}, {})
        for update in ("z", "1-z")
        for reset in ("after", "before")
        for loss in ("last", "every", "outputs")
    ),
    ("stacked", {"cell": "rnn", "layers": 3, "loss": "every"}, {}),
    ("stacked", {"cell": "gru", "layers": 2, "loss": "every"}, {}),  # of three, three lines of the lowest are tested
    ("stacked", {"cell": "lstm", "layers": 2, "loss": "every"}, {"layout": "denominator"}),
    *(("embedding", {"loss": loss}, {}) for loss in ("every", "outputs")),
    *(("layer norm", {"loss": loss}, {}) for loss in ("every", "outputs")),
]
CHOICES += VARIANTS if EVERY else []
IDS = ["-".join([name, *map(str, choices.values()), *options.values()]) for name, choices, options in CHOICES]

# True for every step, and not proved for all of them: by what nothing is lost but the word.
TESTED = {
    "rnn": {"2.3", "2.2d"},  # at the step before the last, of a loss that is a sum; a transposed product
    "bidirectional": {"grad.x"},  # which moves the states of both directions at once
}


def verdicts(text):
    document = read("derived.md", text)
    assert not document.errors, document.errors
    return {e.id: e.verdict.verdict for e in Judge(document, FEW).entries() if e.role == "claim"}


def check_proved(name, text):
    found = verdicts(text)
    assert found
    assert set(found.values()) <= {"proved", "tested"}, found
    assert {id for id, verdict in found.items() if verdict == "tested"} <= TESTED.get(name, set())


@pytest.mark.parametrize(("name", "choices", "options"), CHOICES, ids=IDS)
def test_what_derive_prints_verify_proves(name, choices, options):
    check_proved(name, printed(system(name, **choices), form="md", options=Options(**options)))


@pytest.mark.parametrize("name", ["rnn", "stacked", "dense", "bidirectional", *(["lstm", "gru"] if EVERY else [])])
def test_over_a_batch_too(name):
    check_proved(name, printed(system(name), form="md", batch=True))


CELL = r"""# A minimal gated unit

```backproof
symbols: {x_t: m, h_t: n, f_t: n, a_t: n, z_t: n, '\tilde{h}_t': n, W_f: n x m, U_f: n x n, b_f: n, W_h: n x m,
  U_h: n x n, b_h: n, '\sigma': sigmoid, L: loss(each h)}
time: 1..T
given: ['1', '2', '3', '4', '5']
```

$$a_t = W_f x_t + U_f h_{t-1} + b_f \tag{1}$$
$$f_t = \sigma(a_t) \tag{2}$$
$$z_t = W_h x_t + U_h (f_t \odot h_{t-1}) + b_h \tag{3}$$
$$\tilde{h}_t = \tanh(z_t) \tag{4}$$
$$h_t = (1 - f_t) \odot h_{t-1} + f_t \odot \tilde{h}_t \tag{5}$$
"""


def test_a_users_own_cell_is_treated_like_ours(tmp_path):
    """The minimal gated unit of Zhou et al. (2016), which no file of `derive` knows."""
    path = tmp_path / "my_cell.md"
    path.write_text(CELL, encoding="utf-8")
    chosen = system_of(str(path), {})
    assert chosen.title == "A minimal gated unit"
    text = printed(chosen, form="md")
    assert "\\delta^{a}_t = \\frac{\\partial L}{\\partial a_t}" in text
    found = verdicts(text)
    assert len(found) == 24
    assert set(found.values()) == {"proved"}
