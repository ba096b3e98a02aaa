"""Keys and values, from manifests and from the environment; no message quotes a value."""

import pytest

from poolkeeper.errors import UserError
from poolkeeper.local.manifest_files import Document, Place
from poolkeeper.local.secret_data import SecretEnv, content_of


def document(kind: str, **body: object) -> Document:
    return Document(Place("a.yaml", 1), kind, "default", "name", body)


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (document("Secret", data={"k": "c2stMQ=="}), {"k": b"sk-1"}),
        (document("Secret", data={"k": "c2st\nMQ==\n"}), {"k": b"sk-1"}),
        (document("Secret", stringData={"k": "sk-1"}), {"k": b"sk-1"}),
        (document("Secret", data={"k": "b2xk"}, stringData={"k": "new"}), {"k": b"new"}),
        (document("ConfigMap", data={"k": "text"}), {"k": b"text"}),
        (document("ConfigMap", binaryData={"k": "AAE="}), {"k": b"\x00\x01"}),
        (document("Secret"), {}),
    ],
)
def test_contents(given: Document, want: dict[str, bytes]) -> None:
    found = content_of(given)

    assert (found.values, found.problems) == (want, ())


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (document("Secret", data={"k": "sk-canary!"}), "data.k: is not base64; encode it, or put the plain text"),
        (document("Secret", stringData={"k": 12345}), "stringData.k: seen a int; wanted text, so put it in quotes"),
        (document("Secret", stringData=["sk-canary"]), "stringData: seen a list; wanted keys with values"),
    ],
)
def test_what_is_wrong_is_reported_without_the_value(given: Document, want: str) -> None:
    problems = [str(problem) for problem in content_of(given).problems]

    assert len(problems) == 1
    assert problems[0].startswith(want)
    assert "canary" not in problems[0]


def test_a_secret_from_the_environment() -> None:
    env = SecretEnv.parse("deepseek/api-key=DEEPSEEK_API_KEY")

    assert (env.secret, env.key) == ("deepseek", "api-key")
    assert env.value({"DEEPSEEK_API_KEY": "sk-1"}) == b"sk-1"


@pytest.mark.parametrize("text", ["", "deepseek", "deepseek=VAR", "deepseek/=VAR", "/key=VAR", "deepseek/key", "a/b="])
def test_an_unreadable_secret_env_says_what_is_wanted(text: str) -> None:
    with pytest.raises(UserError, match="wanted NAME/KEY=VAR"):
        SecretEnv.parse(text)


@pytest.mark.parametrize(("environ", "want"), [({}, "is not set"), ({"VAR": ""}, "is empty")])
def test_a_missing_variable_is_named(environ: dict[str, str], want: str) -> None:
    with pytest.raises(UserError, match=f"the environment variable VAR {want}"):
        SecretEnv.parse("deepseek/api-key=VAR").value(environ)
