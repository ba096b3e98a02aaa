"""Ours against bare nginx `proxy_pass`, one worker each, in one run: requests a second and CPU time a request.

Rounds are interleaved (bare, ours, bare, ours, …) and the medians of the rounds' ratios are what counts, because the
machine is shared: a slow minute hits both. Exit 1 when a ratio is below FLOOR.

    python hack/bench/bench.py [--rounds 7] [--seconds 4]
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FLOOR = 0.85
CONNECTIONS = 32
HERE = Path(__file__).resolve().parent
ROUTER = HERE.parents[1] / "router"
PATIENCE_S = 20.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Case:
    """A kind of request; folder: what the backend serves it under."""

    name: str
    folder: str
    stream: bool

    @property
    def body(self) -> str:
        messages = [{"role": "user", "content": "Tell me about the quick brown fox and the lazy dog."}]
        return json.dumps({"model": "m", "messages": messages, "stream": self.stream})


@dataclass(frozen=True)
class Target:
    """A proxy under test: where it listens, and what its paths start with."""

    port: int
    prefix: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}/v1/chat/completions"


@dataclass(frozen=True)
class Round:
    requests_per_s: float
    cpu_us_per_request: float
    p99_ms: float
    errors: int


CASES = (Case("JSON", "json", False), Case("64-event stream", "stream", True))


def document(case: Case, backend_port: int) -> str:
    """router.json for one endpoint: the backend."""
    route = {"name": "m", "upstreamName": "m"}
    endpoint = {
        "name": "backend", "fingerprint": case.folder, "provider": "OpenAI", "tier": 0, "weight": 100, "mode": "Active",
        "scheme": "http", "host": "127.0.0.1", "port": backend_port, "path": f"/{case.folder}/v1", "tls": None,
        "credential": {"file": "backend", "source": "the benchmark"}, "maxConnections": 1000, "baseLatencyMs": 100,
        "models": [route], "capabilities": [], "region": "",
    }  # fmt: skip
    policy = {
        "healthCheck": {
            "type": "None", "intervalMs": 0, "timeoutMs": 1, "unhealthyThreshold": 1, "healthyThreshold": 1,
        },
        "circuitBreaker": {
            "errorRatePercent": 50, "slidingWindowMs": 60000, "minimumRequests": 20, "consecutiveFailures": 5,
            "recoveryTimeoutMs": 30000, "maxRecoveryTimeoutMs": 300000, "halfOpenMaxRequests": 5,
        },
        "retry": {"maxAttempts": 3, "budgetPercent": 20, "honorRetryAfter": True, "busyBackoffMs": [5000, 30000]},
        "timeouts": {"connectMs": 2000, "firstTokenMs": 30000, "interTokenMs": 30000, "requestMs": 600000},
        "balancing": {"algorithm": "Dynamic", "slowStartMs": 30000},
        "failback": {"stabilizationMs": 30000},
        "fallback": {"defaultResponse": "System busy, please retry shortly"},
    }  # fmt: skip
    value = {
        "format": 1, "pool": "bench/bench", "generation": time.time_ns() // 1000, "hash": "bench",
        "allowLoopback": True, "models": ["m"], "endpoints": [endpoint], "policy": policy,
        "access": {"mode": "Open", "clients": []}, "failoverToTier": None,
    }  # fmt: skip
    return json.dumps(value)


def module_lines() -> str:
    """load_module lines for this machine's nginx, as entrypoint.sh finds them."""
    folders = [
        Path("/usr/lib/nginx/modules"),
        *Path("/usr/lib").glob("*/nginx/modules"),
        Path("/usr/share/nginx/modules"),
    ]
    found = [
        next((folder / name for folder in folders if (folder / name).is_file()), None)
        for name in ("ndk_http_module.so", "ngx_http_lua_module.so")
    ]
    return "".join(f"load_module {path};\n" for path in found if path)


