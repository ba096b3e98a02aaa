"""The page of the balance, by the vectors that the router's Lua reads, too."""

from typing import Any

import pytest

from contract.router import vectors
from poolkeeper.providers.balance import is_spent, page_path

VECTORS = vectors("balance")


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_only_a_page_that_says_so_says_that_the_money_is_spent(case: dict[str, Any]) -> None:
    assert is_spent(case["body"].encode()) == (case["result"] == "BalanceExhausted")


def test_a_page_of_any_depth_is_read() -> None:
    assert not is_spent(b"[" * 100_000)


@pytest.mark.parametrize("endpoint_path", VECTORS["paths"])
def test_the_page_lies_beside_the_api(endpoint_path: str) -> None:
    assert page_path(endpoint_path) == VECTORS["paths"][endpoint_path]
