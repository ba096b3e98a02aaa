"""A real Prometheus on this machine: it scrapes the routers of a run, has the rules of docs/alerts, and is asked."""

import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testing import plain_http
from testing.process import answers, free_port, running

RULES = Path(__file__).resolve().parents[2] / "docs/alerts/poolkeeper.rules.yaml"
START_LIMIT_S = 30.0
ASK_LIMIT_S = 30.0


class MissingError(RuntimeError):
    """There is no Prometheus here."""


class QueryError(RuntimeError):
    """Prometheus does not take the query."""


@dataclass(frozen=True)
class Target:
    """What is scraped: host:port, and the labels that a PodMonitor would give its series."""

    address: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Series:
    """points: (seconds since the epoch, value), without those that are not a number."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]

    @property
    def last(self) -> float:
        return self.points[-1][1]


class Prometheus:
    def __init__(self, url: str) -> None:
        self.url = url

    def now(self, query: str, at_s: float) -> Sequence[Series]:
        found = self._get("query", query=query, time=f"{at_s:.3f}")
        result = [{"metric": {}, "value": found["result"]}] if found["resultType"] == "scalar" else found["result"]
        return _series((one["metric"], [one["value"]]) for one in result)

    def over(self, query: str, from_s: float, to_s: float, step_s: float) -> Sequence[Series]:
        found = self._get("query_range", query=query, start=f"{from_s:.3f}", end=f"{to_s:.3f}", step=f"{step_s:g}")
        return _series((one["metric"], one["values"]) for one in found["result"])

    def firing(self) -> Sequence[Mapping[str, str]]:
        """Labels and annotations of the alerts that fire now."""
        alerts = self._get("alerts")["alerts"]
        return [{**one["labels"], **one["annotations"]} for one in alerts if one["state"] == "firing"]

    def _get(self, what: str, **parameters: str) -> Any:
        answer = plain_http.get(f"{self.url}/api/v1/{what}", params=parameters, timeout=ASK_LIMIT_S).json()
        if answer["status"] != "success":
            raise QueryError(f"{parameters.get('query', what)}: {answer.get('error')}")
        return answer["data"]


def _series(found: Iterable[tuple[Mapping[str, str], Sequence[Any]]]) -> Sequence[Series]:
    made = (
        Series(labels, [(float(at), float(value)) for at, value in values if math.isfinite(float(value))])
        for labels, values in found
    )
    return [one for one in made if one.points]


@contextmanager
def started(
    folder: Path, targets: Sequence[Target], every_s: float, rules: Path | None = RULES
) -> Iterator[Prometheus]:
    """rules: also evaluated that often."""
    if shutil.which("prometheus") is None:
        raise MissingError("there is no `prometheus` on the PATH; run as root: hack/ci/install.sh test")
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(_config(targets, every_s, rules)))
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with running(command, os.environ, folder / "prometheus.log", lambda: answers(f"{url}/-/ready"), START_LIMIT_S):
        yield Prometheus(url)


def _config(targets: Sequence[Target], every_s: float, rules: Path | None) -> dict[str, object]:
    often = f"{every_s * 1000:.0f}ms"
    static = [{"targets": [one.address], "labels": dict(one.labels)} for one in targets]
    return {
        "global": {"scrape_interval": often, "scrape_timeout": often, "evaluation_interval": often},
        "rule_files": [str(rules)] if rules else [],
        "scrape_configs": [{"job_name": "poolkeeper", "honor_labels": True, "static_configs": static}],
    }
