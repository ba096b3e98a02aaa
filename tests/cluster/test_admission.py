"""The chart's admission policies on a real API server: an operator is not a way to read Secrets.

Users are impersonated; each has the Roles that its name says, and nothing else.
"""

import copy
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from testing.cluster_bed import Json, Kubectl, wait_until

pytestmark = pytest.mark.cluster

CHART = Path(__file__).resolve().parents[2] / "charts/poolkeeper"
ONLY = (
    "admission-operator",
    "admission/endpointpool-references",
    "admission/standby",
    "admission/manual-control",
    "aggregate",
)
ONLY_CRDS = ("crds/poolkeeper.dev_endpointpools", "crds/poolkeeper.dev_failoverpolicies")
POOLS = {"apiGroups": ["poolkeeper.dev"], "resources": ["endpointpools"]}


def may_read(kind: str, *names: str) -> Json:
    return {"apiGroups": [""], "resources": [kind], "verbs": ["get"], **({"resourceNames": [*names]} if names else {})}


def may_scale(*names: str) -> Json:
    rule = {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"]}
    return {**rule, **({"resourceNames": [*names]} if names else {})}


WRITE = {**POOLS, "verbs": ["get", "list", "create", "update", "patch", "delete"]}
USERS: dict[str, list[Json]] = {
    "editor": [WRITE],
    "editor-of-deepseek": [WRITE, may_read("secrets", "deepseek")],
    "editor-of-24": [WRITE, may_read("secrets", *(f"s{n}" for n in range(23))), may_read("configmaps", "samples")],
    "editor-of-all": [WRITE, may_read("secrets"), may_read("configmaps")],
    "patcher": [{**POOLS, "verbs": ["get", "patch"]}],
    "scaler": [WRITE, may_read("secrets"), may_scale("llama")],
    "scaler-of-17": [WRITE, may_read("secrets"), may_scale(*(f"d{n}" for n in range(17)))],
    "scaler-of-all": [WRITE, may_read("secrets"), may_scale()],
}

POOL: Json = {
    "apiVersion": "poolkeeper.dev/v1alpha1",
    "kind": "EndpointPool",
    "metadata": {"name": "chat"},
    "spec": {
        "models": ["deepseek-flash"],
        "endpoints": [
            {
                "name": "official",
                "url": "https://api.deepseek.com/v1",
                "credentialsRef": {"name": "deepseek", "key": "api-key"},
            }
        ],
    },
}


def pool(*path: Any, value: object = None) -> Json:
    """The pool with one field set; path as in ("spec", "endpoints", 0, "url")."""
    found: Any = copy.deepcopy(POOL)
    here = found
    for step in path[:-1]:
        here = here.setdefault(step, {}) if isinstance(here, dict) else here[step]
    if path:
        here[path[-1]] = value
    return dict(found)


@dataclass(frozen=True)
class Place:
    kubectl: Kubectl
    namespace: str

    def __call__(self, user: str, *args: str, stdin: str | None = None) -> str:
        """What the API server says against it; "" where it does it."""
        who = ("--as", user) if user else ()
        done = self.kubectl("-n", self.namespace, *who, *args, stdin=stdin, check=False)
        return done.stderr if done.returncode else ""

    def put(self, user: str, body: Json, *how: str) -> str:
        return self(user, *(how or ("apply", "--server-side", "--force-conflicts")), "-f", "-", stdin=json.dumps(body))

    def patch(self, user: str, change: Json) -> str:
        return self(user, "patch", "epool", "chat", "--type=merge", "-p", json.dumps(change))


def rendered(kubectl: Kubectl, only: Sequence[str], *sets: str, release: str = "pk", namespace: str = "ops") -> str:
    shown = [part for name in only for part in ("--show-only", f"templates/{name}.yaml")]
    values = [part for value in sets for part in ("--set", value)]
    command = ["helm", "template", release, str(CHART), "--namespace", namespace, "--kube-version", "1.36.0"]
    done = subprocess.run([*command, *shown, *values], env=dict(kubectl.env), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed(kubectl: Kubectl, namespace: str, *sets: str) -> Iterator[Place]:
    """The policies for this namespace only, so that other tests on this cluster do not meet them."""
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=helm", "-f", "-",
            stdin=rendered(kubectl, ONLY_CRDS))  # fmt: skip
    text = rendered(kubectl, ONLY, f"watchNamespaces={{{namespace}}}", *sets, release=namespace, namespace=namespace)
    kubectl("apply", "-f", "-", stdin=text)
    for user, rules in USERS.items():
        role = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": user},
            "rules": rules,
        }
        kubectl("-n", namespace, "apply", "-f", "-", stdin=json.dumps(role))
        kubectl("-n", namespace, "create", "rolebinding", user, f"--role={user}", f"--user={user}")
    on_call = f"--clusterrole={namespace}-poolkeeper-on-call"
    kubectl("-n", namespace, "create", "rolebinding", "on-call", on_call, "--user=on-call")
    place = Place(kubectl, namespace)
    kubectl("-n", namespace, "create", "rolebinding", "edit", "--clusterrole=edit", "--user=edit")
    bad = pool("spec", "endpoints", 0, "credentialsRef", value={"name": "unheard-of", "key": "k"})
    create = ("create", "--dry-run=server")
    wait_until("the policy to be in force", lambda: "may not get" in place.put("editor", bad, *create) or None)
    wait_until("the controller of roles", lambda: not place("edit", "auth", "can-i", "update", "epool") or None)
    yield place
    kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text)


