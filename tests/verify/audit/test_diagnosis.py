"""Every wrong function of the collection is located and explained by its slip; right ones differ nowhere."""

import re
import subprocess
import sys
import time
import unicodedata
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.audit_functions.collection import CASES, OF_SHAPE, RIGHT, UNEXPLAINED, function
from verify.audit.comparison import compared
from verify.audit.diagnosis import diagnose
from verify.audit.models import model
from verify.audit.subject import subject_of


def subject(backward, truth, name="backward"):
    """A function under audit."""
    return subject_of(backward, tuple(truth.shapes), tuple(truth.outputs), name=name)


def diagnosed(backward, name, dtype=np.float64, number=0, seed=0):
    """The diagnosis of a function that differs on one of the audit's instances."""
    truth = model(name)
    instance = truth.instance(truth.sizes(number), seed, dtype)
    one = subject(backward, truth)
    answer = one.answer(instance)
    assert answer.faults == ()
    differences = compared(truth, instance, answer.gradients).differences
    assert differences
    return diagnose(one, truth, instance, differences)


def needs_torch(module):
    if module == "torch_functions":
        pytest.importorskip("torch")


def check_located_and_explained(case):
    found = diagnosed(case.backward, case.model)
    assert found.explanation is not None, found.text()
    assert composed(case.words) in composed(found.explanation)
    assert composed(case.wrong) in composed("\n".join(found.formula_wrong))
    assert case.where in "\n".join(found.located)


def composed(text):
    """ō is one letter here, an o and a bar there."""
    return unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_slip_is_located_and_explained(case):
    needs_torch(case.module)
    check_located_and_explained(case)


@pytest.mark.parametrize(("module", "name", "of"), RIGHT, ids=lambda text: text)
def test_what_is_right_differs_nowhere(module, name, of):
    needs_torch(module)
    truth = model(of)
    for number in range(3):
        instance = truth.instance(truth.sizes(number), number)
        answer = subject(function(module, name), truth).answer(instance)
        assert answer.faults == ()
        assert compared(truth, instance, answer.gradients).is_equal


@pytest.mark.parametrize("case", UNEXPLAINED, ids=lambda case: case.id)
def test_what_no_slip_gives_is_located_alone(case):
    found = diagnosed(case.backward, case.model)
    assert found.explanation is None
    assert "no single slip that is known gives these numbers" in found.text()
    assert case.where in found.located


@pytest.mark.parametrize("case", OF_SHAPE, ids=lambda case: case.id)
def test_another_shape_is_a_fault(case):
    truth = model(case.model)
    answer = subject(case.backward, truth).answer(truth.instance(truth.sizes(0), 0))
    assert [fault.kind for fault in answer.faults] == ["wrong shape"]


def changed(change, of="rnn"):
    """The right gradients, changed."""
    truth = model(of)

    def backward(inputs, cotangents):
        return change(truth.run(inputs, cotangents))

    return backward


def test_random_noise_is_never_explained():
    """Noise of any size, in any one gradient or in all, gets no explanation."""
    for number, size in enumerate((1.0, 1e-3, 1e-9)):
        for key in (*("x", "U", "b")[number:], "W"):
            made = np.random.default_rng(number)

            def noisy(gradients, key=key, made=made, size=size):
                return {**gradients, key: gradients[key] + size * made.standard_normal(gradients[key].shape)}

            assert diagnosed(changed(noisy), "rnn").explanation is None


def test_two_slips_that_touch_one_gradient_are_not_taken_for_one():
    """1 - s for 1 - s² and Wᵀ for W at once."""

    def backward(inputs, cotangents):
        x, U, W = inputs["x"], inputs["U"], inputs["W"]
        s = [inputs["s0"]]
        for x_t in x:
            s.append(np.tanh(x_t @ U.T + s[-1] @ W.T + inputs["b"]))
        found = {key: np.zeros_like(array) for key, array in inputs.items()}
        later = np.zeros_like(s[0])
        for t in reversed(range(len(x))):
            d = (cotangents["s"][t] + later) * (1 - s[t + 1])
            found["U"] += d.T @ x[t]
            found["W"] += d.T @ s[t]
            found["b"] += d.sum(axis=0)
            found["x"][t] = d @ U
            later = d @ W.T
        return {**found, "s0": later}

    assert diagnosed(backward, "rnn").explanation is None


def test_slips_that_touch_different_gradients_are_told_one_by_one():
    def wrong(gradients):
        return {**gradients, "W": gradients["W"].T.copy(), "b": -gradients["b"]}

    found = diagnosed(changed(wrong), "rnn").explanation
    assert found == ("2 errors, each by itself: the gradient of W is transposed; the gradient of b has the wrong sign")


