"""A real router on loopback for a test: entrypoint.sh, a run folder of its own, documents written through the models.

    with Router(tmp_path) as router:
        router.serve(endpoint("a", fake))
        answer = router.ask()

At the end it must have taken nothing with it: every slot free again, and no error in nginx's log but those the test
said it would provoke.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from poolkeeper.api.router_document import (
    AccessDoc,
    BalancingDoc,
    CircuitBreakerDoc,
    Credential,
    EndpointDoc,
    FailbackDoc,
    FallbackDoc,
    HealthCheckDoc,
    ModelRoute,
    PolicyDoc,
    RetryDoc,
    RouterDoc,
    StreamingDoc,
    TimeoutsDoc,
    Tls,
)
from poolkeeper.api.router_state import EndpointState, RouterState
from testing import plain_http
from testing.fakes.harness import FakeProvider
from testing.fakes.ports import free_port
from testing.fakes.tls import unused_authority
from testing.waiting import until

HOME = Path(__file__).resolve().parents[2] / "router"
MODEL = "deepseek-v4-pro"
PATIENCE_S = 20.0
"""A hang guard, never an expectation."""
LOGGED_ERROR = re.compile(r"\[(error|alert|crit|emerg)\]")
PEER_RESET = r"recv\(\) failed \(104"
"""What nginx itself logs when a peer resets a connection."""


def eventually(wanted: Callable[[], bool], what: str) -> None:
    until(wanted, what, PATIENCE_S)


POLICY = PolicyDoc(
    health_check=HealthCheckDoc(
        type="None", interval_ms=200, timeout_ms=1_000, unhealthy_threshold=2, healthy_threshold=2
    ),
    circuit_breaker=CircuitBreakerDoc(
        error_rate_percent=50,
        sliding_window_ms=60_000,
        minimum_requests=1_000,
        consecutive_failures=3,
        recovery_timeout_ms=400,
        max_recovery_timeout_ms=2_000,
        half_open_max_requests=2,
    ),
    retry=RetryDoc(
        max_attempts=3, budget_percent=20, honor_retry_after=True, busy_backoff_ms=(300, 600), tier_wait_ms=0
    ),
    timeouts=TimeoutsDoc(connect_ms=3_000, first_token_ms=3_000, inter_token_ms=3_000, request_ms=20_000),
    balancing=BalancingDoc(algorithm="Dynamic", slow_start_ms=0),
    streaming=StreamingDoc(recovery="Continue", whole_answers="AsAsked"),
    failback=FailbackDoc(stabilization_ms=0),
    fallback=FallbackDoc(default_response="System busy, please retry shortly"),
)
"""Short times, so that little has to be waited for, and longer than a busy machine stalls; no health checks, so that
providers see only what a test asks."""


STAYS_OPEN: Mapping[str, object] = {"recovery_timeout_ms": 60_000, "max_recovery_timeout_ms": 60_000}
"""Of a circuit_breaker whose state is looked at: however long that takes, no half-open request comes between."""


def policy(**parts: Mapping[str, object]) -> PolicyDoc:
    """POLICY with some fields changed: policy(timeouts={"first_token_ms": 200})."""
    changed = {name: {**getattr(POLICY, name).model_dump(), **fields} for name, fields in parts.items()}
    return PolicyDoc.model_validate({**POLICY.model_dump(), **changed})


def endpoint(name: str, fake: FakeProvider | None = None, **fields: object) -> EndpointDoc:
    """An endpoint at a fake, with the key `sk-NAME` in the file NAME."""
    known: dict[str, object] = {
        "name": name,
        "fingerprint": f"fp-{name}",
        "provider": "DeepSeek",
        "tier": 0,
        "weight": 100,
        "mode": "Active",
        "scheme": "http",
        "host": "127.0.0.1",
        "port": fake.port if fake else 1,
        "path": "/v1",
        "credential": Credential(file=name, source=f"Secret keys, key {name}"),
        "max_connections": 50,
        "base_latency_ms": 500,
        "models": (ModelRoute(name=MODEL, upstream_name=MODEL),),
    }
    return EndpointDoc.model_validate({**known, **fields})


def tls(server_name: str) -> dict[str, object]:
    """The fields that make an endpoint one with TLS."""
    return {"scheme": "https", "tls": Tls(server_name=server_name)}


class Router:
    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        allowed_errors: str | None = None,
        authority: Path | None = None,
        environment: Mapping[str, str] | None = None,
        home: Path = HOME,
    ) -> None:
        """allowed_errors: a pattern of lines that nginx may log. authority: a certificate to trust. home: the data
        plane to start."""
        self.folder = folder
        self.port, self.admin_port = free_port(), free_port()
        self.url, self.admin = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.admin_port}"
        self.workers = workers
        self._allowed = allowed_errors
        self._authority = authority
        self._environment = environment or {}
        self._home = home
        self._generation = 0
        self._process: subprocess.Popen[bytes] | None = None
        for part in ("config", "credentials", "clients", "ca"):
            (folder / part).mkdir(exist_ok=True)
        self.client = plain_http.Client(base_url=self.url, timeout=PATIENCE_S)

    # --- life

    def start(self) -> Self:
        if self._authority:
            (self.folder / "ca" / "ca.crt").write_bytes(self._authority.read_bytes())
        environment = {
            **os.environ,
            "POOLKEEPER_RUN_DIR": str(self.folder / "run"),
            "POOLKEEPER_CONFIG_DIR": str(self.folder / "config"),
            "POOLKEEPER_CREDENTIALS_DIR": str(self.folder / "credentials"),
            "POOLKEEPER_CLIENTS_DIR": str(self.folder / "clients"),
            "POOLKEEPER_CA_DIR": str(self.folder / "ca"),
            "POOLKEEPER_LISTEN": f"127.0.0.1:{self.port}",
            "POOLKEEPER_ADMIN": f"127.0.0.1:{self.admin_port}",
            "POOLKEEPER_WORKERS": str(self.workers),
            "POOLKEEPER_REQUEST_LOG": str(self.request_log_file),
            "SSL_CERT_FILE": str(unused_authority()),  # nginx takes longer to read the system's than for all the rest
            **self._environment,
        }
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._home / "entrypoint.sh")], env=environment, stdout=log, stderr=log
            )
        try:
            eventually(self._answers, "the router's admin port answers")
        except AssertionError as error:
            raise AssertionError(f"{error}; its log: {self.log()}") from None
        return self

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        with contextlib.suppress(httpx.TransportError):
            return plain_http.get(f"{self.admin}/healthz").status_code == 200
        return False

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait_end(self) -> int:
        assert self._process is not None
        return self._process.wait(PATIENCE_S)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGTERM)
            self.wait_end()

    def worker_pids(self) -> list[int]:
        assert self._process is not None
        return [
            int(pid) for pid in Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        ]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._process is not None and self._process.poll() is None:
                eventually(self.is_idle, "every slot is free again")
        finally:
            self.stop()
            self.client.close()
        if kind is None:
            unexpected = self.unexpected_errors()
            assert not unexpected, "\n".join(unexpected)

    # --- the log

    @property
    def log_file(self) -> Path:
        return self.folder / "router.log"

    @property
    def request_log_file(self) -> Path:
        return self.folder / "requests.log"

    def request_log(self) -> list[str]:
        """A line a request."""
        return self.request_log_file.read_text().splitlines() if self.request_log_file.exists() else []

    def log(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""

    def allow(self, pattern: str) -> None:
        """Lines that this test makes nginx log."""
        self._allowed = f"{self._allowed}|{pattern}" if self._allowed else pattern

    def unexpected_errors(self) -> list[str]:
        lines = [line for line in self.log().splitlines() if LOGGED_ERROR.search(line)]
        return [line for line in lines if not (self._allowed and re.search(self._allowed, line))]

    # --- the document

    def document(self, *endpoints: EndpointDoc, **fields: object) -> RouterDoc:
        self._generation += 1
        known: dict[str, object] = {
            "pool": "default/chat",
            "generation": self._generation,
            "hash": f"hash{self._generation}",
            "allow_loopback": True,
            "models": (MODEL,),
            "endpoints": endpoints,
            "policy": POLICY,
            "access": AccessDoc(mode="Open"),
        }
        return RouterDoc.model_validate({**known, **fields})

    def serve(self, *endpoints: EndpointDoc, **fields: object) -> RouterDoc:
        """Writes keys and a document, and waits until all of it is served."""
        for one in endpoints:
            for key in one.credentials or ((one.credential,) if one.credential else ()):
                if not (self.folder / "credentials" / key.file).exists():
                    self.write_key(key.file, f"sk-{key.file if one.credentials else one.name}")
        document = self.document(*endpoints, **fields)
        self.write(document.model_dump_json(by_alias=True))
        eventually(
            lambda: self.state().generation == document.generation, f"generation {document.generation} is served"
        )
        return document

    def write(self, text: str) -> None:
        """As a mounted ConfigMap changes: another file is swapped in."""
        draft = self.folder / "config" / "router.json.new"
        draft.write_text(text)
        draft.rename(self.folder / "config" / "router.json")

    def write_key(self, file: str, value: str, folder: str = "credentials") -> None:
        (self.folder / folder / file).write_text(value)

    # --- what it says

    def state(self) -> RouterState:
        return RouterState.model_validate(plain_http.get(f"{self.admin}/state").json())

    def endpoint(self, name: str) -> EndpointState:
        return next(one for one in self.state().endpoints if one.name == name)

    def is_idle(self) -> bool:
        return all(one.in_flight == 0 for one in self.state().endpoints)

    def metrics(self) -> str:
        return plain_http.get(f"{self.admin}/metrics").text

    # --- requests

    def ask(
        self, *, path: str = "/v1/chat/completions", headers: dict[str, str] | None = None, **body: object
    ) -> httpx.Response:
        return self.client.post(path, json=request(**body), headers=headers)

    @contextlib.contextmanager
    def stream(self, **body: object) -> Iterator[httpx.Response]:
        with self.client.stream("POST", "/v1/chat/completions", json=request(stream=True, **body)) as response:
            yield response


def request(**fields: object) -> dict[str, object]:
    return {"model": MODEL, "messages": [{"role": "user", "content": "Say something."}], **fields}


def events(text: str) -> list[str]:
    """The data of a stream's events."""
    return [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]


def text_of(stream: str) -> str:
    """All content of a stream; every event must be JSON."""
    chunks = [json.loads(data) for data in events(stream) if data != "[DONE]"]
    return "".join(
        (choice["delta"].get("reasoning_content") or "") + (choice["delta"].get("content") or "")
        for chunk in chunks
        for choice in chunk.get("choices", [])
    )
