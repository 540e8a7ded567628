"""What the options of a run say, and the one cache that a process has."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from verify.cache import Cache, cache_folder
from verify.limits import Effort


@dataclass(frozen=True)
class Settings:
    """How hard to try, what counts as good, and where verdicts are kept."""

    effort: Effort
    require_proof: bool = False
    cache: Cache | None = None


_SETTINGS = pytest.StashKey[Settings]()


def settings_of(config: pytest.Config) -> Settings:
    """The settings of a run; the first to ask opens the cache, which is closed with the run."""
    if _SETTINGS not in config.stash:
        option = config.option
        effort = Effort(
            steps=option.backproof_steps, examples=option.backproof_examples, seed=option.backproof_seed,
            seconds=option.backproof_time_limit, repair_seconds=option.backproof_repair_limit,
        )  # fmt: skip
        cache = None if option.backproof_no_cache else Cache(cache_folder())
        if cache is not None:
            config.add_cleanup(cache.close)
        config.stash[_SETTINGS] = Settings(effort, option.backproof_require_proof, cache)
    return config.stash[_SETTINGS]
