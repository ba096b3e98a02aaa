"""What it costs to see: a line of the request log, and a scrape of the largest pool, how long others wait meanwhile."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx

from hack.bench.speed.process_usage import cpu
from testing import plain_http
from testing.gateways.gateway import Endpoint, Pool
from testing.gateways.poolkeeper import Poolkeeper
from testing.router_lua import runtime

ENDPOINTS, MODELS, SCRAPES = 32, 64, 5
LINES = 200_000
LINE_GOAL_US = 3.0
_LINE = b"""
  local line, trace_context = require "core.log.line", require "core.log.trace_context"
  local out = require("string.buffer").new(1024)
  local span = trace_context.series(math.random)
  local function one(i)
    line.put(out:reset(), {
      second = "2026-11-29T08:00:00", ms = 123, id = "0c2f3a52-9d3e-4a53-a52f-" .. i,
      trace = "4bf92f3577b34da6a3ce929d0e0e4736",
      span = span(), place = ',"pool":"team/chat","generation":3', client = "web", surface = "chat",
      model = "deepseek-v4-pro", is_stream = true, status = 200, outcome = "ok", duration_ms = 123 + i % 7,
      first_token_ms = 12, queued_ms = 0, attempt = {
        place = '"endpoint":"official","tier":0,"provider_model":"deepseek-v4-pro"', span = span(), start_ms = 0,
        duration_ms = 120 + i % 5, first_token_ms = 12, status = 200, kind = "answer", cost = 0.000123 * (i % 9 + 1),
        currency = "USD", counts = { input = 120, cached_input = 100, output = 64, reasoning = 0 },
      },
    })
  end
  for i = 1, 20000 do one(i) end
  local began = os.clock()
  for i = 1, ... do one(i) end
  return (os.clock() - began) / ... * 1e6
"""


@dataclass(frozen=True)
class Seeing:
    """line_us: CPU of a line, by the router's own Lua. longest_ms: that another request waited during a scrape."""

    line_us: float
    series: int
    plain_bytes: int
    packed_bytes: int
    cpu_ms: float
    scrape_ms: float
    longest_ms: float


def seeing(folder: Path) -> Seeing:
    models = tuple(f"model-{number}" for number in range(MODELS))
    names = {model: model for model in models}
    endpoints = [
        Endpoint(f"e{number}", f"http://127.0.0.1:{number + 1}/v1", "sk", names) for number in range(ENDPOINTS)
    ]
    with Poolkeeper().start(folder, Pool(endpoints, models=models)) as router:
        url = f"{router.admin_url}/metrics"
        with plain_http.Client(headers={"accept-encoding": "identity"}) as plain:
            text = plain.get(url).text
        packed = plain_http.get(url, headers={"accept-encoding": "gzip"}).num_bytes_downloaded
        rounds = [_scrape(url, router.pid, f"{router.admin_url}/healthz") for _ in range(SCRAPES)]
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return Seeing(
        line_us(), len(lines), len(text.encode()), packed, *(median(figures) for figures in zip(*rounds, strict=True))
    )


def line_us() -> float:
    return float(runtime().execute(_LINE, LINES))


def _scrape(url: str, pid: int, other: str) -> tuple[float, float, float]:
    """Milliseconds: of CPU, in all, and the longest wait of another request meanwhile."""
    before, began = cpu(pid), time.monotonic()
    scrape = threading.Thread(target=lambda: httpx.get(url, trust_env=False))
    longest_s = 0.0
    with plain_http.Client() as client:
        client.get(other)
        scrape.start()
        while scrape.is_alive():
            asked = time.monotonic()
            client.get(other)
            longest_s = max(longest_s, time.monotonic() - asked)
    used = cpu(pid).since(before)
    return (used.user_us + used.system_us) / 1000, (time.monotonic() - began) * 1000, longest_s * 1000
