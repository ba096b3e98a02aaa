"""An answer that names another model than the one that was requested is seen, and refused where the policy says so."""

import json

import pytest

from poolkeeper.api.router_document import ModelRoute, PolicyDoc
from router.harness import MODEL, Router, endpoint, eventually, policy
from scrape import total
from testing.fakes.answerer import Answer, Answerer
from testing.fakes.harness import FakeProvider

STRICT = policy().model_copy(update={"substitution": "NextEndpoint"})
OTHER = "deepseek-v3.2"


def saying(model: str, *, stream: bool = False) -> Answer:
    """A good answer under this name."""
    if not stream:
        choice = {"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}
        return Answer(200, {"id": "1", "model": model, "choices": [choice]})
    events = [
        {"model": model, "choices": [{"index": 0, "delta": {"content": "fine"}, "finish_reason": None}]},
        {"model": model, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ]
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    return Answer(200, text.encode(), {"content-type": "text/event-stream"})


def counted(router: Router, name: str) -> float:
    return total(router.metrics(), "poolkeeper_substitutions_total", endpoint=name, model=MODEL)


@pytest.mark.parametrize("stream", [False, True])
def test_another_model_is_reported_and_its_answer_passed_on(router: Router, stream: bool) -> None:
    with Answerer(lambda _: saying(OTHER, stream=stream)) as provider:
        router.serve(endpoint("a", port=provider.port))
        assert router.ask(stream=stream).is_success
        assert router.ask(stream=stream).is_success

        eventually(lambda: counted(router, "a") == 2, "both are counted")
        (model,) = router.endpoint("a").models
        assert model.answered_by == OTHER
        assert model.answered_by_since is not None


@pytest.mark.parametrize(
    ("said", "aliases", "provider"),
    [
        (MODEL, (), "DeepSeek"),
        ("deepseek-ai/DeepSeek-V4-Pro-0813", (), "DeepSeek"),
        ("internal-name-7", ("internal-name-7",), "DeepSeek"),
        ("/models/x.gguf", (), "LlamaCpp"),
    ],
)
def test_another_name_of_the_same_model_is_no_alarm(
    router: Router, said: str, aliases: tuple[str, ...], provider: str
) -> None:
    route = ModelRoute(name=MODEL, upstream_name=MODEL, aliases=aliases)
    with Answerer(lambda _: saying(said)) as fake:
        router.serve(endpoint("a", port=fake.port, models=(route,), provider=provider), policy=STRICT)
        assert router.ask().is_success

        eventually(lambda: total(router.metrics(), "poolkeeper_responses_total") == 1, "it is counted")
        assert counted(router, "a") == 0
        assert router.endpoint("a").models[0].answered_by is None


@pytest.mark.parametrize("stream", [False, True])
def test_under_next_endpoint_another_endpoint_answers_and_this_one_is_left_alone(
    router: Router, b: FakeProvider, stream: bool
) -> None:
    asked: list[object] = []

    def answer(request: object) -> Answer:
        asked.append(request)
        return saying(OTHER, stream=stream)

    with Answerer(answer) as fake:
        router.serve(endpoint("a", port=fake.port), endpoint("b", b, tier=1), policy=STRICT)
        for _ in range(3):
            assert router.ask(stream=stream).headers["x-poolkeeper-endpoint"] == "b"

    assert len(asked) == 1
    assert counted(router, "a") == 1
    assert total(router.metrics(), "poolkeeper_upstream_errors_total", endpoint="a", **{"class": "ModelMissing"}) == 1


def test_words_of_an_answer_are_bounded_and_say_no_more_than_a_name(router: Router) -> None:
    with Answerer(lambda _: saying("evil <b>&" + "x" * 200)) as fake:
        router.serve(endpoint("a", port=fake.port))
        assert router.ask().is_success

        answered_by = router.endpoint("a").models[0].answered_by
        assert answered_by is not None
        assert answered_by.startswith("evil ?b??x")
        assert len(answered_by) <= 128


def test_the_default_is_to_report() -> None:
    assert PolicyDoc.model_fields["substitution"].default == "Report"
