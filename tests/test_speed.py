"""The benchmark of speed: its yardsticks are right, its clock and its tables say what happened, and it runs."""

import json
import platform
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.handmade import lstm, lstm_many, lstm_one, rnn
from benchmarks.side_by_side import (
    cells,
    checkers,
    checking,
    comparisons,
    generated,
    jobs,
    limit,
    machine,
    measuring,
    memory,
    peers,
    planted,
    tables,
    two_threads,
)
from benchmarks.side_by_side.problems import MODELS, TINY, Point, check_agrees, cotangents, inputs, reference
from derive.models.systems import system
from derive.printed import printed

ROOT = Path(__file__).resolve().parent.parent
HANDMADE = {"rnn": rnn, "lstm": lstm}
POINTS = st.builds(Point, st.integers(1, 4), st.integers(1, 6), st.integers(1, 3), st.sampled_from([1, 2, 3, 40]))


def problem(model, point, dtype="float64", seed=0):
    system = MODELS[model]
    return inputs(system, point, dtype, seed), cotangents(system, point, dtype, seed + 1)


@pytest.mark.parametrize("model", HANDMADE)
@given(point=POINTS, seed=st.integers(0, 99))
def test_the_hand_made_gradients_are_the_references(model, point, seed):
    values, direct = problem(model, point, seed=seed)
    expected = reference(MODELS[model], values, direct)
    found = HANDMADE[model].gradients(values, direct)
    assert found.keys() == expected.keys()
    check_agrees(model, found, expected, "float64")


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("steps_in_a_window", [1, 2, 3])
def test_windows_of_steps_change_no_gradient_of_the_hand_made_lstm(monkeypatch, batch, steps_in_a_window):
    point = Point(batch, 7, 2, 4)  # 7: the last window is a short one
    monkeypatch.setattr(lstm_many, "ROWS", steps_in_a_window * batch)
    monkeypatch.setattr(lstm_one, "WINDOW", steps_in_a_window * 5 * point.n * 8)
    values, direct = problem("lstm", point)
    check_agrees("lstm", lstm.gradients(values, direct), reference(MODELS["lstm"], values, direct), "float64")


@pytest.mark.parametrize("batch", [1, 3])
def test_the_hand_made_lstm_takes_a_cotangent_of_c(batch):
    values, direct = problem("lstm", Point(batch, 5, 2, 3))
    direct["c"] = np.random.default_rng(7).standard_normal(direct["h"].shape)
    check_agrees("lstm", lstm.gradients(values, direct), reference(MODELS["lstm"], values, direct), "float64")


