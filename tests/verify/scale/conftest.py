"""Processes of the tests are forked from one that has imported what they need, as those of the command are."""

import multiprocessing

import pytest

from verify.scale.pool import context


@pytest.fixture(scope="session", autouse=True)
def _forked_with_imports():
    if "forkserver" in multiprocessing.get_all_start_methods():
        from multiprocessing import forkserver

        context(("verify.judging", "verify.quantities", "verify.campaign.planting"))
        forkserver.ensure_running()
