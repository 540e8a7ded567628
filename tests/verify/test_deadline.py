"""The time limit of a claim counts what this process computes, not what passes on the clock."""

import time

import pytest

from verify.deadline import Overtime, deadline


def compute(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_computing_is_interrupted():
    began = time.process_time()
    with pytest.raises(Overtime), deadline(0.05):
        compute(20)
    assert time.process_time() < began + 10


class Finalized:
    """Computes when it is collected, where Python swallows what is raised."""

    def __del__(self):
        compute(0.2)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_ring_that_is_swallowed_is_not_the_last():
    def swallow_and_go_on():
        Finalized()
        compute(20)

    began = time.process_time()
    with pytest.raises(Overtime), deadline(0.05):
        swallow_and_go_on()
    assert time.process_time() < began + 10


def test_waiting_is_not():
    with deadline(0.05):
        time.sleep(0.3)


def test_nothing_rings_after_the_block():
    with deadline(0.05):
        pass
    compute(0.2)