@pytest.fixture(scope="module")
def place(kubectl: Kubectl) -> Iterator[Place]:
    name = f"pk-guard-{uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    yield from installed(kubectl, name)
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def chat(place: Place) -> Iterator[Json]:
    """A pool that an administrator made."""
    assert place.put("", POOL) == ""
    yield POOL
    place("", "delete", "epool", "chat", "--ignore-not-found")


WAYS = (("create",), ("apply",), ("apply", "--server-side"))


@pytest.mark.parametrize("how", WAYS, ids=" ".join)
def test_who_may_not_get_a_secret_cannot_send_it_anywhere(place: Place, how: tuple[str, ...]) -> None:
    said = place.put("editor", POOL, *how)

    assert "spec.endpoints[official].credentialsRef names secrets/deepseek, which you may not get" in said
    assert "Ask for the verb get on secrets/deepseek" in said


@pytest.mark.parametrize("how", WAYS, ids=" ".join)
@pytest.mark.parametrize("user", ["editor-of-deepseek", "editor-of-all", "edit"])
def test_who_may_get_it_may_refer_to_it(place: Place, how: tuple[str, ...], user: str) -> None:
    assert place.put(user, POOL, *how) == ""
    place("", "delete", "epool", "chat")


REFERENCES: list[tuple[tuple[Any, ...], object, str]] = [
    (("spec", "endpoints", 0, "credentialsRef"), {"name": "db", "key": "pw"}, "secrets/db"),
    (("spec", "endpoints", 0, "credentialsRefs"), [{"name": "more", "key": "pw"}], "secrets/more"),
    (("spec", "endpoints", 0, "tls"), {"caRef": {"name": "ca", "key": "ca.crt"}}, "configmaps/ca"),
    (("spec", "probe"), {"samplesRef": {"name": "samples", "key": "all"}}, "configmaps/samples"),
    (
        ("spec", "calendars"),
        [{"name": "cn", "configMapRef": {"name": "holidays", "key": "cn"}}],
        "configmaps/holidays",
    ),
    (
        ("spec", "access"),
        {"mode": "Keys", "clients": [{"name": "a", "keyRef": {"name": "c", "key": "k"}}]},
        "secrets/c",
    ),
]


@pytest.mark.parametrize(("path", "value", "named"), REFERENCES, ids=[row[2] for row in REFERENCES])
def test_every_reference_is_asked_about(
    place: Place, chat: Json, path: tuple[Any, ...], value: object, named: str
) -> None:
    changed = pool(*path, value=value)

    assert f"names {named}, which you may not get" in place.put("editor-of-deepseek", changed)
    assert place.put("editor-of-all", changed) == ""


DESTINATIONS: list[tuple[str, object]] = [
    ("url", "https://attacker.example/v1"),
    ("egressProxy", "http://attacker.example:3128"),
    ("tls", {"serverName": "attacker.example"}),
    ("insecure", True),
    ("provider", "OpenRouter"),
]


