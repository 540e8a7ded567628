"""Functions that are wrong in one circumstance only, or do what none should: none is accepted, none is a crash."""

import numpy as np
import pytest

from tests.verify.audit.functions import batched
from verify.audit.audit import Plan, audit, truth_of
from verify.audit.exact import exact_run
from verify.audit.faults import told
from verify.audit.subject import subject_of
from verify.errors import CallError

RNN = truth_of("rnn")


def found(function, **how):
    return audit(function, RNN, Plan({}, is_diagnosed=False, **how))


def where(condition):
    """`batched` with W doubled where a condition on the inputs and cotangents holds."""

    def function(inputs, cotangents):
        right = batched(inputs, cotangents)
        return {**right, "W": 2 * right["W"]} if condition(inputs, cotangents) else right

    return function


CONDITIONS = {
    "T > 5": lambda i, c: len(i["x"]) > 5,
    "T = 1": lambda i, c: len(i["x"]) == 1,
    "B > 1": lambda i, c: i["x"].shape[1] > 1,
    "B = 1": lambda i, c: i["x"].shape[1] == 1,
    "n ≠ m": lambda i, c: i["U"].shape[0] != i["U"].shape[1],
    "a negative x": lambda i, c: (np.asarray(i["x"]) < 0).any(),
    "a cotangent before the end": lambda i, c: np.asarray(c["s"])[:-1].any(),
    "x is not contiguous": lambda i, c: not i["x"].flags.c_contiguous,
    "a cotangent is not contiguous": lambda i, c: not c["s"].flags.c_contiguous,
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_an_error_in_one_circumstance_is_found_by_floats_alone(name):
    assert found(where(CONDITIONS[name]), is_exact=False).verdict == "rejected"
    assert found(where(lambda i, c: False), is_exact=False).verdict == "accepted"


@pytest.mark.parametrize("call", [2, 3, 4, 5])
def test_an_error_in_one_call_of_many_is_found(call):
    calls = []

    def condition(inputs, cotangents):
        calls.append(1)
        return len(calls) == call

    assert found(where(condition)).verdict == "rejected"


def test_strides_are_blamed_only_where_they_are_at_fault():
    """An error that comes with the third call, whatever the arrays, is one of repetition."""
    calls = []

    def condition(inputs, cotangents):
        calls.append(1)
        return len(calls) >= 3

    assert [fault.kind for fault in found(where(condition)).faults] == ["not repeatable"]
    report = found(where(CONDITIONS["x is not contiguous"]))
    assert [fault.kind for fault in report.faults] == ["strides"]
    assert "np.ascontiguousarray" in str(report)


def test_a_function_that_refuses_strides_is_right():
    def function(inputs, cotangents):
        if not inputs["x"].flags.c_contiguous:
            raise ValueError("contiguous arrays only")
        return batched(inputs, cotangents)

    assert found(function).verdict == "accepted"


def test_sums_in_another_order_every_time_are_no_state():
    """Roundings differ from call to call, as where threads add: within the bounds that is right; beyond, it is not."""
    random = np.random.default_rng(0)

    def noisy(size):
        def function(inputs, cotangents):
            right = batched(inputs, cotangents)
            return {key: a * (1 + size * random.standard_normal(a.shape)) for key, a in right.items()}

        return function

    assert found(noisy(1e-16)).verdict == "accepted"
    assert found(noisy(1e-9)).verdict == "rejected"


def test_masked_entries_are_no_numbers():
    def function(inputs, cotangents, mask=True):
        return {key: np.ma.masked_array(a, np.full(a.shape, mask)) for key, a in batched(inputs, cotangents).items()}

    report = found(function)
    assert report.verdict == "rejected"
    assert str(report).count("masked array") == 1  # of five gradients the same is said once
    assert "the gradient of x, s0, U, W, b is a masked array" in str(report)
    assert found(lambda inputs, cotangents: function(inputs, cotangents, False)).verdict == "accepted"


def test_numpy_exchanged_for_something_else_is_found_and_put_back():
    """The reference would compute with it too."""
    own = np.tanh

    def function(inputs, cotangents):
        np.tanh = lambda z: own(z) * (1 + 1e-5)
        return batched(inputs, cotangents)

    try:
        report = found(function)
        assert np.tanh is own
        assert (report.verdict, report.faults[0].kind) == ("failed", "numpy replaced")
        np.tanh = lambda z: own(z) * (1 + 1e-5)
        assert found(batched).faults[0].message.startswith("np.tanh exchanged")
        assert found(batched).ok
    finally:
        np.tanh = own


class Evil(dict):
    def items(self):
        raise RuntimeError("evil items")


class NoDevice:
    @property
    def device(self):
        raise RuntimeError("evil device")


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (Evil, "no dict", "evil items"),
        (lambda right: {**right, "W": NoDevice()}, "no array", "evil device"),
    ],
)
def test_objects_that_raise_when_they_are_read_are_faults(change, kind, words):
    report = found(lambda inputs, cotangents: change(batched(inputs, cotangents)))
    assert (report.verdict, report.faults[0].kind) == ("rejected", kind)
    assert words in report.faults[0].message


