"""What goes over the wire is what the API server reads: an apply is YAML to it, and YAML knows no surrogates."""

import asyncio

import pytest
import yaml
from kubernetes.aio.client.configuration import Configuration

from poolkeeper.kube.client import Cluster
from testing.fakes.kube.server import ApiServer, Asked
from unit.kube.things import child


def sent(words: str) -> Asked:
    """The request that applies a ConfigMap with these words in it."""

    async def story(url: str) -> None:
        async with Cluster(Configuration(host=url)).api() as api:
            await api.apply(child(data={"words": words}))

    with ApiServer() as server:
        asyncio.run(story(server.url))
        (asked,) = server.writes()
        return asked


@pytest.mark.parametrize(
    "words",
    [
        "plain",
        "größer, 深度求索",
        "an emoji \N{WHALE} and one of two parts \N{FAMILY}\N{ZERO WIDTH JOINER}\N{ROCKET}",
        "the last character \U0010ffff",
        "controls \x00 \x07 \x1b[31m \x7f \x80 \x9f",
        "breaks \n \r\n \x85 \u2028 \u2029",
        "marks \ufeff \ufffe \uffff",
        'quotes " and \\ and \\ud83d',
    ],
    ids=["ASCII", "other letters", "emoji", "the last", "controls", "line breaks", "marks", "quotes"],
)
def test_an_apply_says_what_was_meant(words: str) -> None:
    body = sent(words).body

    assert yaml.safe_load(body.decode("utf-8"))["data"]["words"] == words


def test_an_apply_escapes_nothing_into_surrogates() -> None:
    body = sent("\N{WHALE}").body

    assert b"\\ud83d" not in body.lower()
    assert "\N{WHALE}".encode() in body


def test_half_a_character_goes_as_a_question_mark() -> None:
    assert yaml.safe_load(sent("half \ud83d").body)["data"]["words"] == "half ?"
