"""The text is a function of the request, and goes on exactly where another fake was cut."""

import json

import pytest

from testing.fakes.deepseek import text
from testing.fakes.harness import FakeProvider
from testing.fakes.rawhttp import exchange

MESSAGES: list[dict[str, object]] = [{"role": "user", "content": "Tales of the sea."}]
ASK: dict[str, object] = {"model": "deepseek-flash", "messages": MESSAGES}
WHOLE = text.tokens("seed", 400)


def test_same_seed_same_text_and_more_of_it_starts_the_same() -> None:
    assert text.tokens("seed", 1000)[:400] == WHOLE
    assert text.tokens("other", 400) != WHOLE


def test_hard_tokens_are_there_but_rare() -> None:
    hard = sum(1 for token in text.tokens("seed", 10_000) if token in text.HARD)
    assert 400 < hard < 900


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_remainder_after_whole_tokens(cut: int) -> None:
    assert text.remainder(WHOLE, "".join(WHOLE[:cut])) == WHOLE[cut:]


def test_remainder_from_inside_every_token() -> None:
    said = "".join(WHOLE[:40])
    for at in range(len(said) + 1):
        rest = text.remainder(WHOLE, said[:at])
        assert rest is not None
        assert said[:at] + "".join(rest) == "".join(WHOLE)


def test_remainder_of_another_text_is_none() -> None:
    assert text.remainder(WHOLE, "No such beginning") is None
    assert text.remainder(WHOLE, "".join(WHOLE) + " and more") is None
    assert text.remainder(WHOLE, "".join(WHOLE)) == []


class TestOverHttp:
    """Two providers that share a seed, as two endpoints of one pool would."""

    def test_every_prefill_ends_in_the_same_text(self) -> None:
        with FakeProvider("a", text_seed="s") as first, FakeProvider("b", text_seed="s") as second:
            whole = exchange(first.port, "/v1/chat/completions", {**ASK, "stream": True})
            deltas = [json.loads(event)["choices"][0]["delta"].get("content") or "" for event in whole.events[:-1]]
            for count in range(len(deltas)):
                given = "".join(deltas[:count])
                rest = exchange(second.port, "/beta/chat/completions", {**prefixed(given), "stream": True})
                assert given + rest.content == whole.content

    def test_vllm_continues_the_final_message(self) -> None:
        with FakeProvider() as fake:
            whole = exchange(fake.port, "/v1/chat/completions", ASK).content
            messages = [*MESSAGES, {"role": "assistant", "content": whole[:20]}]
            asked = {**ASK, "messages": messages, "continue_final_message": True, "add_generation_prompt": False}
            assert exchange(fake.port, "/v1/chat/completions", asked).content == whole[20:]
            refused = exchange(fake.port, "/v1/chat/completions", {**asked, "add_generation_prompt": True})
            assert refused.status == 400

    def test_a_prefill_that_is_another_text_leads_elsewhere(self) -> None:
        with FakeProvider() as fake:
            whole = exchange(fake.port, "/v1/chat/completions", ASK).content
            assert exchange(fake.port, "/beta/chat/completions", prefixed("Quite different")).content != whole

    def test_prefix_is_for_beta_alone(self) -> None:
        with FakeProvider() as fake:
            assert exchange(fake.port, "/v1/chat/completions", prefixed("x")).status == 400

    def test_a_prefill_can_be_refused_or_ignored(self) -> None:
        with FakeProvider() as fake:
            whole = exchange(fake.port, "/v1/chat/completions", ASK).content
            fake.set("ok", prefill="ignore")
            assert exchange(fake.port, "/beta/chat/completions", prefixed(whole[:10])).content == whole
            fake.set("ok", prefill="refuse")
            assert exchange(fake.port, "/beta/chat/completions", prefixed(whole[:10])).status == 400

    def test_other_seed_or_model_other_text(self) -> None:
        with FakeProvider() as one, FakeProvider(text_seed="s") as two, FakeProvider(text_model="x") as three:
            said = {exchange(fake.port, "/v1/chat/completions", ASK).content for fake in (one, two, three)}
            assert len(said) == 3

    def test_one_text_under_two_model_names(self) -> None:
        with FakeProvider(any_model=True, text_model="flash") as fake:
            asked = [{**ASK, "model": name} for name in ("deepseek-flash", "deepseek/deepseek-v4.1-flash")]
            assert len({exchange(fake.port, "/v1/chat/completions", ask).content for ask in asked}) == 1


def prefixed(given: str) -> dict[str, object]:
    return {**ASK, "messages": [*MESSAGES, {"role": "assistant", "content": given, "prefix": True}]}
