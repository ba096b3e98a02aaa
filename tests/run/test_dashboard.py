"""The dashboard over a live run: a provider dies, the page's document says so; the run ends, it says since when."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest

from poolkeeper.dashboard.view_model import Document, PoolDoc
from testing import plain_http
from testing.fakes.harness import FakeProvider
from testing.runs.page import dashboard
from testing.runs.pools import KEY, secret, write
from testing.runs.running import PATIENCE_S, Run, wait_until


def document(url: str) -> Document:
    answer = plain_http.get(f"{url}/pools.json", timeout=PATIENCE_S)
    assert answer.status_code == 200
    assert KEY not in answer.text
    return Document.model_validate(json.loads(answer.text))


def test_a_provider_that_dies_is_shown_with_its_open_breaker_and_what_to_do(
    manifests: Path, state: Path, official: FakeProvider
) -> None:
    with Run(state, "-f", manifests) as run, dashboard(run, "chat") as url:
        assert document(url).pools[0].level == "Unknown"  # no checks, and nobody has asked it
        run.ask()
        wait_until(lambda: document(url).pools[0].level == "Well", "the first answer in the status")
        (pool,) = document(url).pools
        assert (pool.name, pool.active_tier) == ("default/chat", 0)

        official.set("error500")

        def shown() -> PoolDoc:
            list(run.stream())  # latencies are those of streams: the time to their first token
            return document(url).pools[0]

        wait_until(lambda: shown().endpoints[0].breaker == "Open", "the open breaker on the page")
        wait_until(lambda: shown().endpoints[1].p50_ms is not None, "latencies of the last minutes")
        pool = document(url).pools[0]

    broken, backup = pool.endpoints
    assert (broken.name, backup.name) == ("official", "backup")
    assert [told.word for told in broken.told] == ["ServerError"]
    assert broken.comes_back
    assert pool.level == "Look"
    assert {"Degraded", "FailoverActive"} <= {trouble.type for trouble in pool.troubles}
    assert pool.headline.startswith("official answers with server errors since ")
    assert any(change.endpoint == "official" and "its breaker opened" in change.message for change in pool.changes)
    assert any(change.kind == "Event" and change.message.startswith("Failover: ") for change in pool.changes)
    assert broken.spans[-1].state == "Open"
    assert [one.tier for one in pool.tier_spans][-2:] == [0, 1]
    assert backup.requests > 0


def test_when_the_run_ends_the_page_goes_on_and_says_since_when_it_is_old(manifests: Path, state: Path) -> None:
    with Run(state, "-f", manifests) as run, dashboard(run) as url:
        seen_at = document(url).seen_at
        run.stop()
        wait_until(lambda: document(url).is_stale, "a stale page")
        found = document(url)

    assert "no `poolkeeper run`" in found.trouble
    assert found.seen_at >= seen_at
    assert [pool.name for pool in found.pools] == ["default/chat"]


def test_no_secret_is_in_anything_it_serves(manifests: Path, state: Path) -> None:
    with Run(state, "-f", manifests) as run, dashboard(run) as url:
        run.ask()
        for path in (
            "/",
            "/app.js",
            "/view.js",
            "/dom.js",
            "/hour.js",
            "/timeline.js",
            "/search.js",
            "/requests.json?pool=default%2Fchat",
            "/style.css",
            "/pools.json",
            "/runbooks/BreakerOpen",
        ):
            answer = plain_http.get(url + path, timeout=PATIENCE_S)
            assert answer.status_code == 200, path
            assert KEY not in answer.text + str(answer.headers)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_real_browser_draws_an_outage_under_the_strict_policy(
    manifests: Path, state: Path, tmp_path: Path, official: FakeProvider
) -> None:
    with Run(state, "-f", manifests) as run, dashboard(run, "chat") as url:
        official.set("error500")

        def is_out() -> bool:
            list(run.stream())
            return document(url).pools[0].endpoints[0].breaker == "Open"

        wait_until(is_out, "the open breaker on the page")
        request = run.ask().headers["x-request-id"]
        wait_until(lambda: bool(hits(url, request=request)), "its line in the request log")
        write(manifests / "secret.yaml", secret(**{"api-key": f"{KEY}-the-next"}))
        wait_until(lambda: {"Spec", "Secret"} <= {one.kind for one in document(url).pools[0].changes}, "both changes")
        page, said = browsed(f"{url}/#pool=default%2Fchat&request={request}", tmp_path)

    assert "official answers with server errors since " in page
    assert page.count("<canvas") >= 3, "charts of two endpoints, and of errors"
    assert 'aria-label="official, the last hour: ' in page
    assert re.search(r'aria-label="official, the last hour: open \d+ s', page), "the timeline of breakers"
    assert 'aria-label="tier that serves, the last hour: ' in page
    assert "the files have changed" in page
    assert "official: its API key has changed" in page
    assert KEY not in page
    assert page.count(f"<code>{request}</code>") == 1, "the request that the address asks for"
    assert "where requests go: official, tier 0: " in page
    assert "Content Security Policy" not in said
    assert "Uncaught" not in said


def browsed(url: str, folder: Path) -> tuple[str, str]:
    """The page as a browser has it after some seconds, and what it said on its console."""
    done = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--enable-logging=stderr",
            "--virtual-time-budget=6000", f"--user-data-dir={folder}/browser", "--dump-dom", url,
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def hits(url: str, **wanted: str) -> list[dict[str, object]]:
    answer = plain_http.get(f"{url}/requests.json?{urlencode({'pool': 'default/chat', **wanted})}", timeout=PATIENCE_S)
    found = json.loads(answer.text)
    assert found["trouble"] == ""
    return list(found["found"])


def test_a_search_finds_a_request_by_each_of_its_marks(manifests: Path, state: Path, official: FakeProvider) -> None:
    with Run(state, "-f", manifests) as run, dashboard(run) as url:
        first = run.ask().headers["x-request-id"]
        official.set("busy503")
        second = run.ask().headers["x-request-id"]
        wait_until(lambda: len(hits(url)) == 2, "both lines in the request log")

        assert [hit["request"] for hit in hits(url)] == [second, first]
        assert [hit["request"] for hit in hits(url, endpoint="backup")] == [second]
        assert [hit["request"] for hit in hits(url, outcome="ok")] == [second, first]
        assert hits(url, outcome="not-ok") == []
        assert hits(url, client="nobody") == []
        refused = plain_http.get(f"{url}/requests.json?pool=other%2Fpool", timeout=PATIENCE_S)
        assert "the pools are: default/chat" in refused.text