def test_exceptions_of_any_kind_are_told_in_a_few_lines():
    class Outcome(BaseException):
        pass

    def function(inputs, cotangents):
        raise Outcome("\n".join(f"line {k} {'x' * 10_000}" for k in range(500)))

    report = found(function)
    assert report.verdict == "failed"
    assert len(report.faults[0].message) < 8000
    assert "… and 490 more lines" in report.faults[0].message
    assert "0 entries" not in str(report)  # nothing was compared
    assert told(ValueError("short")) == "ValueError: short"

    def interrupted(inputs, cotangents):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        found(interrupted)


def test_a_class_is_no_function_and_it_is_said_what_to_do():
    class Own:
        def backward(self, inputs, cotangents):
            return batched(inputs, cotangents)

    class Function:
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, d):
            return d

        @classmethod
        def apply(cls, *arguments):
            return arguments

    assert found(Own()).ok
    with pytest.raises(CallError, match="name an object of it"):
        found(Own)
    with pytest.raises(CallError, match="calls apply, then"):
        found(Function)


def test_tensors_are_asked_for_where_arrays_of_numpy_do_not_serve():
    pytest.importorskip("torch")

    def function(inputs, cotangents):
        return inputs["x"].clone()

    assert "ask --arrays torch" in str(found(function))


def test_a_size_beyond_any_memory_is_a_wrong_call():
    with pytest.raises(CallError, match="at most"):
        audit(batched, RNN, Plan({"T": 10**20}))


# --- the exact run -----------------------------------------------------------------------------------------------


def exactly(function):
    sizes = {"B": 3, "T": 7, "m": 4, "n": 2}
    return exact_run(RNN, subject_of(function, tuple(RNN.shapes), tuple(RNN.outputs)), sizes, 0)


def test_memory_that_nobody_wrote_is_no_zero_in_the_exact_run():
    def function(inputs, cotangents, make=np.zeros):
        right = batched(inputs, cotangents)
        total = make(right["b"].shape)
        total += right["b"]
        return {**right, "b": total}

    assert exactly(function).outcome == "equal"
    assert exactly(lambda i, c: function(i, c, lambda shape: np.empty(shape))).outcome == "differs"


@pytest.mark.parametrize("decide", [lambda a: bool(a[0, 0, 0]), lambda a: int(a[0, 0, 0]) > 0])
def test_a_decision_by_a_value_gives_the_exact_run_up(decide):
    """Residues pass for floats from 1 to 2: what is decided by them says nothing."""
    report = exactly(lambda i, c: batched(i, c) if decide(i["x"]) else {})
    assert report.outcome == "given up"
    assert "whether a number is 0" in report.reason


def test_the_exact_run_alone_does_not_vouch_for_sizes_that_hide_errors():
    """Wrong for B > 1 and a negative number, decided by a float of Python, which the exact run does not see."""
    wrong = where(lambda i, c: i["x"].shape[1] > 1 and any(float(a) < 0 for a in i["x"].ravel()))
    assert exactly(wrong).outcome == "equal"
    report = audit(wrong, RNN, Plan({"B": 1}, is_diagnosed=False))
    assert report.verdict == "rejected"
    assert audit(batched, RNN, Plan({"B": 1})).notes == ()
