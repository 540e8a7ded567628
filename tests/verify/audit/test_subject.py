"""How a function is called, and every way in which a call can fail."""

import numpy as np
import pytest

from tests.verify.audit.functions import batched
from verify.audit.audit import Plan, audit, truth_of
from verify.audit.subject import subject_of
from verify.errors import CallError

RNN = truth_of("rnn")


def report_on(function, **how):
    return audit(function, RNN, Plan({}), **how)


def by_keys(x, s0, U, W, b, ds):
    return batched({"x": x, "s0": s0, "U": U, "W": W, "b": b}, {"s": ds})


def by_other_prefix(grad_s, x, s0, U, W, b, verbose=False):
    assert verbose is False
    return by_keys(x, s0, U, W, b, grad_s)


def keywords(*, x, s0, U, W, b, d_s):
    return by_keys(x, s0, U, W, b, d_s)


def as_tuple(x, s0, U, W, b, ds):
    found = by_keys(x, s0, U, W, b, ds)
    return found["U"], found["W"], found["b"]


class Cell:
    """An object with a backward pass."""

    def backward(self, inputs, cotangents):
        return batched(inputs, cotangents)


@pytest.mark.parametrize(
    "function",
    [batched, by_keys, by_other_prefix, keywords, Cell(), Cell().backward, lambda *parts: batched(*parts)],
)
def test_ways_to_be_called(function):
    assert report_on(function).verdict == "accepted"


def test_a_tuple_is_read_in_the_order_that_is_said():
    asked = ("U", "W", "b")
    assert report_on(as_tuple, order=asked, wrt=asked).ok
    swapped = report_on(as_tuple, order=("W", "U", "b"), wrt=asked)
    assert swapped.faults[0].kind == "wrong shape"
    short = report_on(as_tuple, order=("U", "W"), wrt=("U", "W"))
    assert "3 values were returned for the 2 keys U, W" in short.faults[0].message
    assert "--returns" in report_on(as_tuple).faults[0].message


def test_two_parameters_are_keys_where_they_are_called_so():
    """x̄ = z̄ W of one linear layer needs two keys alone."""
    truth = truth_of("dense", {"layers": 1, "activation": "identity"})

    def by_names(W1, da1):
        return {"x": da1 @ W1}

    def by_dicts(inputs, cotangents):
        return {"x": cotangents["a1"] @ inputs["W1"]}

    for function in (by_names, by_dicts):
        assert audit(function, truth, Plan({}), wrt=("x",)).ok


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda a, b, c: None, "expected .*inputs, cotangents"),
        (lambda x, s0, U, W, b, V, ds: None, "nothing is called V"),
        (lambda *, anything: None, "two dicts"),
        (3, "cannot be called"),
    ],
)
def test_a_signature_that_fits_nothing_is_explained(function, message):
    with pytest.raises(CallError, match=message):
        report_on(function)


def test_keys_that_the_model_does_not_have_are_refused():
    with pytest.raises(CallError, match="V: no input of the model; it has x, s0, U, W, b"):
        report_on(batched, wrt=("V",))
    with pytest.raises(CallError, match="numpy, torch, jax"):
        report_on(batched, arrays="cupy")


def edited(edit):
    """`batched`, its answer edited."""

    def function(inputs, cotangents):
        found = batched(inputs, cotangents)
        return edit(found, inputs, cotangents) or found

    return function


def drop(found, inputs, cotangents):
    del found["x"]


def overwrite(found, inputs, cotangents):
    inputs["W"][0, 0] += 1


def take_out(found, inputs, cotangents):
    inputs.pop("b")


def overwrite_cotangent(found, inputs, cotangents):
    cotangents["s"][:] = 0


def set_to(key, value):
    def edit(found, inputs, cotangents):
        found[key] = value(found[key])

    return edit


def not_a_number(array):
    array = array.copy()
    array[0] = np.inf
    return array


@pytest.mark.parametrize(
    ("edit", "kind", "message"),
    [
        (drop, "wrong keys", "no gradient of x among U, W, b, s0; ask for some alone with --only s0,U,W,b"),
        (set_to("U", np.transpose), "wrong shape", "= (n, m) (it is transposed)"),
        (set_to("b", lambda a: a[None]), "wrong shape", "the gradient of b is (1, 2), not (2,) = (n)"),
        (set_to("W", lambda a: a.astype(np.float32)), "wrong dtype", "the gradient of W is float32, its input float64"),
        (set_to("W", lambda a: a.astype(int)), "wrong dtype", "holds int64"),
        (set_to("W", lambda a: a + 0j), "wrong dtype", "holds complex128"),
        (set_to("b", not_a_number), "not finite", "is inf at [0]"),
        (set_to("b", lambda a: None), "no array", "NoneType"),
        (set_to("b", lambda a: "0"), "no array", "str"),
        (lambda *_: [1, 2], "no dict", "not list"),
        (overwrite, "overwritten", "the input W was overwritten"),
        (take_out, "overwritten", "the input b was taken out"),
        (overwrite_cotangent, "overwritten", "the cotangent of s was overwritten"),
    ],
)
def test_every_fault_is_named(edit, kind, message):
    report = report_on(edited(edit))
    assert report.verdict == "rejected"
    assert kind in [fault.kind for fault in report.faults]
    assert message in " ".join(fault.message for fault in report.faults)