def test_a_slip_in_what_comes_back_and_one_in_a_gradient_are_told_together():
    """Wᵀ for W in δ, and the bias averaged over the batch."""

    def backward(inputs, cotangents):
        found = function("numpy_rnn", "char_rnn")(inputs, cotangents, slip="W for its transpose")
        return {**found, "b": found["b"] / len(inputs["s0"])}

    found = diagnosed(backward, "rnn")
    assert found.explanation == (
        "two errors at once: W in place of Wᵀ; and the gradient of b is averaged over the batch (divided by B)"
    )
    assert composed("s̄[k] = e[k] + W δ[k+1]") in composed("".join(found.formula_wrong))


ORDERS = {"fiog": "f in the place of i, i in the place of f", "gifo": "g in the place of i"}


@pytest.mark.parametrize("order", ORDERS)
def test_gates_in_another_order_are_told_as_they_are_read(order):
    """The four gates' weights side by side in the order of another library."""
    truth = model("lstm")
    place = dict(zip("ifog", order, strict=True))

    def read(arrays):
        moved = {f"{key[:2]}{a}": f"{key[:2]}{place[a]}" for key in arrays if key[1:2] == "_" for a in key[2:]}
        return {key: arrays[moved.get(key, key)] for key in arrays}, moved

    def backward(inputs, cotangents, back=False):
        arrays, moved = read(inputs)
        found = truth.run(arrays, cotangents)
        return {moved.get(key, key) if back else key: array for key, array in found.items()}

    found = diagnosed(backward, "lstm").explanation
    assert ORDERS[order] in found
    assert "returned" not in found
    found = diagnosed(partial(backward, back=True), "lstm").explanation
    assert ORDERS[order] in found
    assert found.endswith("and their gradients are returned so too")


def test_gradients_under_the_keys_of_others_are_told_key_by_key():
    """i gets f's, f gets o's, o gets i's: no two are exchanged."""
    place = {"i": "f", "f": "o", "o": "i"}

    def turned(gradients):
        return gradients | {f"{letter}_{a}": gradients[f"{letter}_{b}"] for letter in "UWb" for a, b in place.items()}

    found = diagnosed(changed(turned, "lstm"), "lstm").explanation
    assert "exchanged" not in found
    for letter in "UWb":
        for a, b in place.items():
            assert f"the gradient of {letter}_{a} is that of {letter}_{b}" in found


def test_a_factor_that_fits_one_instance_alone_is_no_explanation():
    """c = ‖b̄‖ on each instance another: the factor found on the first one fails on the second."""

    def wrong(gradients):
        return {**gradients, "b": gradients["b"] * (2 + np.abs(gradients["b"]).sum())}

    assert diagnosed(changed(wrong), "rnn").explanation is None


def test_a_constant_factor_is_found_however_small():
    def wrong(gradients):
        return {**gradients, "W": gradients["W"] * (1 + 1e-6)}

    assert diagnosed(changed(wrong), "rnn").explanation == "the gradient of W is multiplied by 1.000001"


def test_a_factor_near_one_is_told_by_its_excess():
    def wrong(gradients):
        return {**gradients, "W": gradients["W"] * (1 + 1e-11)}

    assert diagnosed(changed(wrong), "rnn").explanation == "the gradient of W is multiplied by 1 + 1e-11"


def test_float32_is_explained_with_its_own_bounds():
    def backward(inputs, cotangents):
        found = function("numpy_rnn", "vectorised")(inputs, cotangents, slip="dW transposed")
        return {key: array.astype(np.float32) for key, array in found.items()}

    found = diagnosed(backward, "rnn", np.float32)
    assert found.explanation == "the gradient of W is transposed"


def test_an_error_that_tiny_instances_do_not_show_is_explained_where_it_shows():
    """Truncated after six steps: with T = 5 nothing is wrong, with T = 7 it is."""
    backward = function("numpy_rnn", "truncated")

    def long(inputs, cotangents):
        return backward(inputs, cotangents, slip="truncated", steps=6)

    found = diagnosed(long, "rnn")
    assert found.explanation is not None
    assert "ends after 6 steps" in found.explanation
    assert found.smallest is not None
    assert found.smallest.sizes["T"] == 7


def test_a_model_without_lines_is_located_and_the_reason_is_told():
    truth = model("dense")

    def wrong(inputs, cotangents):
        found = truth.run(inputs, cotangents)
        return {**found, "W1": 2 * found["W1"]}

    found = diagnosed(wrong, "dense")
    assert found.explanation is None
    assert "no lines of backpropagation are known of dense" in found.text()
    assert found.located[0] == "wrong: W1; right: x, W2, b1, b2"
    assert found.smallest is not None


def test_a_convolution_shrinks_to_one_entry():
    """Kernels that do not fit on the way are passed over."""
    truth = model("convolution")

    def wrong(inputs, cotangents):
        found = truth.run(inputs, cotangents)
        return {**found, "K": 2 * found["K"]}

    found = diagnosed(wrong, "convolution")
    assert "no lines of backpropagation are known of convolution" in found.text()
    assert found.located[0] == "wrong: K; right: x, b"
    assert set(found.smallest.sizes.values()) == {1}


