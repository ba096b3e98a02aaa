"""`python -m hack.demo.picture FILE.png`: three scripted providers, `poolkeeper run`, two of
them failing under traffic, and Chromium without a window in front of `poolkeeper dashboard`."""

import argparse
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml

from testing.fakes.harness import FakeProvider
from testing.runs.pools import Given, pool, secret, write
from testing.runs.running import PATIENCE_S, ROOT, Run

GOOD_S, BAD_S, WORSE_S = 150.0, 60.0, 40.0
"""Of traffic, before the picture is taken."""
LOGGED_S = 2.0
"""After which a request is in the log."""
DIALS: dict[str, object] = {"tokens": 8, "token_interval_ms": 5.0}
POLICY: dict[str, object] = {"healthCheck": {"type": "None"}}
BROWSER = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-sync")
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-lcd-text",
    "--virtual-time-budget=4000",
)
BROWSER_LIMIT_S = 120.0
COLOURS = "64"
DARK = ("--force-dark-mode", "--blink-settings=preferredColorScheme=0")
WIDE, NARROW = "--window-size=1280,2240", "--window-size=420,2700"
PICTURES = {"": (WIDE,), "-dark": (WIDE, *DARK), "-phone": (NARROW,)}
PRICE = {"currency": "USD", "inputPerMillion": "0.15", "outputPerMillion": "0.60"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="the light one; the dark one and the phone's get their own names")
    asked = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        print("seen no chromium in PATH; wanted one to take the picture with (Debian: apt-get install chromium)")
        return 1
    with tempfile.TemporaryDirectory(prefix="poolkeeper-picture-") as folder, _scene(Path(folder)) as url:
        for name, looks in PICTURES.items():
            file = asked.file.with_stem(asked.file.stem + name).absolute()
            files = (f"--user-data-dir={folder}/browser{name}", f"--screenshot={file}")
            command = [chromium, *BROWSER, *QUIET, *looks, *files, url]
            subprocess.run(command, check=True, capture_output=True, timeout=BROWSER_LIMIT_S)
            if pngquant := shutil.which("pngquant"):
                subprocess.run([pngquant, "--force", "--ext", ".png", COLOURS, str(file)], check=True)
            print(f"{file}: {file.stat().st_size} bytes")
    return 0


@contextmanager
def _scene(folder: Path) -> Iterator[str]:
    """The address of a dashboard that has something to show: two of three providers fail, one after its API key has
    changed; the address asks for the last request, too."""
    official, aggregator, local = (
        FakeProvider(name, params={**DIALS, "first_token_ms": first_token_ms})
        for name, first_token_ms in (("official", 90.0), ("aggregator", 180.0), ("local", 350.0))
    )
    with official, aggregator, local:
        given = [Given(official, key="api-key"), Given(aggregator), Given(local, tier=1, max_connections=8)]
        manifest = write(folder / "pool.yaml", _priced(pool(given, POLICY)))
        keys = write(folder / "keys.yaml", secret(**{"api-key": "the-first-key"}))
        with Run(folder / "state", "-f", manifest, "-f", keys) as run, _dashboard(run.state) as url:
            _ask(run, GOOD_S)
            write(keys, secret(**{"api-key": "the-next-key"}))
            official.set("error500")
            _ask(run, BAD_S)
            aggregator.set("busy503")
            _ask(run, WORSE_S)
            request = run.ask().headers["x-request-id"]
            time.sleep(LOGGED_S)
            yield f"{url.rstrip('/')}/#pool=default/chat&request={request}"


def _priced(manifests: str) -> str:
    documents = list(yaml.safe_load_all(manifests))
    for endpoint in documents[0]["spec"]["endpoints"]:
        endpoint["pricing"] = PRICE
    return yaml.safe_dump_all(documents)


@contextmanager
def _dashboard(state: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "poolkeeper", "dashboard", "--no-browser", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, "--state-dir", str(state)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT / "operator"), "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0]
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _ask(run: Run, for_s: float) -> None:
    """Some at a time, for so long."""
    over = threading.Event()

    def caller(pause_s: float) -> None:
        while not over.wait(pause_s):
            try:
                list(run.stream())
            except httpx.HTTPError as error:
                print(f"a request failed: {error!r}", file=sys.stderr)

    callers = [threading.Thread(target=caller, args=(0.1 + 0.07 * number,)) for number in range(4)]
    for one in callers:
        one.start()
    over.wait(for_s)
    over.set()
    for one in callers:
        one.join()


if __name__ == "__main__":
    sys.exit(main())
