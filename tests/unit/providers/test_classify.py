"""What an answer means, by the vectors that the router's Lua reads too, and what no rule may be."""

from typing import TypedDict, get_args

import pytest

from contract.router import vectors
from poolkeeper.api.endpoint import Provider
from poolkeeper.providers.classify import refusal
from poolkeeper.providers.error_rule import Rule
from poolkeeper.providers.error_rules import COMMON, PROVIDERS


class Case(TypedDict):
    name: str
    provider: Provider
    status: int
    body: str
    want: dict[str, object]


CASES: list[Case] = vectors("classify")["cases"]
RULES = [(provider, rule) for provider, rules in [("all", COMMON), *PROVIDERS.items()] for rule in rules]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['provider']}: {case['name']}")
def test_a_refusal(case: Case) -> None:
    got = refusal(case["status"], case["body"].encode(), case["provider"])

    want = case["want"]
    assert (got.outcome, got.reason) == (want["class"], want["reason"])
    assert got.limit == want.get("limit")
    assert got.status != 200


def test_every_provider_has_vectors() -> None:
    without = set(get_args(Provider)) - {case["provider"] for case in CASES}

    assert not without, (
        f"{sorted(without)}: wanted cases in tests/contract/router/classify.json, of what it really sends"
    )


@pytest.mark.parametrize(("provider", "rule"), RULES, ids=[f"{provider}-{n}" for n, (provider, _) in enumerate(RULES)])
def test_no_words_in_a_prompt_take_anything_out_of_service(provider: str, rule: Rule) -> None:
    """Words anywhere in a refusal may be the caller's own, unless it begins as one about the model; and what refuses is
    lower case before it is compared."""
    if rule.meaning.outcome == "Credential":
        assert rule.has is None
    if rule.meaning.outcome == "ModelMissing":
        assert rule.has is None or (rule.starts or "").startswith("model ")
    if rule.meaning.outcome in ("Busy", "RateLimited", "ServerError"):
        assert rule.has is None or rule.status in (200, 402)
    for words in (rule.code, rule.type, rule.starts, rule.says, rule.has):
        assert words is None or all(word == word.lower() for word in ([words] if isinstance(words, str) else words))


def test_no_two_vectors_are_the_same_case() -> None:
    names = [(case["provider"], case["name"]) for case in CASES]

    assert len(names) == len(set(names))
