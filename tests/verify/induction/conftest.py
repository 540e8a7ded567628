"""Tests that take `true` run on every closed form that holds, tests that take `false` on every slip."""

import pytest

from tests.verify.induction.systems import TRUE, WRONG


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for argument, table in (("true", TRUE), ("false", WRONG)):
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, table, ids=lambda named: named.name)
