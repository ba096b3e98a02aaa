"""llmock as providers of a pool: an independent fake that grades its callers."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testing import plain_http
from testing.fakes.deepseek import jsonin
from testing.gateways.gateway import Endpoint
from testing.process import answers, clean_environment, free_port, running

START_LIMIT_S = 60.0
STOPPED_READING = "malformed_chunk_ignored"
"""A client "neither retried nor stopped reading"."""
MODEL = "gpt-4o-mini"


@dataclass(frozen=True)
class Llmock:
    url: str

    def script(self, *behaviors: Mapping[str, object]) -> None:
        """The next requests meet these."""
        self._call("POST", "scenario", {"behaviors": list(behaviors)})

    def findings(self) -> list[str]:
        """What it has against its caller, a line each.

        Less those that its own journal refutes: it takes an attempt for a retry only when the one before had ended for
        it, and it may notice that its caller has hung up (completed: false) after the next attempt is there.
        """
        verdict = jsonin.obj(self._call("GET", "verdict", None), "verdict")
        found = [jsonin.obj(item, "finding") for item in jsonin.array(verdict["findings"], "findings")]
        hung_up = {record["seq"] for record in self._journal() if record["completed"] is False}
        return [
            f"{item['severity']} {item['code']}: {item['title']}"
            for item in found
            if not (item["code"] == STOPPED_READING and hung_up.issuperset(jsonin.array(item["requests"], "requests")))
        ]

    def _journal(self) -> list[dict[str, object]]:
        journal = jsonin.obj(self._call("GET", "requests", None), "journal")
        return [jsonin.obj(item, "record") for item in jsonin.array(journal["requests"], "requests")]

    def endpoint(self, name: str, tier: int, dialect: str = "OpenAI") -> Endpoint:
        """Endpoints of one server have the same model name: to its eyes an attempt at the next one is a retry."""
        return Endpoint(
            name=name,
            url=self.url + "/v1",
            key=f"sk-{name}",
            models={"flash": MODEL, "pro": MODEL},
            tier=tier,
            dialect=dialect,
            capabilities=(),
            max_connections=20,
        )

    def _call(self, method: str, action: str, body: object) -> object:
        content = None if body is None else json.dumps(body)
        headers = {"content-type": "application/json"}
        url = f"{self.url}/_llmock/{action}"
        response = plain_http.request(method, url, content=content, headers=headers)
        response.raise_for_status()
        return jsonin.load(response.content) if response.content else None


@contextmanager
def serving(python: Path, log: Path) -> Iterator[Llmock]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(python.with_name("llmock")), "serve", "--host", "127.0.0.1", "--port", str(port)]
    ready = f"{url}/_llmock/verdict"
    with running(
        [*command, "--response-style", "static", "--stream-chunk-delay-ms", "20"],
        clean_environment(),
        log,
        lambda: answers(ready),
        START_LIMIT_S,
    ):
        yield Llmock(url)
