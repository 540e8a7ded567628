"""Shards: everything once, evenly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.errors import CallError
from verify.scale.shard import Shard


@given(st.lists(st.integers()), st.integers(1, 12))
def test_the_shards_together_have_everything_once(items, count):
    dealt = [list(Shard(index, count).deal(enumerate(items))) for index in range(1, count + 1)]
    assert sorted(pair for share in dealt for pair in share) == list(enumerate(items))
    sizes = [len(share) for share in dealt]
    assert max(sizes) - min(sizes) <= 1


def test_what_is_written():
    assert Shard.of("2/5") == Shard(2, 5)
    assert str(Shard(2, 5)) == "2/5"


@pytest.mark.parametrize("text", ["0/3", "4/3", "1/0", "3", "a/b", "-1/2", "1/2/3", "", "١/٢", "1/99999999999999"])
def test_what_is_no_shard_is_refused_with_an_example(text):
    with pytest.raises(CallError, match="as 2/5 for the second of five"):
        Shard.of(text)
