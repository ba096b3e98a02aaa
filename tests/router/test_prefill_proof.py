"""Servers with one API, of which some continue an answer and some begin a new turn: which it is must be proved."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest

from router.harness import Router, endpoint, events, eventually, text_of
from testing.fakes.answerer import Answer, Answerer, Asked, good
from testing.fakes.harness import FakeProvider

CAPABLE = ("PrefixCompletion",)
WORDS = "The Rhine is a vital river. It flows from the Alps to the sea."
BEGUN = WORDS[:26]
SSE = {"content-type": "text/event-stream"}
NEW_TURN = "I am glad that I could help."


def stream(text: str) -> Answer:
    pieces: Sequence[object] = [
        {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ]
    said = "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces) + "data: [DONE]\n\n"
    return Answer(200, said.encode(), {"content-type": "text/event-stream"})


def is_proof(asked: Asked) -> bool:
    return not asked.json().get("stream")


def server(proof: Callable[[], Answer], continued: str) -> Callable[[Asked], Answer]:
    """proof: its answer to the question that is no caller's; continued: what it says to a begun answer."""

    def answer(asked: Asked) -> Answer:
        is_begun = asked.json()["messages"][-1]["role"] == "assistant"
        return proof() if is_proof(asked) else stream(continued if is_begun else WORDS)

    return answer


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def cut(stack: ExitStack) -> Answerer:
    """Says the beginning, and closes."""
    said = stream(BEGUN)
    start = said.encoded().partition(b"\n\n")[0] + b"\n\n"
    return stack.enter_context(Answerer(lambda _: Answer(200, start, said.headers)))


def served(router: Router, stack: ExitStack, b: Answerer, provider: str = "LlamaCpp") -> str:
    router.serve(
        endpoint("a", None, port=cut(stack).port, provider="OpenAI"),
        endpoint("b", None, port=b.port, provider=provider, tier=1, capabilities=CAPABLE),
    )
    return router.ask(stream=True).text


@pytest.mark.parametrize("proof", [" L M N O", "In order, as asked: A B C D E F G H I J K L M N"])
def test_who_continues_is_given_the_answer_to_continue(router: Router, stack: ExitStack, proof: str) -> None:
    b = stack.enter_context(Answerer(server(lambda: good(proof), WORDS[26:])))

    answers = [served(router, stack, b), served(router, stack, b)]

    assert [text_of(answer) for answer in answers] == [WORDS] * 2
    assert all("continued by b" in answer for answer in answers)
    assert [is_proof(asked) for asked in b.asked] == [True, False, False], "proved once"


@pytest.mark.parametrize("provider", ["LlamaCpp", "Ollama", "OpenAI", "OpenRouter"])
@pytest.mark.parametrize(
    "proof",
    [
        lambda: good("A B C D E F"),
        lambda: good("You are welcome!"),
        lambda: Answer(400, {"error": {"message": "the last message must be the user's"}}),
        lambda: Answer(500, {"error": {"message": "Cannot have a message of the assistant at the end"}}),
        lambda: good(""),
    ],
    ids=["new turn", "thanks", "refused", "500", "nothing"],
)
def test_a_new_turn_is_never_taken_for_the_rest(
    router: Router, stack: ExitStack, proof: Callable[[], Answer], provider: str
) -> None:
    b = stack.enter_context(Answerer(server(proof, NEW_TURN)))

    answer = served(router, stack, b, provider)

    assert text_of(answer) == WORDS
    assert events(answer)[-1] == "[DONE]"
    assert "generated again by b" in answer
    shown = re.findall(r'poolkeeper_prefill_proofs_total{[^}]*result="(\w+)"[^}]*} 1\b', router.metrics())
    assert len(shown) == 1 and shown != ["Continues"]
    told = {model.notice for model in router.endpoint("b").models} - {None}
    assert told == ({"BeginsAnew"} & set(shown)), "the operator learns of it"


def test_a_provider_that_is_told_to_continue_needs_no_proof(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("cut", after_chunks=4)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1, capabilities=CAPABLE))

    assert "continued by b" in router.ask(stream=True).text
    assert len(b.log()) == 1


def test_ollama_puts_prompts_into_a_template_too(router: Router, stack: ExitStack) -> None:
    """Its /v1/completions continues nothing."""
    body = {"choices": [{"index": 0, "text": WORDS, "finish_reason": "stop"}]}
    said = f"data: {json.dumps(body)}\n\ndata: [DONE]\n\n".encode()
    half = json.dumps({"choices": [{"index": 0, "text": BEGUN, "finish_reason": None}]}).encode()
    kind = {"content-type": "text/event-stream"}
    a = stack.enter_context(Answerer(lambda _: Answer(200, b"data: " + half + b"\n\n", kind)))
    b = stack.enter_context(Answerer(lambda _: Answer(200, said, kind)))
    router.serve(
        endpoint("a", None, port=a.port, provider="OpenAI"),
        endpoint("b", None, port=b.port, provider="Ollama", tier=1, capabilities=CAPABLE),
    )

    router.ask(path="/v1/completions", prompt="Rivers?", stream=True)

    assert [asked.json()["prompt"] for asked in b.asked] == ["Rivers?"]


def test_a_beginning_that_the_caller_brought_is_continued_with_the_rest(router: Router, stack: ExitStack) -> None:
    a = stack.enter_context(
        Answerer(lambda _: Answer(200, stream("Rhine is").encoded().split(b"\n\n")[0] + b"\n\n", SSE))
    )
    b = stack.enter_context(Answerer(lambda _: stream(" long.")))
    router.serve(
        *(
            endpoint(name, None, port=one.port, provider="DeepSeek", tier=tier, capabilities=CAPABLE)
            for tier, (name, one) in enumerate((("a", a), ("b", b)))
        )
    )
    messages = [{"role": "user", "content": "Rivers?"}, {"role": "assistant", "content": "The ", "prefix": True}]

    answer = router.ask(stream=True, messages=messages).text

    assert text_of(answer) == "Rhine is long."
    assert b.asked[0].path == "/beta/chat/completions"
    assert b.asked[0].json()["messages"][-1] == {"role": "assistant", "content": "The Rhine is", "prefix": True}


def test_a_caller_that_leaves_takes_no_proof_away_from_the_next(router: Router, stack: ExitStack) -> None:
    """Its question ends with it, without an answer."""
    late = threading.Event()

    def proof() -> Answer:
        if not late.is_set():
            late.set()
            time.sleep(1)
        return good(" L M N")

    b = stack.enter_context(Answerer(server(proof, WORDS[26:])))
    router.serve(
        endpoint("a", None, port=cut(stack).port, provider="OpenAI"),
        endpoint("b", None, port=b.port, provider="LlamaCpp", tier=1, capabilities=CAPABLE),
    )
    with router.stream() as left:
        next(left.iter_text())
        late.wait(5)

    eventually(lambda: "continued by b" in router.ask(stream=True).text, "the next one is continued")
