"""What answers 200 and is no answer (a login page, a proxy's half document) is a reason to ask again, never a bug."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from kubernetes.aio.client.configuration import Configuration

from poolkeeper.errors import RetryLater
from poolkeeper.kube.client import Cluster, KubeApi
from testing.fakes.kube.hostile import Play, answer, page
from testing.fakes.kube.server import ApiServer
from unit.kube.things import child

ANSWERS = {
    "a page of HTML": page(),
    "nothing": answer(200),
    "half of it": answer(200, b'{"kind": "ConfigMap", "metadata": {"name"'),
    "a list of words": answer(200, b'["a", "b"]'),
    "a number": answer(200, b"7"),
    "null": answer(200, b"null"),
    "no UTF-8": answer(200, b'{"kind": "\xff\xfe"}'),
    "nested deep": answer(200, b"[" * 100_000),
    "an object without metadata": answer(200, {"kind": "ConfigMap"}),
    "metadata that is text": answer(200, {"kind": "ConfigMap", "metadata": "none"}),
}
CALLS: dict[str, Callable[[KubeApi], Awaitable[object]]] = {
    "apply": lambda api: api.apply(child()),
    "create": lambda api: api.create(child()),
    "replace": lambda api: api.replace(child()),
    "merge": lambda api: api.merge("ConfigMap", "team", "chat-router", {}),
    "get": lambda api: api.get("ConfigMap", "team", "chat-router"),
    "list": lambda api: api.list_metadata("ConfigMap", "team", ""),
}
VERBS = {"apply": "patch", "merge": "patch", "create": "post", "replace": "put", "get": "get", "list": "list"}


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
@pytest.mark.parametrize("play", ANSWERS.values(), ids=list(ANSWERS))
def test_what_is_no_answer_is_asked_for_again(
    play: Play, call: Callable[[KubeApi], Awaitable[object]], request: pytest.FixtureRequest
) -> None:
    async def story(url: str) -> None:
        async with Cluster(Configuration(host=url)).api() as api:
            await call(api)

    name = next(name for name, one in CALLS.items() if one is call)
    with ApiServer() as server:
        server.play("configmaps", VERBS[name], play)
        with pytest.raises(RetryLater, match="ConfigMap"):
            asyncio.run(story(server.url))


@pytest.mark.parametrize("rest", [{}, {"items": None}, {"items": []}], ids=["left out", "null", "empty"])
def test_an_empty_list_may_have_no_items(rest: dict[str, object]) -> None:
    async def story(url: str) -> object:
        async with Cluster(Configuration(host=url)).api() as api:
            return await api.list_metadata("ConfigMap", "team", "")

    with ApiServer() as server:
        server.play("configmaps", "list", answer(200, {"kind": "PartialObjectMetadataList", "metadata": {}, **rest}))
        assert asyncio.run(story(server.url)) == []


@pytest.mark.parametrize(
    "item",
    [{}, {"metadata": {}}, {"metadata": "a"}],
    ids=["nothing", "no name", "metadata that is text"],
)
def test_a_list_of_things_without_names_is_asked_for_again(item: object) -> None:
    async def story(url: str) -> None:
        async with Cluster(Configuration(host=url)).api() as api:
            await api.list_metadata("ConfigMap", "team", "")

    with ApiServer() as server:
        server.play("configmaps", "list", answer(200, {"kind": "List", "items": [item]}))
        with pytest.raises(RetryLater, match="ConfigMap"):
            asyncio.run(story(server.url))
