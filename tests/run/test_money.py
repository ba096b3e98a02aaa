"""What a pool has cost is the same everywhere: the providers' own bill, the metrics that dashboards and alerts read,
the request log, the page's hour, its search for requests, and `explain --request`."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import yaml

from poolkeeper.dashboard.view_model import Document
from scrape import total
from testing import plain_http
from testing.fakes.bill import Prices, bill
from testing.fakes.harness import FakeProvider
from testing.runs.page import dashboard
from testing.runs.running import PATIENCE_S, Run, wait_until

PRICES = {"official": Prices(input=40, cached=4, output=160), "backup": Prices(input=80, cached=80, output=320)}
ROUNDS = 4
Line = dict[str, Any]
DIALS: dict[str, Any] = {"tokens": 40, "token_interval_ms": 1.0, "first_token_ms": 1.0}
PLAYED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ok", {}),
    ("cut", {"after_chunks": 15}),
    ("busy503", {}),
    ("error500", {}),
)


def priced(manifests: Path) -> None:
    file = manifests / "pool.yaml"
    documents = list(yaml.safe_load_all(file.read_text()))
    for endpoint in documents[0]["spec"]["endpoints"]:
        prices = PRICES[endpoint["name"]]
        endpoint["pricing"] = {
            "currency": "USD",
            "inputPerMillion": str(prices.input),
            "cachedInputPerMillion": str(prices.cached),
            "outputPerMillion": str(prices.output),
        }
    file.write_text(yaml.safe_dump_all(documents))


def test_every_view_has_the_same_money(
    manifests: Path, state: Path, official: FakeProvider, backup: FakeProvider
) -> None:
    priced(manifests)
    fakes = {"official": official, "backup": backup}
    with Run(state, "-f", manifests) as run, dashboard(run, "chat") as url:
        backup.set("ok", **DIALS)
        asked = []
        for turn in range(ROUNDS):
            for scenario, more in PLAYED:
                official.set(scenario, **DIALS, **more)
                with contextlib.suppress(httpx.RemoteProtocolError, AssertionError):
                    list(run.stream(f"Question {turn} of {scenario}"))
                asked.append(run.ask(f"Question {turn} of {scenario}, whole").headers["x-request-id"])

        def metrics() -> str:
            return plain_http.get(f"{run.admin_url}/metrics", timeout=PATIENCE_S).text

        wait_until(lambda: total(metrics(), "poolkeeper_responses_total") == 2 * len(asked), "every request is counted")
        wait_until(lambda: len(logged(state)) == 2 * len(asked), "every request is in the log")
        counted = {name: total(metrics(), "poolkeeper_cost_total", endpoint=name) for name in fakes}

        def shown() -> dict[str, float]:
            document = Document.model_validate(json.loads(plain_http.get(f"{url}/pools.json", timeout=10).text))
            return {
                one.name: sum(minute.cost.get("USD", 0.0) for minute in one.hour if minute)
                for one in document.pools[0].endpoints
            }

        wait_until(lambda: shown() == pytest.approx(counted, abs=1e-4), "the page's hour")
        found = {request: searched(url, request) for request in asked}
        explained = {request: run.command("explain", "chat", "--request", request) for request in asked}

    lines = logged(state)
    attempts = [attempt for line in lines for attempt in line["attempts"]]
    of_log = {name: sum(one.get("cost", 0.0) for one in attempts if one["endpoint"] == name) for name in fakes}
    of_request = {line["request"]: sum(one.get("cost", 0.0) for one in line["attempts"]) for line in lines}
    assert counted == pytest.approx({name: bill(fake.log(), PRICES[name]) for name, fake in fakes.items()}, abs=0.01)
    assert min(counted.values()) > 0.015
    assert of_log == pytest.approx(counted)
    assert found == pytest.approx({request: of_request[request] for request in asked}, abs=1e-6)
    explained_cost = {
        request: sum(map(float, re.findall(r"([\d.]+) USD", text))) for request, text in explained.items()
    }
    assert explained_cost == pytest.approx({request: of_request[request] for request in asked}, abs=1e-5)


def logged(state: Path) -> list[Line]:
    (file,) = state.rglob("requests.log")
    return [json.loads(line) for line in file.read_text().splitlines()]


def searched(url: str, request: str) -> float:
    query = urlencode({"pool": "default/chat", "request": request})
    (hit,) = json.loads(plain_http.get(f"{url}/requests.json?{query}", timeout=PATIENCE_S).text)["found"]
    return float(sum(one["cost"] or 0.0 for one in hit["attempts"]))
