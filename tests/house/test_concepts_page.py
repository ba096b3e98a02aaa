"""The page of concepts says of each failure class what the router's table does about it."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from poolkeeper.api.reasons import ConditionType
from testing.router_lua import runtime

PAGE = (Path(__file__).parents[2] / "docs/concepts.md").read_text()
CLASSES: Mapping[str, Mapping[str, object]] = {
    name.decode(): {key.decode(): value for key, value in shown.items()}
    for name, shown in runtime().eval(b'require("core.error.outcome").CLASSES').items()
}


def rows() -> Mapping[str, list[str]]:
    """Failure class -> the cells after it."""
    found: dict[str, list[str]] = {}
    for line in PAGE.splitlines():
        names, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
        if len(cells) == 4:
            found |= dict.fromkeys(re.findall(r"`(\w+)`", names), cells)
    return found


def test_every_class_has_a_row_and_no_other_word_has() -> None:
    assert rows().keys() == CLASSES.keys()


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_row_says_what_breaker_and_endpoint_do(name: str) -> None:
    _, _, counts, endpoint = rows()[name]

    assert (counts == "yes") == CLASSES[name]["counts"]
    assert bool(endpoint.strip(" |")) == ("backoff" in CLASSES[name])


def test_every_condition_of_a_pool_is_named() -> None:
    assert {f"`{condition}`" for condition in ConditionType} <= set(re.findall(r"`\w+`", PAGE))