@pytest.mark.parametrize("model", HANDMADE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("point", TINY)
def test_the_hand_made_keep_the_dtype_their_inputs_and_their_outputs(model, dtype, point):
    values, direct = problem(model, point, dtype)
    copies = {key: array.copy() for key, array in (values | direct).items()}
    outputs, saved = HANDMADE[model].forward(values)
    kept = {key: array.copy() for key, array in outputs.items()}
    first, second = (HANDMADE[model].backward(saved, direct) for _ in range(2))
    assert {array.dtype for array in (*outputs.values(), *first.values())} == {np.dtype(dtype)}
    for here, before in ((values | direct, copies), (outputs, kept), (second, first)):
        for key, array in before.items():
            np.testing.assert_array_equal(here[key], array)


def test_a_wrong_yardstick_is_noticed():
    values, direct = problem("rnn", TINY[1])
    expected = reference(MODELS["rnn"], values, direct)
    found = rnn.gradients(values, direct)
    found["W"] = found["W"].copy()
    found["W"][0, 0] += 1e-6
    with pytest.raises(AssertionError, match="rnn: the gradient of W is off by"):
        check_agrees("rnn", found, expected, "float64")


@pytest.mark.parametrize("model", MODELS)
def test_one_step_of_each_cell_is_the_references(model):
    values, _ = problem(model, TINY[1])
    system = MODELS[model]
    parts = cells.joined(system, values, np.concatenate)
    states = tuple(values[key] for key in system.starts)
    found = []
    for x in values["x"]:
        out, states = cells.STEPS[model](values, parts, x, states, np.tanh, lambda z: 1 / (1 + np.exp(-z)))
        found.append(out)
    module = import_module(f"verify.reference.{model}")
    np.testing.assert_allclose(found, module.forward(values)[system.output], rtol=1e-12)


@pytest.mark.parametrize("name", peers.PEERS)
@pytest.mark.parametrize("model", MODELS)
def test_each_peer_gives_the_references_gradients(name, model):
    package, build = peers.PEERS[name]
    pytest.importorskip(package)
    values, direct = problem(model, TINY[1])
    subject = build(MODELS[model], values, direct)
    check_agrees(name, subject.read(subject.run()), reference(MODELS[model], values, direct), "float64")


@pytest.mark.parametrize("model", MODELS)
def test_the_limit_is_the_products_of_both_passes(monkeypatch, model):
    """T B K n (3 m + 3 n) multiplications for K gates: U x, W h, Wᵀ δ, x̄, Ū, W̄."""
    count = []

    def counted(left, right, out):
        count.append(out.size * left.shape[-1])
        return np.dot(left, right, out)

    monkeypatch.setattr(limit, "dot", counted)
    B, T, m, n = point = Point(3, 5, 2, 4)
    limit.products(MODELS[model], *problem(model, point))()
    assert sum(count) == T * B * len(MODELS[model].gates) * n * 3 * (m + n)


@pytest.mark.parametrize("model", HANDMADE)
@pytest.mark.parametrize("threads", [2, 3])
def test_the_batch_in_parts_gives_the_same_gradients(model, threads):
    values, direct = problem(model, Point(5, 4, 2, 3))
    whole = two_threads.split(MODELS[model], HANDMADE[model].gradients, threads)
    check_agrees(model, whole(values, direct), reference(MODELS[model], values, direct), "float64")


def test_ratios_are_taken_within_a_round():
    """The machine gets ten times slower from round to round: the ratio stays 3."""
    clock, calls = [0.0], {"a": 0, "b": 0}

    def run(name, cost):
        calls[name] += 1
        clock[0] += cost * 10 ** calls[name]

    subjects = {"a": lambda: run("a", 0.01), "b": lambda: run("b", 0.03)}
    found = measuring.interleaved(subjects, "a", seconds=0.0, clock=lambda: clock[0])
    assert found["b"].ratio.median == pytest.approx(3)
    assert found["b"].ratio.high == pytest.approx(3)
    assert found["b"].rounds == 5
    assert found["b"].seconds.high > 10 * found["b"].seconds.low


def test_processor_time_does_not_count_sleep():
    slept = {name: measuring.timed(lambda: time.sleep(0.05), clock) for name, clock in measuring.CLOCKS.items()}
    assert slept["wall"] >= 0.05
    assert slept["cpu"] < 0.02


def test_a_slow_subject_skips_rounds():
    calls = {"fast": 0, "slow": 0}

    def busy(name, seconds):
        calls[name] += 1
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    subjects = {"fast": lambda: busy("fast", 0.003), "slow": lambda: busy("slow", 0.03)}
    found = measuring.interleaved(subjects, "fast", seconds=0.0, at_least=6)
    assert (found["fast"].rounds, found["slow"].rounds) == (6, 2)
    assert calls["slow"] == 2 + 2  # and two to warm up


def test_peak_memory_counts_what_is_alive_at_once():
    size = 1 << 20

    def gradients(inputs, direct):
        for _ in range(3):
            np.ones(size, np.uint8)
        return np.ones(size, np.uint8), np.ones(size, np.uint8)

    assert 2 * size <= memory.peak(gradients, {}, {}) < 2.1 * size


def test_needed_memory_of_an_elman_network():
    """s and δ, n numbers a step and sample each, x̄ m; U, W, b, s_0."""
    B, T, m, n = point = Point(2, 3, 5, 7)
    expected = T * B * (2 * n + m) + n * m + n * n + n + B * n
    assert memory.needed(MODELS["rnn"], point, "float64") == 8 * expected


def test_the_planted_function_is_right_without_an_error():
    values, direct = problem("rnn", Point(2, 8, 3, 4))
    check_agrees("planted", planted.function()(values, direct), reference(MODELS["rnn"], values, direct), "float64")


@pytest.mark.parametrize("error", planted.ERRORS)
def test_each_planted_error_is_an_error(error):
    values, direct = problem("rnn", Point(1, 8, 3, 4))
    right, wrong = planted.function()(values, direct), planted.function(error)(values, direct)
    off = max(np.abs(wrong[key] - right[key]).max() / np.abs(right[key]).max() for key in right)
    assert off > (1e-2 if error in planted.STRUCTURAL else 1e-11)


def test_an_unknown_error_is_refused():
    with pytest.raises(ValueError, match="error is one of W for Wᵀ"):
        planted.function("W for W")


@pytest.mark.parametrize(
    ("package", "name"), [("torch", "gradcheck slow"), ("torch", "gradcheck fast"), ("jax", "JAX check_grads")]
)
def test_a_checker_accepts_what_is_right_and_refuses_what_is_wrong(package, name):
    pytest.importorskip(package)
    (_, check), point = checkers.CHECKERS[name], Point(1, 4, 2, 3)
    assert check("", point, 0)
    assert not check("W for Wᵀ", point, 0)


def test_hips_is_asked_about_every_argument():
    pytest.importorskip("autograd")
    point = Point(1, 4, 2, 3)
    assert checkers.hips_check_grads("", point, 0)
    assert not checkers.hips_check_grads("b̄ missing", point, 0)  # b is the last argument


def test_the_audit_finds_each_planted_error():
    found = checking.power("audit, one instance", 2, 3, 60.0, Point(1, 8, 2, 3))["rates"]
    assert found.pop("") == [0, 3]
    assert found == {error: [2, 2] for error in planted.ERRORS}


def test_rates_are_told_of_the_seeds_that_were_tried(monkeypatch):
    half = {"half": ("verify", lambda error, point, seed: not error or seed % 2 == 0)}
    monkeypatch.setattr(checking, "CHECKERS", half)
    found = checking.power("half", 4, 5, 60.0, TINY[0])["rates"]
    assert found.pop("") == [0, 5]
    assert set(map(tuple, found.values())) == {(2, 4)}
    assert checking.power("half", 4, 5, 0.0, TINY[0])["rates"][""] == [0, 1]


def test_a_checker_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(
        checking, "CHECKERS", {"nobody's": ("no_such_package", None), "right": ("verify", lambda *_: True)}
    )
    found = checking.power("nobody's", 1, 1, 1.0, TINY[0])
    assert found == {"rates": {}, "skipped": {"nobody's": "no_such_package is not installed"}}
    found = checking.cost(TINY[0], 0.0)
    assert list(found["timings"]) == ["right"]
    assert list(found["skipped"]) == ["nobody's"]


@pytest.mark.parametrize("compare", [comparisons.gradients, comparisons.threads])
def test_a_peer_that_is_missing_is_named(compare, monkeypatch):
    """Even the baseline: the ratios are to another one then."""
    monkeypatch.setattr(peers, "PEERS", {name: ("no_such_package", build) for name, (_, build) in peers.PEERS.items()})
    found = compare("rnn", TINY[1], "float64", 0.0)
    assert found["baseline"] == "generated"
    assert found["timings"].keys() >= {"generated", "hand-made NumPy"}
    assert found["skipped"]["torch.nn"] == "no_such_package is not installed: the ratios are to generated"
    assert found["skipped"].keys() == (set(peers.PEERS) if compare is comparisons.gradients else {"torch.nn"})


def test_a_folder_of_modules_comes_first_and_code_that_cannot_be_generated_stops_the_run(tmp_path):
    with pytest.raises(RuntimeError, match="no code is generated for nothing-like-it"):
        generated.load("nothing-like-it")
    (tmp_path / "rnn.py").write_text("def gradients(inputs, cotangents):\n    return 'mine'\n", encoding="utf-8")
    assert generated.load("rnn", tmp_path).gradients({}, {}) == "mine"


def test_wrong_generated_code_is_not_timed(tmp_path):
    (tmp_path / "rnn.py").write_text(
        "from benchmarks.handmade import rnn\n"
        "def gradients(inputs, cotangents):\n"
        "    found = rnn.gradients(inputs, cotangents)\n"
        "    return found | {'U': -found['U']}\n",
        encoding="utf-8",
    )
    with pytest.raises(AssertionError, match="generated: the gradient of U"):
        comparisons.gradients("rnn", TINY[1], "float64", 0.0, tmp_path)


def test_a_check_times_nothing_and_timing_checks_nothing(tmp_path):
    (tmp_path / "rnn.py").write_text("def gradients(inputs, cotangents):\n    return {}\n", encoding="utf-8")
    with pytest.raises(KeyError):
        comparisons.gradients("rnn", TINY[1], "float64", 0.0, tmp_path, part="check")
    assert "generated" in comparisons.gradients("rnn", TINY[1], "float64", 0.0, tmp_path, part="time")["timings"]
    (tmp_path / "rnn.py").write_text("from benchmarks.handmade.rnn import gradients\n", encoding="utf-8")
    assert not comparisons.gradients("rnn", TINY[1], "float64", 0.0, tmp_path, part="check")["timings"]


def test_the_tables_tell_ratios_rates_and_what_is_missing():
    job = {"kind": "gradients", "model": "rnn", "point": [1, 20, 8, 16], "dtype": "float32"}
    spread = {"median": 0.001, "low": 0.0009, "high": 0.0012}

    def timing(ratio):
        return {"seconds": spread, "ratio": {"median": ratio, "low": ratio, "high": 2 * ratio}, "rounds": 5}

    timings = {
        "torch.nn": timing(1.0),
        "generated": timing(0.06),
        "hand-made NumPy": timing(0.05),
        "products alone": timing(0.03),
    }
    power = {"kind": "power", "checker": "audit", "point": [1, 20, 8, 8], "seeds": 4}
    rates = {error: [3, 4] for error in ("", *planted.ERRORS)}
    page = tables.page(
        [
            (job, {"timings": timings, "skipped": {"JAX scan": "not installed"}}),
            (power, {"rates": rates, "skipped": {}}),
        ],
        "a machine",
    )
    assert "Measured on a machine." in page
    row = "| RNN (1, 20, 8, 16) float32 | 1 (0.9–1.2) | 0.06 (0.06–0.12) | 0.05 (0.05–0.1) | 0.03 (0.03–0.06) |"
    assert f"{row} – | – | – | 1.20 | 2.00 |" in page
    assert "| W for Wᵀ | 75 % of 4 |" in page
    assert "- JAX scan: not installed" in page


def test_the_machine_is_told_without_its_name():
    line = machine.line()
    assert np.__version__ in line
    assert platform.python_version() in line
    assert len(platform.node()) < 4 or platform.node() not in line
    assert "load average" in machine.load()


def test_the_large_points_get_more_time():
    found = jobs.jobs(["gradients"], ["rnn"], 1.0, quick=False)
    assert [job["seconds"] for job in found] == [1.0] * 6 + [jobs.LARGE] * 2


def test_the_command_runs(tmp_path):
    command = [sys.executable, str(ROOT / "benchmarks" / "speed.py"), "--quick", "--models", "rnn"]
    command += ["--only", "gradients", "memory", "--out", str(tmp_path), "--modules", str(tmp_path)]
    (tmp_path / "rnn.py").write_text(
        printed(system("rnn", bias=True), form="numpy"), encoding="utf-8"
    )  # once, not in each process
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    entries = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert [job["kind"] for job, _ in entries] == ["gradients"] * 4 + ["memory"]
    for _, result in entries[:4]:
        for name in ("generated", "hand-made NumPy", "products alone"):
            assert result["timings"][name]["seconds"]["median"] > 0
    assert "| RNN (1, 4, 2, 3) float32 |" in (tmp_path / "speed.md").read_text(encoding="utf-8")
