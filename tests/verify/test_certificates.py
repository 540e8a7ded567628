"""`--certificates` writes proofs, `replay` checks them, and refuses what is tampered with, malformed or foreign."""

import json

import pytest
from click.testing import CliRunner

from verify.cli import main

NOTES = r"""```backproof
symbols: {x_t: m, s_t: n, '\mathrm{Net}_t': n, '\delta_t': n, U: n x m, W: n x n, f: elementwise, E: loss(last s)}
time: 1..t
gradient: row
given: ['1', 'd']
```
$$\mathrm{Net}_t = U x_t + W s_{t-1}, \quad s_t = f(\mathrm{Net}_t) \tag{1}$$
$$\delta_t^\top = \frac{\partial E}{\partial \mathrm{Net}_t} \tag{d}$$
$$\frac{\partial E}{\partial W} = \sum_{k=1}^{t} \delta_k s_{k-1}^\top \tag{2.8}$$
$$\frac{\partial E}{\partial W} = \delta_t^\top \frac{\partial \mathrm{Net}_t}{\partial W} \tag{2.6}$$
"""


def call(*arguments):
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text(NOTES.replace("given", "matrix: family\npartial: total\ngiven", 1), "utf-8")
    result = call("verify", "--examples", "2", "--certificates", "proofs", "notes.md")
    assert result.exit_code == 0, result.output
    assert [path.name for path in (tmp_path / "proofs").iterdir()] == ["notes-2.8.json"]  # 2.6 needs no induction
    return tmp_path / "proofs" / "notes-2.8.json"


def test_a_certificate_is_replayed(certificate):
    result = call("replay", str(certificate))
    assert result.exit_code == 0
    assert "proves ∂E/∂W = Σ_{k=1..t} δ[k] s[k-1]ᵀ for all sizes and all steps" in result.output


def test_a_tampered_certificate_is_rejected(certificate):
    text = certificate.read_text(encoding="utf-8")
    for before, after in (('"s"', '"x"'), ('"rule":"termwise"', '"rule":"down"'), ('"W"', '"U"')):
        compact = json.dumps(json.loads(text), separators=(",", ":"))
        assert before in compact
        certificate.write_text(compact.replace(before, after), encoding="utf-8")
        result = call("replay", str(certificate))
        assert result.exit_code in (1, 2), (before, result.output)
        assert "proves" not in result.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "no JSON"),
        ("[1, 2]", ""),
        ('{"a": 1}', "it has no format"),
        ('{"format": 99, "claim": "", "models": [], "proof": {}}', "its format is 99"),
    ],
)
def test_what_is_no_certificate_exits_2_and_says_why(tmp_path, text, message):
    path = tmp_path / "c.json"
    path.write_text(text, encoding="utf-8")
    result = call("replay", str(path))
    assert result.exit_code == 2
    assert message in result.output
    assert call("replay", str(tmp_path / "missing.json")).exit_code == 2


def test_the_report_names_the_certificate(certificate):
    result = call("verify", "--examples", "2", "--json", "-", "notes.md")
    claims = {claim["id"]: claim for claim in json.loads(result.stdout)["documents"][0]["claims"]}
    assert claims["2.8"]["certificate"] == json.loads(certificate.read_text(encoding="utf-8"))["claim"]
    assert claims["2.6"]["certificate"] is None
    assert "induction" in [witness["name"] for witness in claims["2.8"]["witnesses"]]


CONVOLVED = r"""```backproof
symbols: {x_t: n, w: k, z_t: n - k + 1, '\delta_t': n - k + 1, f: elementwise, s_t: n - k + 1, E: loss(each s)}
operators: {"*": correlate}
time: 1..t
indices: {j: t}
gradient: shape
given: ['1', 'd']
```
$$z_t = x_t * w, \quad s_t = f(z_t) \tag{1}$$
$$\delta_t = \frac{\partial E}{\partial z_t} \tag{d}$$
$$\frac{\partial E}{\partial w} = \sum_{j=1}^{t} x_j * \delta_j \tag{w}$$
"""


def test_a_certificate_with_a_convolution_is_replayed(tmp_path, monkeypatch):
    """The gradient by a kernel that all steps share, by induction."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text(CONVOLVED, "utf-8")
    result = call("verify", "--examples", "2", "--certificates", "proofs", "notes.md")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "proofs" / "notes-w.json").read_text("utf-8")
    assert '"Convolution"' in text
    result = call("replay", str(tmp_path / "proofs" / "notes-w.json"))
    assert result.exit_code == 0, result.output
    assert "proves ∂E/∂w" in result.output
    (tmp_path / "proofs" / "notes-w.json").write_text(text.replace('"correlate"', '"convolve"', 1), "utf-8")
    assert call("replay", str(tmp_path / "proofs" / "notes-w.json")).exit_code in (1, 2)
