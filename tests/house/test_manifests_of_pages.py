"""What a page shows as a manifest is a valid one; where it shows a part of one, the rest is the smallest there is."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.failover_policy import FailoverPolicy
from testing.manifests import SMALLEST

ROOT = Path(__file__).resolve().parents[2]
NOTES = ROOT / "charts/poolkeeper/templates/NOTES.txt"
KINDS = {"EndpointPool": EndpointPool, "FailoverPolicy": FailoverPolicy}


def manifests() -> Iterator[tuple[str, object]]:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            yield page.name, yaml.safe_load(block)
    pool = re.search(r"<<'POOL'\n(.*?)^ *POOL$", NOTES.read_text(), re.MULTILINE | re.DOTALL)
    assert pool is not None
    yield NOTES.name, yaml.safe_load(textwrap.dedent(pool[1]))


@pytest.mark.parametrize(("page", "shown"), [pytest.param(*found, id=found[0]) for found in manifests()])
def test_what_a_page_shows_is_valid(page: str, shown: dict[str, object]) -> None:
    whole = shown if "kind" in shown else {"kind": "FailoverPolicy", "spec": shown}
    kind = str(whole["kind"])
    spec = {**dict(SMALLEST[kind]["spec"]), **dict(whole["spec"])}  # type: ignore[call-overload] # parsed YAML of known shape

    parsed = KINDS[kind].parse({**SMALLEST[kind], **whole, "spec": spec})

    assert isinstance(parsed, KINDS[kind]), [str(problem) for problem in parsed]


def test_no_page_says_that_an_empty_object_will_do() -> None:
    """What the API server fills in, `kubectl apply` on the client forgets, and a later server-side apply sends null."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.yaml")]

    assert [page.name for page in pages if re.search(r"(probe|autoscaling): \{\}", page.read_text())] == []


def test_there_is_something_shown() -> None:
    assert {"README.md", "NOTES.txt"} <= {page for page, _ in manifests()}
