"""docs/permissions.md is what a real API server says each of our accounts may do. UPDATE_GOLDENS=1 writes it anew."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from cluster.test_admission import rendered
from testing.cluster_bed import Kubectl

pytestmark = pytest.mark.cluster

PAGE = Path(__file__).resolve().parents[2] / "docs/permissions.md"
HEAD = """# What each account may do

Written by `UPDATE_GOLDENS=1 pytest -m cluster tests/cluster/test_permissions_page.py` from what a real API server
answers to `kubectl auth can-i --list`, without what everybody may (look at the API, ask for one's own permissions).

"""
RELEASE = "perms"
LINE = re.compile(r"(\S*)\s+\[\S*\]\s+\[(.*?)\]\s+\[(.*?)\]$")
"""Resource, URLs, names, verbs."""
TEMPLATES = ("rbac", "serviceaccount", "aggregate", "dashboard", "traces")
READERS = ("dashboard.enabled=true", "traces.enabled=true", "traces.endpoint=http://collector:4318")


@pytest.fixture(scope="module")
def place(kubectl: Kubectl) -> Iterator[str]:
    name = f"pk-perm-{uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    text = rendered(kubectl, TEMPLATES, f"watchNamespaces={{{name}}}", *READERS, release=RELEASE, namespace=name)
    kubectl("apply", "-f", "-", stdin=text)
    role = f"--clusterrole={RELEASE}-poolkeeper-on-call"
    kubectl("-n", name, "create", "rolebinding", "on-call", role, "--user=on-call")
    yield name
    kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text)
    kubectl("delete", "namespace", name, "--wait=false")


def rows(kubectl: Kubectl, namespace: str, user: str) -> list[str]:
    """Resource, names, verbs: what the API server lists for it and not for somebody without any Role."""
    return sorted(_listed(kubectl, namespace, user) - _listed(kubectl, namespace, "nobody-in-particular"))


def _listed(kubectl: Kubectl, namespace: str, user: str) -> set[str]:
    lines = kubectl("-n", namespace, "auth", "can-i", "--list", "--no-headers", f"--as={user}").stdout.splitlines()
    found = (LINE.match(line.strip()) for line in lines)
    return {
        f"| `{line[1]}` | {line[2].replace(' ', ', ')} | {', '.join(sorted(line[3].split()))} |"
        for line in found
        if line and line[1]
    }


def page(kubectl: Kubectl, namespace: str) -> str:
    accounts = (
        ("The operator, in a namespace that it watches", f"system:serviceaccount:{namespace}:{RELEASE}-poolkeeper"),
        ("Routers and probes (no token is mounted)", f"system:serviceaccount:{namespace}:default"),
        ("People on call (ClusterRole on-call)", "on-call"),
        ("The page (`dashboard.enabled`)", f"system:serviceaccount:{namespace}:{RELEASE}-poolkeeper-dashboard"),
        ("The export of spans (`traces.enabled`)", f"system:serviceaccount:{namespace}:{RELEASE}-poolkeeper-traces"),
    )
    text = HEAD
    for title, user in accounts:
        found = [row.replace(RELEASE, "RELEASE") for row in rows(kubectl, namespace, user)]
        table = "| resource | only these | verbs |\n|---|---|---|\n" + "".join(f"{row}\n" for row in found)
        text += f"## {title}\n\n{table if found else 'Nothing.'}\n" + ("" if found else "\n")
    return text.rstrip("\n") + "\n"


def test_the_page_is_what_the_api_server_says(kubectl: Kubectl, place: str) -> None:
    if os.environ.get("UPDATE_GOLDENS"):
        PAGE.write_text(page(kubectl, place))

    assert page(kubectl, place) == PAGE.read_text()


def test_no_account_of_ours_may_read_a_secret(kubectl: Kubectl, place: str) -> None:
    for user in (
        f"system:serviceaccount:{place}:{RELEASE}-poolkeeper",
        f"system:serviceaccount:{place}:default",
        f"system:serviceaccount:{place}:{RELEASE}-poolkeeper-dashboard",
        f"system:serviceaccount:{place}:{RELEASE}-poolkeeper-traces",
        "on-call",
    ):
        said = kubectl("-n", place, "auth", "can-i", "get", "secrets", f"--as={user}", check=False)
        assert said.stdout.strip() == "no"
