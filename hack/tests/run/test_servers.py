"""Real model servers as endpoints: llama.cpp's own server with a small model, behind `poolkeeper run`.

`make test-servers` installs the server once and plays these, in four minutes. `make test` does not: it would have to
download it.
What is broken on the way is broken by a stand-in (testing/fakes/standin.py), so the words are always the real model's.
"""

import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from hack.bench.soak.model_server import MODEL, model_server
from testing import plain_http
from testing.fakes.standin import StandIn
from testing.runs.running import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not os.environ.get("POOLKEEPER_SERVERS"), reason="`make test-servers` plays these"),
]
PATIENCE_S = 60.0
POLICY = {
    "healthCheck": {"type": "None"},
    "timeouts": {"connect": "2s", "firstToken": "20s", "interToken": "20s"},
    "balancing": {"slowStart": "0s"},
    "fallback": {"cacheTTL": "0s"},
}
QUESTIONS = ("Name three rivers of Europe.", "Count from one to twenty.", "Write a haiku about rain.", "What is 2 + 2?")
STEADY = {"temperature": 0, "seed": 7, "max_tokens": 60}


@dataclass(frozen=True)
class Server:
    port: int

    def ask(self, body: Mapping[str, object], path: str = "/v1/chat/completions") -> httpx.Response:
        return plain_http.post(f"http://127.0.0.1:{self.port}{path}", json=body, timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with model_server(tmp_path_factory.mktemp("server")) as port:
        yield Server(port)


@dataclass(frozen=True)
class Pair:
    """A pool of two stand-ins in front of the same server; the second can continue answers."""

    run: Run
    a: StandIn
    b: StandIn


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def alone(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with ExitStack() as stack:
        yield serve(stack, tmp_path_factory.mktemp("alone"), [server.port])


@pytest.fixture(scope="module")
def pair(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with ExitStack() as stack:
        a, b = (stack.enter_context(StandIn(server.port)) for _ in range(2))
        yield Pair(serve(stack, tmp_path_factory.mktemp("pair"), [a.port, b.port], failures=10_000), a, b)


def serve(stack: ExitStack, folder: Path, ports: Sequence[int], failures: int = 3) -> Run:
    """`poolkeeper run` with an endpoint at each port, a tier each. failures: that open a breaker."""
    endpoints = [
        {"name": "abc"[tier], "provider": "LlamaCpp", "url": f"http://127.0.0.1:{port}/v1", "tier": tier}
        for tier, port in enumerate(ports)
    ]
    last = {**endpoints[-1], "capabilities": ["PrefixCompletion"]}
    spec = {"models": [MODEL], "endpoints": [*endpoints[:-1], last], "failoverPolicyRef": {"name": "p"}}
    breaker = {"circuitBreaker": {"consecutiveFailures": failures, "recoveryTimeout": "60s"}}
    documents = [_object("EndpointPool", "chat", spec), _object("FailoverPolicy", "p", {**POLICY, **breaker})]
    file = folder / "pool.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    return stack.enter_context(Run(folder / "state", "-f", file))


def _object(kind: str, name: str, spec: object) -> dict[str, object]:
    return {"apiVersion": "poolkeeper.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def question(content: str, **more: object) -> dict[str, object]:
    return {"model": MODEL, "messages": [{"role": "user", "content": content}], **STEADY, **more}


def ask(run: Run, body: Mapping[str, object], path: str = "/chat/completions") -> httpx.Response:
    return plain_http.post(f"{run.base_url}{path}", json=body, timeout=PATIENCE_S)


def said(stream: str) -> tuple[str, bool]:
    """The text, and whether it ends as a whole answer does."""
    data = [line.removeprefix("data: ") for line in stream.splitlines() if line.startswith("data: ")]
    chunks = [json.loads(one) for one in data if one != "[DONE]"]
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk.get("choices") or [])
    return text, data[-1:] == ["[DONE]"] and not any("error" in chunk for chunk in chunks)


def breaker(run: Run) -> list[object]:
    endpoints = run.router_state()["endpoints"]
    assert isinstance(endpoints, list)
    return [one["breaker"] for one in endpoints]


@pytest.mark.parametrize("content", QUESTIONS)
def test_an_answer_is_the_servers_own(server: Server, alone: Run, content: str) -> None:
    direct, asked = server.ask(question(content)).json(), ask(alone, question(content)).json()

    (choice,) = asked["choices"]
    assert {**choice, "logprobs": None} == {**direct["choices"][0], "logprobs": None}
    assert asked["usage"]["completion_tokens"] == direct["usage"]["completion_tokens"]
    text, is_whole = said(ask(alone, question(content, stream=True)).text)
    assert (text, is_whole) == (direct["choices"][0]["message"]["content"], True)


@pytest.mark.parametrize("after", [2, 9, 23])
@pytest.mark.parametrize("content", QUESTIONS[:3])
def test_a_cut_answer_goes_on_in_the_same_turn(server: Server, pair: Pair, content: str, after: int) -> None:
    pair.a.cut_after, pair.b.closes_turns = after, False
    want = server.ask(question(content)).json()["choices"][0]["message"]["content"]

    answer = ask(pair.run, question(content, stream=True)).text

    assert said(answer) == (want, True)
    assert "continued by b" in answer


@pytest.mark.parametrize("temperature", [0, 1.5])
def test_two_turns_are_never_joined(server: Server, stack: ExitStack, tmp_path: Path, temperature: float) -> None:
    """A server that closes what it is given to continue, as llama-cpp-python and Ollama do."""
    a, b = (stack.enter_context(StandIn(server.port)) for _ in range(2))
    a.cut_after, b.closes_turns = 9, True
    run = serve(stack, tmp_path, [a.port, b.port], failures=10_000)
    body = question(QUESTIONS[0], stream=True, temperature=temperature)
    want = server.ask(question(QUESTIONS[0], temperature=temperature)).json()["choices"][0]["message"]["content"]

    answer = ask(run, body).text

    text, is_whole = said(answer)
    assert "continued by" not in answer
    assert text == want if is_whole else "error" in answer


PICTURE = "data:image/png;base64,AA"
NO_SCHEMA = {"type": "json_schema", "json_schema": {"schema": {"type": "x"}}}
CALLERS_FAULTS: Mapping[str, tuple[str, dict[str, object]]] = {
    "an image, without a projector": (
        "/chat/completions",
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}]},
    ),
    "messages that are no list": ("/chat/completions", {"messages": "hello"}),
    "a message without a role": ("/chat/completions", {"messages": [{"content": "hello"}]}),
    "no messages": ("/chat/completions", {}),
    "tools that are none": ("/chat/completions", {"messages": [{"role": "user", "content": "x"}], "tools": ["x"]}),
    "a schema that is none": (
        "/chat/completions",
        {"messages": [{"role": "user", "content": "x"}], "response_format": NO_SCHEMA},
    ),
    "a prompt over the context": ("/chat/completions", {"messages": [{"role": "user", "content": "rain " * 9000}]}),
}  # fmt: skip


