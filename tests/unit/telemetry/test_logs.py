"""One line an occurrence, with what it is about in fields."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.telemetry.logs import configure


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level


def lines(form: str) -> list[str]:
    stream = io.StringIO()
    configure("json" if form == "json" else "text", stream=stream)
    log = logging.getLogger("poolkeeper.test")
    log.info("breaker opened", extra={"pool": PoolKey("team", "chat"), "unlisted": "x"})
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("this should not happen")
    return stream.getvalue().splitlines()


def test_json_is_one_object_a_line() -> None:
    first, second = (json.loads(line) for line in lines("json"))

    assert (first["level"], first["message"], first["pool"]) == ("info", "breaker opened", "team/chat")
    assert "unlisted" not in first
    assert "ValueError: broken" in second["exception"]


def test_text_is_for_people() -> None:
    first = lines("text")[0]

    assert first.endswith("INFO    breaker opened pool=team/chat")
