"""The forecasting example: it runs, its gradient is verified as often as it says, and a wrong one ends the run."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FILE = Path(__file__).resolve().parents[2] / "examples" / "forecast.py"


@pytest.fixture
def forecast(monkeypatch):
    """The example with a series of its own: no package is needed."""
    spec = importlib.util.spec_from_file_location("example_forecast", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    years = np.arange(200)
    monkeypatch.setattr(module, "sunspots", lambda: 50 + 40 * np.sin(2 * np.pi * years / 11) + years % 3)
    return module


def test_it_runs_on_the_sunspots():
    """A few steps as a user runs them, on the series that statsmodels ships."""
    pytest.importorskip("statsmodels", reason="statsmodels, which ships the series, is not installed")
    done = subprocess.run(
        [sys.executable, FILE, "--steps", "3", "--units", "2"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "last year's value 32.9" in done.stdout


def test_the_gradient_is_verified_at_every_hundredth_step(forecast, capsys):
    """Steps 1, 100, 200, each to rounding, and the network beats last year's value on a series with a rhythm."""
    forecast.main(["--steps", "200", "--units", "3", "--rate", "0.03"])
    out = capsys.readouterr().out
    checked = re.findall(r"step +(\d+) .* off by (\S+) ", out)
    assert [int(step) for step, _ in checked] == [1, 100, 200]
    assert all(float(error) < 1e-12 for _, error in checked)
    own, naive = (float(x) for x in re.search(r"LSTM (\S+), last year's value (\S+)", out).groups())
    assert own < naive / 2


def test_a_wrong_gradient_ends_the_run(forecast, monkeypatch, capsys):
    """One entry of one gate's gradient, off by a millionth."""
    right = forecast.lstm.backward

    def wrong(*arguments):
        found = right(*arguments)
        found["W_f"][0, 1] *= 1 + 1e-6
        return found

    monkeypatch.setattr(forecast.lstm, "backward", wrong)
    with pytest.raises(SystemExit, match="the gradient of step 1 is wrong"):
        forecast.main(["--steps", "2", "--units", "2"])
    assert "off by" in capsys.readouterr().out


def test_without_the_series_it_says_what_to_install(monkeypatch):
    spec = importlib.util.spec_from_file_location("example_forecast_alone", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "statsmodels.datasets", None)
    with pytest.raises(SystemExit, match="pip install statsmodels"):
        module.main(["--steps", "1"])