@pytest.mark.parametrize(("field", "value"), DESTINATIONS, ids=[row[0] for row in DESTINATIONS])
def test_a_new_destination_of_an_old_reference_is_asked_about(
    place: Place, chat: Json, field: str, value: object
) -> None:
    changed = pool("spec", "endpoints", 0, field, value=value)

    assert "names secrets/deepseek, which you may not get" in place.put("editor", changed)
    assert place.put("editor-of-deepseek", changed) == ""


def test_samples_may_go_to_new_endpoints_only_by_who_may_read_them(place: Place) -> None:
    probed = pool("spec", "probe", value={"samplesRef": {"name": "samples", "key": "all"}})
    assert place.put("", probed) == ""
    thief = {"name": "thief", "url": "https://attacker.example/v1"}
    probed["spec"]["endpoints"].append(thief)

    said = place.put("editor-of-deepseek", probed)
    place("", "delete", "epool", "chat")

    assert "spec.probe.samplesRef names configmaps/samples, which you may not get" in said


def with_standbys(*deployments: str) -> Json:
    found = copy.deepcopy(POOL)
    found["spec"]["endpoints"] += [
        {"name": f"s{n}", "url": "https://own.example/v1", "tier": 1, "standby": {"deploymentRef": {"name": name}}}
        for n, name in enumerate(deployments)
    ]
    return found


def test_a_pool_is_no_way_to_scale_other_peoples_deployments(place: Place, chat: Json) -> None:
    assert "names Deployment llama, which you may not scale" in place.put("editor-of-all", with_standbys("llama"))
    assert "names Deployment theirs, which you may not scale" in place.put("scaler", with_standbys("llama", "theirs"))
    assert place.put("scaler", with_standbys("llama")) == ""

    assert place.put("editor", with_standbys("llama"), "replace") == ""  # as it was
    more = with_standbys("llama")
    more["spec"]["endpoints"][1]["standby"]["replicas"] = 100
    assert "which you may not scale" in place.put("editor", more, "replace")


def test_many_standbys_want_the_right_for_all(place: Place, chat: Json) -> None:
    many = with_standbys(*(f"d{n}" for n in range(17)))

    assert "names Deployment d0, which you may not scale" in place.put("scaler", many)
    assert "at most 16 in one change" in place.put("scaler-of-17", many)
    assert place.put("scaler-of-all", many) == ""


HARMLESS: list[tuple[tuple[Any, ...], object]] = [
    (("spec", "endpoints", 0, "weight"), 50),
    (("spec", "endpoints", 0, "name"), "other"),
    (("spec", "endpoints", 0, "maxConnections"), 7),
    (("spec", "router"), {"replicas": 3}),
    (("metadata", "labels"), {"team": "a"}),
]


@pytest.mark.parametrize(("path", "value"), HARMLESS, ids=[str(row[0][-1]) for row in HARMLESS])
def test_what_others_wrote_and_stays_as_it_is_passes(
    place: Place, chat: Json, path: tuple[Any, ...], value: object
) -> None:
    assert place.put("editor", pool(*path, value=value), "replace") == ""


def test_many_references_to_few_objects_are_no_burden(place: Place) -> None:
    many = pool(
        "spec",
        "endpoints",
        value=[{**POOL["spec"]["endpoints"][0], "name": f"e{n}", "tier": n % 5} for n in range(32)],
    )
    many["spec"]["access"] = {
        "mode": "Keys",
        "clients": [{"name": f"c{n}", "keyRef": {"name": "deepseek", "key": f"k{n}"}} for n in range(64)],
    }

    assert place.put("editor-of-deepseek", many) == ""
    assert "names secrets/deepseek" in place.put("editor", {**many, "metadata": {"name": "other"}})
    place("", "delete", "epool", "chat")


def test_as_many_objects_as_promised_can_be_asked_about(place: Place) -> None:
    """Each answer of the authorizer has its price, and the API server a budget for all of them."""
    many = pool("spec", "endpoints", 0, "credentialsRef", value={"name": "s0", "key": "k"})
    many["spec"]["probe"] = {"samplesRef": {"name": "samples", "key": "all"}}
    many["spec"]["access"] = {
        "mode": "Keys",
        "clients": [{"name": f"c{n}", "keyRef": {"name": f"s{n % 23}", "key": "k"}} for n in range(64)],
    }

    assert place.put("editor-of-24", many) == ""
    place("", "delete", "epool", "chat")


