"""The page and the export of spans as the chart runs them, in a namespace under Pod security "restricted": they become
ready with their own small Roles, and show the requests of a real pool."""

import json
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from cluster.demo_bed import serving_demo
from cluster.operator_bed import image
from cluster.test_admission import rendered
from testing.cluster_bed import Bed, Json, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

RELEASE = "seen"
CHANGES = ("Spec", "RollOut", "Event")
FAILOVER = "Failover: official is overloaded"
COLLECTOR = """
import gzip, http.server, re
class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        body = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
        print(self.path, *re.findall(rb"seen-[0-9a-f]{32}", body), flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("", 4318), Collector).serve_forever()
"""


def collector(fake_image: str) -> str:
    labels = {"app": "collector"}
    container: Json = {
        "name": "collector", "image": fake_image, "command": ["python3", "-c", COLLECTOR],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }  # fmt: skip
    restricted: Json = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    pod: Json = {"metadata": {"labels": labels}, "spec": {"securityContext": restricted, "containers": [container]}}
    items: list[Json] = [
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "collector"},
            "spec": {"selector": {"matchLabels": labels}, "template": pod},
        },
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "collector"},
            "spec": {"selector": labels, "ports": [{"port": 4318}]},
        },
    ]  # fmt: skip
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


@pytest.fixture(scope="module")
def readers(bed: Bed, cluster_env: Mapping[str, str]) -> Iterator[Bed]:
    serving_demo(bed.kubectl, cluster_env, bed.namespace)  # another file's tests end with its removal
    repository, _, tag = image(cluster_env, "operator").rpartition(":")
    text = rendered(
        bed.kubectl,
        ("dashboard", "traces"),
        f"watchNamespaces={{{bed.namespace}}}",
        f"image.repository={repository}",
        f"image.tag={tag}",
        "dashboard.enabled=true",
        "dashboard.requestSearch=true",
        "traces.enabled=true",
        f"traces.endpoint=http://collector.{bed.namespace}:4318",
        release=RELEASE,
        namespace=bed.namespace,
    )
    bed.kubectl("-n", bed.namespace, "apply", "-f", "-", stdin=collector(image(cluster_env, "fake")))
    bed.kubectl("apply", "-f", "-", stdin=text)
    names = [f"deployment/{RELEASE}-poolkeeper-{component}" for component in ("dashboard", "traces")]
    for name in (*names, "deployment/collector"):
        bed.kubectl("-n", bed.namespace, "rollout", "status", name, "--timeout=180s", timeout_s=200)
    yield bed
    bed.kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=text)
    bed.kubectl("-n", bed.namespace, "delete", "deployment,service", "collector", "--wait=false")


@pytest.fixture
def asked(readers: Bed) -> str:
    """The id of a request that the pool's second tier has answered, because the first one is busy."""
    readers.play("official", "busy503")
    return ask(readers)


def ask(readers: Bed) -> str:
    request = f"seen-{uuid4().hex}"
    body = {"model": "deepseek-flash", "max_tokens": 4, "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"content-type": "application/json", "x-request-id": request}
    with readers.reach("chat-router", 80) as address:
        url = f"http://{address}/v1/chat/completions"
        with urlopen(Request(url, json.dumps(body).encode(), headers), timeout=90) as answer:
            assert answer.headers["x-request-id"] == request
    return request


def test_the_page_shows_the_pool_what_changed_and_a_request(readers: Bed, asked: str) -> None:
    with readers.reach(f"{RELEASE}-poolkeeper-dashboard", 9280) as address:

        def got(path: str) -> Json:
            with urlopen(f"http://{address}/{path}", timeout=30) as answer:
                found: Json = json.load(answer)
                return found

        def pool() -> Json:
            (found,) = got("pools.json")["pools"]
            return dict(found)

        def with_failover() -> Json | None:
            """Once both routers have met the busy provider, the pool has failed over."""
            ask(readers)
            found = pool()
            has_failover = any(FAILOVER in change["message"] for change in found["changes"])
            return found if has_failover and set(CHANGES) <= {change["kind"] for change in found["changes"]} else None

        wait_until("the pool's routers on the page", lambda: pool()["routers"])
        shown = wait_until("the failover, who wrote the spec, and the roll-out", with_failover)
        query = urlencode({"pool": f"{readers.namespace}/chat", "request": asked})
        hits = wait_until("the request", lambda: got(f"requests.json?{query}")["found"])

    assert shown["name"] == f"{readers.namespace}/chat"
    assert shown["notes"] == []
    assert [hit["request"] for hit in hits] == [asked]
    assert hits[0]["attempts"]


def test_spans_of_a_request_reach_the_collector(readers: Bed, asked: str) -> None:
    def received() -> bool:
        return asked in readers.kubectl("-n", readers.namespace, "logs", "deployment/collector").stdout

    wait_until("the spans", received)
    name = f"deployment/{RELEASE}-poolkeeper-traces"
    assert "cannot be read" not in readers.kubectl("-n", readers.namespace, "logs", name).stdout
