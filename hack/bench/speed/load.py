"""Load by wrk: as fast as the gateway goes, or at a fixed rate.

The rate comes from many connections that wait at random between their requests. A slow answer holds up its own
connection only, so the others' requests still meet what made it slow.
"""

import json
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from hack.bench.speed.cases import Case
from hack.bench.speed.measured import Measured
from hack.bench.speed.process_usage import cpu
from testing.process import pinned

CONNECTIONS = 32
PACED_CONNECTIONS = 64
WARM_UP_LIMIT_S = 60
MARK = "FOUND "
SCRIPT = """wrk.method = "POST"
wrk.body = [==[{body}]==]
wrk.headers["Content-Type"] = "application/json"
{delay}
function done(summary, latency)
  local bad = summary.errors
  io.write(("{mark}[%d, %d, %d, %d, %d]\\n"):format(summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), bad.connect + bad.read + bad.write + bad.status + bad.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """A round. CPU times are a request's; busy: the share of a core that the gateway had."""

    rate: float
    user_us: float
    system_us: float
    p50_us: float
    p99_us: float
    busy: float
    errors: int
    requests: int = 0

    @property
    def cpu_us(self) -> float:
        return self.user_us + self.system_us


def warm_up(gateway: Measured, case: Case) -> None:
    """One request, to see that it works; the first one takes LiteLLM seconds."""
    url, body = f"{gateway.base_url}/chat/completions", case.body.encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **gateway.headers})
    with urllib.request.urlopen(request, timeout=WARM_UP_LIMIT_S) as answer:
        answer.read()


def saturate(gateway: Measured, case: Case, seconds: int, folder: Path, core: int | None) -> Load:
    return _play(gateway, case, seconds, folder, core, CONNECTIONS, "")


def pace(gateway: Measured, case: Case, rate: int, seconds: int, folder: Path, core: int | None) -> Load:
    delay_ms = 2000 * PACED_CONNECTIONS // rate
    delay = f"function delay() return math.random(0, {delay_ms}) end"
    return _play(gateway, case, seconds, folder, core, PACED_CONNECTIONS, delay)


def _play(
    gateway: Measured, case: Case, seconds: int, folder: Path, core: int | None, connections: int, delay: str
) -> Load:
    script = folder / "load.lua"
    script.write_text(SCRIPT.format(body=case.body, delay=delay, mark=MARK))
    url = f"{gateway.base_url}/chat/completions"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), url]
    before = cpu(gateway.pid)
    shown = subprocess.run(pinned(command, core), capture_output=True, text=True, check=True).stdout
    used = cpu(gateway.pid).since(before)
    line = next(line for line in shown.splitlines() if line.startswith(MARK))
    requests, duration_us, p50_us, p99_us, errors = json.loads(line.removeprefix(MARK))
    if not requests:
        raise RuntimeError(f"{gateway.name} answered no request: {shown}")
    return Load(
        rate=requests / duration_us * 1e6,
        user_us=used.user_us / requests,
        system_us=used.system_us / requests,
        p50_us=p50_us,
        p99_us=p99_us,
        busy=(used.user_us + used.system_us) / duration_us,
        errors=errors,
        requests=requests,
    )
