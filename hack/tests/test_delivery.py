"""What `make e2e-release` writes, and that its cosign is the one that is pinned."""

from pathlib import Path

import pytest

from hack.delivery import __main__ as delivery
from hack.delivery.cosign import version
from hack.upgrade.releases import ROOT


def test_the_table_takes_the_place_of_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "install.md"
    page.write_text(f"before\n{delivery.BEGIN}an old table\n{delivery.END}after\n")
    monkeypatch.setattr(delivery, "PAGE", page)

    delivery.write([("a step", "what was seen")])

    assert page.read_text() == (
        f"before\n{delivery.BEGIN}| what | seen |\n|---|---|\n| a step | what was seen |\n{delivery.END}after\n"
    )


def test_the_page_has_the_place_and_every_step_of_a_run() -> None:
    _, found, rest = delivery.PAGE.read_text().partition(delivery.BEGIN)
    table = rest.partition(delivery.END)[0]

    assert found
    for step in (
        "`make package` twice",
        "cosign verify-blob",
        "cosign verify`",
        "helm install",
        "install.yaml",
        "by digest",
    ):
        assert step in table


def test_the_version_is_the_pinned_one() -> None:
    assert version(ROOT).startswith("v3.")
