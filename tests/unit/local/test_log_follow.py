"""A log that is followed by its name: each line once, also when it is rotated between two looks."""

import os
from pathlib import Path

from poolkeeper.local.log_follow import FollowedFile
from poolkeeper.local.router_log import bound


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_each_line_once_and_only_when_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "requests.log"
    followed = FollowedFile(log)

    assert list(followed.new_lines()) == []
    add(log, "one\ntwo\nthr")
    assert list(followed.new_lines()) == ["one", "two"]
    assert list(followed.new_lines()) == []
    add(log, "ee\n\nfour\n")
    assert list(followed.new_lines()) == ["three", "", "four"]


def test_a_log_that_was_emptied_into_the_file_beside_it(tmp_path: Path) -> None:
    log = tmp_path / "requests.log"
    followed = FollowedFile(log)
    add(log, "one\n")
    assert list(followed.new_lines()) == ["one"]

    add(log, "two\n")
    bound(log, limit_bytes=4)
    add(log, "3\n")

    assert list(followed.new_lines()) == ["two", "3"]
    add(log, "four\n")
    assert list(followed.new_lines()) == ["four"]


def test_a_log_that_was_moved_aside(tmp_path: Path) -> None:
    log = tmp_path / "requests.log"
    followed = FollowedFile(log)
    add(log, "one\n")
    assert list(followed.new_lines()) == ["one"]

    add(log, "two\n")
    os.rename(log, tmp_path / "requests.log.1")  # noqa: PTH104
    assert list(followed.new_lines()) == []
    add(log, "three, longer than all before\n")

    assert list(followed.new_lines()) == ["two", "three, longer than all before"]


def test_bytes_that_are_no_text_stay_one_line(tmp_path: Path) -> None:
    log = tmp_path / "requests.log"
    log.write_bytes(b"\xff\xe2\x80\xa8x\n")
    assert len(FollowedFile(log).new_lines()) == 1