def test_a_function_that_runs_at_some_sizes_only_is_diagnosed_there():
    """Shapes written into the code: every other size is refused."""
    backward = function("numpy_rnn", "vectorised")

    def fixed(inputs, cotangents):
        if inputs["x"].shape != (7, 3, 4):
            raise ValueError("x is (7, 3, 4)")
        return backward(inputs, cotangents, slip="dW transposed")

    found = diagnosed(fixed, "rnn")
    assert found.explanation == "the gradient of W is transposed"


def test_only_the_gradients_that_are_asked_for_are_judged():
    """The gradient of x is asked for alone: that of W, which is wrong too, is not looked at."""
    truth = model("rnn")
    backward = partial(function("numpy_rnn", "char_rnn"), slip="W for its transpose")
    one = subject_of(backward, tuple(truth.shapes), tuple(truth.outputs), name="backward", wrt=("x",))
    instance = truth.instance(truth.sizes(0), 0)
    found = diagnose(one, truth, instance, compared(truth, instance, one.answer(instance).gradients).differences)
    assert found.located[0] == "wrong: x: all gradients"
    assert found.explanation == "W in place of Wᵀ"


def test_the_time_of_a_diagnosis_is_bounded():
    backward = function("numpy_rnn", "vectorised")

    def slow(inputs, cotangents):
        time.sleep(0.05)
        return backward(inputs, cotangents, slip="noise")

    truth = model("rnn")
    instance = truth.instance(truth.sizes(0), 0)
    one = subject(slow, truth)
    differences = compared(truth, instance, one.answer(instance).gradients).differences
    start = time.perf_counter()
    found = diagnose(one, truth, instance, differences, budget_seconds=2.0)
    assert time.perf_counter() - start < 4.0
    assert found.located


def program(backward_source, tmp_path, name="own"):
    """A function in a file, and its diagnosis under that name."""
    (tmp_path / f"{name}.py").write_text(backward_source, encoding="utf-8")
    namespace = {}
    exec(compile(backward_source, name, "exec"), namespace)
    truth = model("rnn")
    one = subject(namespace["backward"], truth, f"{name}:backward")
    instance = truth.instance(truth.sizes(0), 0)
    found = diagnose(one, truth, instance, compared(truth, instance, one.answer(instance).gradients).differences)
    (tmp_path / "small.py").write_text(found.snippet, encoding="utf-8")
    return subprocess.run([sys.executable, "small.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)


WRONG = """
import numpy as np

def backward(inputs, cotangents):
    x, U, W, b = inputs["x"], inputs["U"], inputs["W"], inputs["b"]
    s = [inputs["s0"]]
    for x_t in x:
        s.append(np.tanh(x_t @ U.T + s[-1] @ W.T + b))
    found = {key: np.zeros_like(array) for key, array in inputs.items()}
    later = 0.0
    for t in reversed(range(len(x))):
        d = (cotangents["s"][t] + later) * (1 - s[t + 1] ** 2)
        found["U"] += d.T @ x[t]
        found["W"] += d.T @ s[t]
        found["b"] += d.sum(axis=0)
        found["x"][t] = d @ U
        later = d @ WEIGHTS
    return {**found, "s0": later}
"""
BY_NAMES = """
from other import backward as inner

def backward(x, s0, U, W, b, ds):
    return inner({"x": x, "s0": s0, "U": U, "W": W, "b": b}, {"s": ds})
"""


def test_the_program_fails_while_the_function_is_wrong_and_passes_once_it_is_right(tmp_path):
    made = program(WRONG.replace("WEIGHTS", "W.T"), tmp_path)
    assert made.returncode == 1, made.stderr
    assert "WRONG" in made.stdout
    (tmp_path / "own.py").write_text(WRONG.replace("WEIGHTS", "W"), encoding="utf-8")
    mended = subprocess.run([sys.executable, "small.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert "WRONG" not in mended.stdout


def test_the_program_calls_a_function_by_its_parameters_where_it_has_them(tmp_path, monkeypatch):
    (tmp_path / "other.py").write_text(WRONG.replace("WEIGHTS", "W.T"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    made = program(BY_NAMES, tmp_path)
    assert made.returncode == 1, made.stderr
    assert "WRONG" in made.stdout
    monkeypatch.delitem(sys.modules, "other", raising=False)


SHOWN = (
    ("numpy_rnn", "char_rnn", "rnn", "W for its transpose"),
    ("numpy_lstm", "stacked", "lstm", "c_t for c_{t-1}"),
    ("numpy_rnn", "vectorised", "rnn", "two errors"),
)


def test_the_page_shows_what_is_printed():
    page = (Path(__file__).parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    for block, (module, name, of, slip) in zip(blocks, SHOWN, strict=True):
        text = diagnosed(partial(function(module, name), slip=slip), of).text()
        assert text.startswith(block.rstrip("\n")), text