def test_more_objects_than_can_be_asked_about_are_refused_in_words(place: Place) -> None:
    """The API server bounds what one request may cost; who may get all Secrets is asked once."""
    many = pool("spec", "models", value=["deepseek-flash"])
    many["spec"]["access"] = {
        "mode": "Keys",
        "clients": [{"name": f"c{n}", "keyRef": {"name": f"s{n}", "key": "k"}} for n in range(64)],
    }

    assert "names secrets/" in place.put("editor-of-deepseek", many)
    assert place.put("editor-of-all", many) == ""
    place("", "delete", "epool", "chat")


CONTROL = [
    {"poolkeeper.dev/failover-to": "0"},
    {"poolkeeper.dev/failed-back-at": "2026-11-29T08:00:00Z"},
    {"poolkeeper.dev/drain-official": "true"},
    {"poolkeeper.dev/paused": "true"},
]


@pytest.mark.parametrize("annotations", CONTROL, ids=lambda one: next(iter(one)).partition("/")[2])
def test_who_is_on_call_may_control_by_hand(place: Place, chat: Json, annotations: Json) -> None:
    assert place.patch("on-call", {"metadata": {"annotations": annotations}}) == ""
    assert place.patch("on-call", {"metadata": {"annotations": dict.fromkeys(annotations)}}) == ""


MORE: list[Json] = [
    {"spec": {"minAvailable": 1, "models": ["other"]}},
    {"spec": {"router": {"replicas": 0}}},
    {"metadata": {"labels": {"a": "b"}}},
    {"metadata": {"annotations": {"argocd.argoproj.io/sync-options": "Prune=false"}}},
    {"metadata": {"finalizers": ["example.com/stuck"]}},
    {"metadata": {"annotations": {"poolkeeper.dev/failover-to": "0"}}, "spec": {"models": ["other"]}},
]


@pytest.mark.parametrize("change", MORE, ids=json.dumps)
def test_who_is_on_call_may_change_nothing_else(place: Place, chat: Json, change: Json) -> None:
    said = place.patch("on-call", change)

    assert "Wanted: the verb update on endpointpools" in said


def test_patch_alone_is_no_control(place: Place, chat: Json) -> None:
    said = place.patch("patcher", {"metadata": {"annotations": {"poolkeeper.dev/failover-to": "0"}}})

    assert "Wanted: the verb control (or update) on endpointpools" in said


def test_editors_control_by_hand_and_whatever_else(place: Place, chat: Json) -> None:
    for change in (*MORE[:3], {"metadata": {"annotations": CONTROL[0]}}):
        assert place.patch("edit", change) == ""


def test_a_host_that_is_not_listed_is_refused(kubectl: Kubectl) -> None:
    name = f"pk-guard-{uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    for place in installed(kubectl, name, "limits.endpointHosts={api.deepseek.com,*.internal.example}"):
        bad, proxied = (
            pool("spec", "endpoints", 0, "url", value="https://api.deepseek.com.evil.example/v1"),
            pool("spec", "endpoints", 0, "egressProxy", value="http://internal.example:3128"),
        )
        good = pool("spec", "endpoints", 0, "egressProxy", value="http://proxy.internal.example:3128")

        assert "of a host that this cluster does not allow. Wanted: one of [api.deepseek.com" in place.put("", bad)
        assert "of a host that this cluster does not allow" in place.put("", proxied)
        assert place.put("", good) == ""
    kubectl("delete", "namespace", name, "--wait=false")


def test_the_smallest_pool_of_the_chart_s_notes_passes_for_an_editor(place: Place) -> None:
    """`edit` has `get` on Secrets: the usual way of working is not in the way."""
    notes = (CHART / "templates/NOTES.txt").read_text()
    shown = yaml.safe_load(notes.partition("<<'POOL'\n")[2].partition("POOL\n")[0])

    assert place.put("edit", shown) == ""
    place("", "delete", "epool", "chat")