def pinned(core: int, command: list[str]) -> list[str]:
    """The proxy has a core of its own, all else another one, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2 or shutil.which("taskset") is None:
        return command
    return ["taskset", "-c", str(cores[core]), *command]


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@contextmanager
def running(
    command: list[str], core: int, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(pinned(core, command), env={**os.environ, **(environment or {})})
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def nginx(folder: Path, name: str) -> list[str]:
    shutil.copy(HERE / name, folder / name)
    (folder / "modules.conf").write_text(module_lines())
    (folder / "tmp").mkdir(exist_ok=True)
    return [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(folder), "-c", str(folder / name), "-e", "stderr"]


def answer_of(target: Target, case: Case) -> bytes:
    """One request, to see that it works and that both give the same."""
    request = urllib.request.Request(target.url, data=case.body.encode(), headers={"Content-Type": "application/json"})
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                answer: bytes = response.read()
                return answer
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def worker_of(master: int) -> int:
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return int(children[0])


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def measure(target: Target, master: int, seconds: int, script: Path) -> Round:
    worker = worker_of(master)
    before = cpu_s(worker)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), target.url]
    told = subprocess.run(pinned(0, command), capture_output=True, text=True, check=True).stdout
    used = cpu_s(worker) - before
    total = re.search(r"(\d+) requests in", told)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", told)
    assert total and rate and p99, told
    errors = sum(int(number) for number in re.findall(r"(?:Non-2xx.*?|connect|read|write|timeout)[: ]+(\d+)", told))
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    return Round(float(rate[1]), used / int(total[1]) * 1e6, float(p99[1]) * scale, errors)


def prepare(folder: Path, case: Case) -> tuple[Target, Target, dict[str, str]]:
    """Everything the three servers read; where the two proxies listen, and ours' environment."""
    backend, bare, ours, admin = free_ports(4)
    (folder / "backend-port.conf").write_text(f"listen 127.0.0.1:{backend} backlog=4096;\n")
    (folder / "upstream-port.conf").write_text(f"server 127.0.0.1:{backend};\n")
    (folder / "bare-port.conf").write_text(f"listen 127.0.0.1:{bare} backlog=4096;\n")
    for part in ("config", "credentials", "run"):
        (folder / part).mkdir()
    (folder / "config" / "router.json").write_text(document(case, backend))
    (folder / "credentials" / "backend").write_text("sk-bench")
    environment = {
        "POOLKEEPER_RUN_DIR": str(folder / "run"), "POOLKEEPER_CONFIG_DIR": str(folder / "config"),
        "POOLKEEPER_CREDENTIALS_DIR": str(folder / "credentials"), "POOLKEEPER_WORKERS": "1",
        "POOLKEEPER_LISTEN": f"127.0.0.1:{ours}", "POOLKEEPER_ADMIN": f"127.0.0.1:{admin}",
    }  # fmt: skip
    return Target(bare, f"/{case.folder}"), Target(ours, ""), environment


def play(case: Case, rounds: int, seconds: int) -> list[tuple[Round, Round]]:
    """The rounds of a case: bare and ours, in turn."""
    with tempfile.TemporaryDirectory(prefix="poolkeeper-bench-") as name:
        folder = Path(name)
        bare, ours, environment = prepare(folder, case)
        script = folder / "post.lua"
        script.write_text(
            f"wrk.method = 'POST'\nwrk.body = [==[{case.body}]==]\nwrk.headers['Content-Type'] = 'application/json'\n"
        )
        with (
            running(nginx(folder, "backend.conf"), 0),
            running(nginx(folder, "bare.conf"), 1) as bare_process,
            running([str(ROUTER / "entrypoint.sh")], 1, environment) as our_process,
        ):
            if answer_of(bare, case) != answer_of(ours, case):
                raise AssertionError("the two gave different answers")
            for target, process in ((bare, bare_process), (ours, our_process)):
                measure(target, process.pid, 1, script)
            return [
                (measure(bare, bare_process.pid, seconds, script), measure(ours, our_process.pid, seconds, script))
                for _ in range(rounds)
            ]


def report(case: Case, pairs: list[tuple[Round, Round]]) -> float:
    """Prints the medians of a case; gives the ratio of requests a second."""
    rate = statistics.median(ours.requests_per_s / bare.requests_per_s for bare, ours in pairs)
    cpu = statistics.median(ours.cpu_us_per_request / bare.cpu_us_per_request for bare, ours in pairs)
    for label, side in (("bare nginx", 0), ("poolkeeper", 1)):
        seen = [pair[side] for pair in pairs]
        print(
            f"  {case.name:16} {label:11} {statistics.median(r.requests_per_s for r in seen):9.0f} req/s"
            f" {statistics.median(r.cpu_us_per_request for r in seen):8.1f} us CPU"
            f" {statistics.median(r.p99_ms for r in seen):7.2f} ms p99 {sum(r.errors for r in seen):4d} errors"
        )
    print(f"  {case.name:16} {'ratio':11} {rate:9.3f}       {cpu:8.2f}", flush=True)
    return rate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--case", choices=[case.folder for case in CASES])
    wanted = parser.parse_args()
    print(f"{wanted.rounds} rounds of {wanted.seconds} s, {CONNECTIONS} connections, one worker each; medians:")
    cases = [case for case in CASES if wanted.case in (None, case.folder)]
    ratios = {case.name: report(case, play(case, wanted.rounds, wanted.seconds)) for case in cases}
    low = [f"{name} {rate:.3f}" for name, rate in ratios.items() if rate < FLOOR]
    if low:
        print(f"below {FLOOR} of bare nginx: {', '.join(low)}", file=sys.stderr)
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
