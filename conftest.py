"""What holds for every test: how Hypothesis plays, and what is read for a run of few tests.

A property has no deadline (a busy machine would miss it), and each run draws examples of its own, so that many runs
see more than one. `make check` plays the same few every time (--hypothesis-profile=check): it answers a question about
a change, and says the same when it is asked twice.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SLOW_MACHINE = (HealthCheck.too_slow,)

settings.register_profile("all", deadline=None, suppress_health_check=SLOW_MACHINE)
settings.register_profile("check", settings.get_profile("all"), derandomize=True, max_examples=25)
settings.load_profile("all")

RARE_MARKS = ("conformance", "paced", "timing")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A run for a rare mark (`-m paced`) imports only files that name it: all the others take ten seconds of each
    worker."""
    asked = str(config.option.markexpr).split(" and ")[0].strip()
    is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    if asked not in RARE_MARKS or not is_test:
        return None
    return None if f"pytest.mark.{asked}" in collection_path.read_text(encoding="utf-8") else True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Slow tests first where workers share them: one that begins last keeps all others waiting for it."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)
