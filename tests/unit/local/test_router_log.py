"""The router's log stays small, and its writer need not know."""

import subprocess
from pathlib import Path

from poolkeeper.local.router_log import bound


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "router.log"
    log.write_text("one line\n")

    bound(log, limit_bytes=9)

    assert log.read_text() == "one line\n"
    assert list(tmp_path.iterdir()) == [log]


def test_a_log_that_is_not_there_is_small(tmp_path: Path) -> None:
    bound(tmp_path / "router.log", limit_bytes=9)

    assert list(tmp_path.iterdir()) == []


def test_what_is_over_the_limit_takes_the_place_of_what_was_before_it(tmp_path: Path) -> None:
    log = tmp_path / "router.log"
    for text in ("first line\n", "second line\n"):
        log.write_text(text)
        bound(log, limit_bytes=9)

    assert log.read_text() == ""
    assert (tmp_path / "router.log.1").read_text() == "second line\n"


def test_its_writer_goes_on_with_the_same_file(tmp_path: Path) -> None:
    log = tmp_path / "router.log"
    with log.open("ab") as handle, subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=handle) as writer:
        assert writer.stdin is not None
        log.write_text("a long line of before\n")
        bound(log, limit_bytes=9)
        writer.communicate(b"after\n", timeout=30)

    assert log.read_text() == "after\n"
