"""A fake provider for a test: starts on a free port of 127.0.0.1, plays a scenario, reports what it saw.

    with FakeProvider(keys=["sk-a"]) as fake:
        fake.set("cut", after_chunks=2)
        ...                                     # talk to fake.url
        assert [entry.key for entry in fake.log()] == ["sk-a"]

It runs on a thread of the test process, or with `process=True` as a process of its own, started like in production.
Both speak through the control listener, which is there even while the provider refuses connections.
"""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from testing.fakes import tls
from testing.fakes.deepseek import __main__ as program
from testing.fakes.deepseek import jsonin
from testing.fakes.deepseek.ask import GENERATING, Surface
from testing.fakes.deepseek.log import Entry, Outcome

PATIENCE_S = 20.0
"""A hang guard, never an expectation."""
SOURCES = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Stats:
    total: int
    in_flight: int
    max_in_flight: int
    slots_taken: int
    by_scenario: dict[str, int]
    by_outcome: dict[str, int]
    by_status: dict[str, int]
    last_seq: int


class FakeProvider:
    """Synchronous and asynchronous context manager; every method is a short blocking call."""

    def __init__(
        self,
        name: str = "fake",
        *,
        keys: Iterable[str] = (),
        models: Iterable[str] = (),
        any_model: bool = False,
        scenario: str = "ok",
        params: Mapping[str, object] | None = None,
        max_inflight: int | None = None,
        overload: str = "rate_limit",
        text_seed: str = "",
        text_model: str = "",
        allow_header: bool = True,
        log_bodies: bool = True,
        tls_names: Iterable[str] = (),
        certificate: tls.Certificate | None = None,
        process: bool = False,
    ) -> None:
        """`tls_names`: serve TLS with a certificate for these names from `tls.shared_authority()`."""
        self.name = name
        self.url = ""
        self.port = 0
        self._control_port = 0
        self._process_wanted = process
        self._process: subprocess.Popen[str] | None = None
        self._thread: _Thread | None = None
        names = tuple(tls_names)
        pair = certificate or (tls.shared_authority().issue(*names) if names else None)
        self.ca_file: Path | None = tls.shared_authority().certificate.cert if names else None
        dials = params or {}
        self._arguments = [
            "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--name", name, "--scenario", scenario,
            "--overload", overload, "--text-seed", text_seed, "--text-model", text_model,
            *(argument for key in keys for argument in ("--key", key)),
            *(argument for dial, value in dials.items() for argument in ("--param", f"{dial}={json.dumps(value)}")),
            *(("--models", ",".join(models)) if models else ()),
            *(("--max-inflight", str(max_inflight)) if max_inflight is not None else ()),
            *(("--any-model",) if any_model else ()),
            *(("--allow-header",) if allow_header else ()),
            *(("--log-bodies",) if log_bodies else ()),
            *(("--tls-cert", str(pair.cert), "--tls-key", str(pair.key)) if pair else ()),
        ]  # fmt: skip

    # --- life

    def start(self) -> Self:
        if self._process_wanted:
            environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
            command = [sys.executable, "-m", "testing.fakes.deepseek", *self._arguments]
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
            assert self._process.stdout is not None
            ready = self._process.stdout.readline()
        else:
            self._thread = _Thread(self._arguments)
            ready = self._thread.ready
        words = ready.split()
        if len(words) != 4 or words[0] != "ready":
            self.stop()
            raise RuntimeError(f"fake provider {self.name!r} said {ready!r}, wanted `ready URL control URL`")
        self.url = words[1]
        self.port = int(words[1].rpartition(":")[2])
        self._control_port = int(words[3].rpartition(":")[2])
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=PATIENCE_S)
            self._process = None
        if self._thread is not None:
            self._thread.stop()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- what to play

    def set(self, scenario: str, *, surfaces: Iterable[str] | None = None, **params: object) -> None:
        """From now on this scenario; in force when the call returns."""
        document: dict[str, object] = {"scenario": scenario, "params": params}
        if surfaces is not None:
            document["surfaces"] = list(surfaces)
        self.play(document)

    def play(self, plan: Mapping[str, object]) -> None:
        """A plan as PUT /_fake/scenario takes it: a script, a mix, a timeline."""
        self._call("PUT", "scenario", plan)

    def with_keys(self, **scenarios: str | Mapping[str, object]) -> None:
        """What requests with these keys (`sk_a` for sk-a) meet instead: a scenario, or {scenario, params}. No other."""
        wanted = {key.replace("_", "-"): one for key, one in scenarios.items()}
        self._call(
            "PUT",
            "keys",
            {key: {"scenario": one} if isinstance(one, str) else one for key, one in wanted.items()},
        )

    def settings(self, **settings: object) -> None:
        """Changes what the provider checks by itself: keys, models, any_model, max_inflight, overload."""
        self._call("PUT", "settings", settings)

    def reset(self) -> None:
        self._call("POST", "reset")

    # --- what it saw

    def log(self, since: int = 0) -> list[Entry]:
        answer = jsonin.obj(self._call("GET", f"log?since={since}"), "log")
        return [_entry(jsonin.obj(item, "entry")) for item in jsonin.array(answer["entries"], "entries")]

    def requests(self) -> list[Entry]:
        """What was asked to generate."""
        return [entry for entry in self.log() if entry.surface in GENERATING]

    def checks(self, since: int = 0) -> list[Entry]:
        """What health checks asked."""
        return [entry for entry in self.log(since) if entry.surface and entry.surface not in GENERATING]

    def stats(self) -> Stats:
        answer = jsonin.obj(self._call("GET", "stats"), "stats")
        return Stats(
            **{name: jsonin.integer(answer[name], name) for name in ("total", "in_flight", "max_in_flight")},
            slots_taken=jsonin.integer(answer["slots_taken"], "slots_taken"),
            by_scenario=_counts(answer["by_scenario"]),
            by_outcome=_counts(answer["by_outcome"]),
            by_status=_counts(answer["by_status"]),
            last_seq=jsonin.integer(answer["last_seq"], "last_seq"),
        )

    def wait_for(self, wanted: Callable[[list[Entry]], bool], patience_s: float = PATIENCE_S) -> list[Entry]:
        """Polls the log until it is as wanted."""
        deadline = time.monotonic() + patience_s
        while not wanted(entries := self.log()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"fake provider {self.name!r} saw only {entries} in {patience_s} s")
            time.sleep(0.005)
        return entries

    def wait_idle(self, patience_s: float = PATIENCE_S) -> list[Entry]:
        """The log, once no request is in flight any more."""
        return self.wait_for(lambda entries: all(e.outcome is not Outcome.IN_PROGRESS for e in entries), patience_s)

    def _call(self, method: str, action: str, document: Mapping[str, object] | None = None) -> object:
        connection = http.client.HTTPConnection("127.0.0.1", self._control_port, timeout=PATIENCE_S)
        try:
            body = None if document is None else json.dumps(document)
            connection.request(method, f"/_fake/{action}", body)
            response = connection.getresponse()
            answer = jsonin.load(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(f"fake provider {self.name!r}: {jsonin.obj(answer, 'answer').get('error')}")
        return answer


class _Thread:
    """The same program on a thread with a loop of its own."""

    def __init__(self, arguments: list[str]) -> None:
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._started = threading.Event()
        self.ready = ""
        self._thread = threading.Thread(target=self._run, args=(arguments,), name="fake provider", daemon=True)
        self._thread.start()
        self._started.wait(PATIENCE_S)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(PATIENCE_S)

    def _run(self, arguments: list[str]) -> None:
        options = program.parser().parse_args(arguments)
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(program.run(program.build(options), options, self._ended, self._tell))

    def _tell(self, ready: str) -> None:
        self.ready = ready
        self._started.set()


def _entry(fields: dict[str, object]) -> Entry:
    fields["outcome"] = Outcome(jsonin.string(fields["outcome"], "outcome"))
    if fields["surface"] is not None:
        fields["surface"] = Surface(jsonin.string(fields["surface"], "surface"))
    return Entry(**fields)  # type: ignore[arg-type]  # written from the same dataclass on the other side


def _counts(value: object) -> dict[str, int]:
    return {name: jsonin.integer(count, name) for name, count in jsonin.obj(value, "counts").items()}
