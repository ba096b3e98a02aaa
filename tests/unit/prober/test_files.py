"""What the probe finds in its file system."""

from pathlib import Path

import pytest

from contract.router import vectors
from poolkeeper.api.router_document import Credential
from poolkeeper.prober.files import Files


@pytest.mark.parametrize("case", vectors("api_keys")["cases"], ids=lambda case: case["name"])
def test_the_api_key_of_a_file_is_the_router_s(tmp_path: Path, case: dict[str, object]) -> None:
    times, text, want = int(str(case.get("times", 1))), str(case["text"]), case.get("key")
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "official").write_bytes(text.encode() * times)

    found = Files(tmp_path).key(Credential(file="official", source=""))

    assert found == (str(want) * times if want else None)


def test_what_is_no_file_holds_no_key(tmp_path: Path) -> None:
    (tmp_path / "credentials" / "official").mkdir(parents=True)

    assert Files(tmp_path).key(Credential(file="official", source="")) is None
    assert Files(tmp_path).key(Credential(file="none", source="")) is None