def test_an_extra_key_is_a_fault():
    report = report_on(edited(lambda found, *_: {**found, "V": found["U"]}))
    assert report.faults[0].message == "gradients of V; the inputs are x, s0, U, W, b"


def test_an_exception_comes_with_the_lines_of_the_function():
    def function(inputs, cotangents):
        return inputs["h0"]

    report = report_on(function)
    assert (report.verdict, report.faults[0].kind) == ("failed", "exception")
    assert "KeyError: 'h0'" in report.faults[0].message
    assert 'return inputs["h0"]' in report.faults[0].message
    assert "verify/audit/subject.py" not in report.faults[0].message


def test_the_end_of_the_process_is_caught_where_it_can_be():
    def function(inputs, cotangents):
        raise SystemExit(4)

    assert [(f.kind, f.message) for f in report_on(function).faults] == [("exit", "it ends the process: sys.exit(4)")]


def test_a_result_that_changes_from_call_to_call():
    """One kept buffer to which every call adds."""
    kept = {}

    def function(inputs, cotangents):
        for key, array in batched(inputs, cotangents).items():
            kept[key] = kept.get(key, 0) + array if key == "b" else array
        return dict(kept)

    report = report_on(function)
    assert [fault.kind for fault in report.faults] == ["not repeatable"]
    assert "the gradient of b changes from call to call" in report.faults[0].message


def test_a_second_call_that_fails():
    calls = []

    def function(inputs, cotangents):
        calls.append(0)
        if len(calls) == 2:
            raise OSError("the file is open")
        return batched(inputs, cotangents)

    (fault,) = report_on(function).faults
    assert (fault.kind, "the second call" in fault.message, "the file is open" in fault.message) == (
        "not repeatable",
        True,
        True,
    )


def test_a_function_cannot_reach_the_instance():
    truth, seen = RNN, []

    def function(inputs, cotangents):
        seen.append(inputs["U"].copy())
        inputs["U"][:] = 0
        return batched(inputs, cotangents)

    subject = subject_of(function, tuple(truth.shapes), tuple(truth.outputs))
    instance = truth.instance(truth.sizes(), 0)
    subject.answer(instance)
    subject.answer(instance)
    assert np.array_equal(seen[0], seen[1])


def autograd(torch):
    def function(inputs, cotangents):
        leaves = {key: value.clone().requires_grad_() for key, value in inputs.items()}
        s, energy = leaves["s0"], 0
        for x, d in zip(leaves["x"], cotangents["s"], strict=True):
            s = torch.tanh(x @ leaves["U"].T + s @ leaves["W"].T + leaves["b"])
            energy = energy + (s * d).sum()
        energy.backward()
        return {key: value.grad for key, value in leaves.items()}

    return function


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_torch(dtype):
    torch = pytest.importorskip("torch")
    right = autograd(torch)
    assert audit(right, RNN, Plan({}, dtype=dtype), arrays="torch").ok

    def wrong(inputs, cotangents):
        found = right(inputs, cotangents)
        found["W"][0, 1] *= 1 + 1e-3
        return found

    report = audit(wrong, RNN, Plan({}, dtype=dtype), arrays="torch")
    assert set(report.first_wrong.counts) == {"W"}

    def narrow(inputs, cotangents):
        return {key: value.to(torch.float16) for key, value in right(inputs, cotangents).items()}

    assert "torch.set_default_dtype" in audit(narrow, RNN, Plan({}, dtype=dtype), arrays="torch").faults[0].message

    def overwriting(inputs, cotangents):
        found = right(inputs, cotangents)
        inputs["W"].zero_()
        return found

    found = audit(overwriting, RNN, Plan({}, dtype=dtype), arrays="torch")
    assert [fault.kind for fault in found.faults] == ["overwritten"]


def test_a_function_that_turns_arrays_into_tensors_by_itself():
    """NumPy arrays in, tensors out, some of which want a gradient: residues do not survive it, and it is said."""
    torch = pytest.importorskip("torch")
    right = autograd(torch)

    def function(inputs, cotangents):
        tensors = [{key: torch.from_numpy(a) for key, a in part.items()} for part in (inputs, cotangents)]
        return {key: value.requires_grad_() for key, value in right(*tensors).items()}

    report = report_on(function)
    assert (report.verdict, report.exact.outcome) == ("accepted", "given up")


def test_jax():
    jax = pytest.importorskip("jax")

    def function(inputs, cotangents):
        def energy(leaves):
            s, total = leaves["s0"], 0
            for x, d in zip(leaves["x"], cotangents["s"], strict=True):
                s = jax.numpy.tanh(x @ leaves["U"].T + s @ leaves["W"].T + leaves["b"])
                total = total + (s * d).sum()
            return total

        return jax.grad(energy)(inputs)

    before = jax.config.jax_enable_x64
    try:
        jax.config.update("jax_enable_x64", False)
        with pytest.raises(CallError, match="jax_enable_x64"):
            report_on(function, arrays="jax")
        assert audit(function, RNN, Plan({}, 1, dtype="float32"), arrays="jax").ok
        jax.config.update("jax_enable_x64", True)
        assert audit(function, RNN, Plan({}, 1), arrays="jax").ok
    finally:
        jax.config.update("jax_enable_x64", before)