@pytest.mark.parametrize("fault", CALLERS_FAULTS)
def test_a_fault_of_the_caller_is_the_callers(alone: Run, fault: str) -> None:
    path, members = CALLERS_FAULTS[fault]

    statuses = {ask(alone, {"model": MODEL, **members, "user": str(number)}, path).status_code for number in range(4)}

    assert all(400 <= status < 500 for status in statuses), statuses
    assert breaker(alone) == ["Closed"]
    assert ask(alone, question(QUESTIONS[3])).status_code == 200


def test_usage_comes_only_to_who_asks_for_it(alone: Run) -> None:
    without = ask(alone, question(QUESTIONS[3], stream=True)).text
    with_it = ask(alone, question(QUESTIONS[3], stream=True, stream_options={"include_usage": True})).text

    assert '"usage":{' not in without.replace(" ", "")
    assert '"usage":{' in with_it.replace(" ", "")


@pytest.mark.parametrize("stop", ["SIGKILL", "SIGSTOP"])
def test_a_server_that_dies_or_hangs_is_replaced(server: Server, stack: ExitStack, tmp_path: Path, stop: str) -> None:
    doomed = tmp_path / "doomed"
    doomed.mkdir()
    port = stack.enter_context(model_server(doomed))
    run = serve(stack, tmp_path, [port, server.port])
    body = question("Write a long story about a river.", max_tokens=300)
    want = server.ask(body).json()["choices"][0]["message"]["content"]
    pid, got = _listener(port), ""

    with (
        plain_http.Client(timeout=PATIENCE_S) as client,
        client.stream("POST", f"{run.base_url}/chat/completions", json={**body, "stream": True}) as answer,
    ):
        for number, line in enumerate(answer.iter_lines()):
            got += line + "\n"
            if number == 20:
                os.kill(pid, getattr(signal, stop))
    if stop == "SIGSTOP":
        os.kill(pid, signal.SIGCONT)

    assert said(got) == (want, True)


def _listener(port: int) -> int:
    """The process that listens there."""
    wanted = f"0100007F:{port:04X}"
    inode = next(
        fields[9] for fields in (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        if fields[1] == wanted and fields[3] == "0A"
    )  # fmt: skip
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(one.readlink()) == f"socket:[{inode}]" for one in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    raise LookupError(f"nobody listens at {port}")
