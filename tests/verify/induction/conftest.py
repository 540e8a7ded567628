"""Tests that take `true` run on every closed form that holds, tests that take `false` on every slip."""

import pytest

from tests.verify.induction import summed, systems


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for argument, table in (("true", systems.TRUE + summed.TRUE), ("false", systems.WRONG + summed.WRONG)):
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, table, ids=lambda named: named.name)
