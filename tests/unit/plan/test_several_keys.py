"""Several API keys of one endpoint in the router's document and its volume."""

import pytest

from factories import LOCAL, document, endpoint, pool, snapshot
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.plan.endpoints import key_file
from poolkeeper.render.volumes import volumes

A, B, C = ({"name": name, "key": "api-key"} for name in ("a", "b", "c"))


def official(**fields: object) -> EndpointPool:
    return pool([endpoint("official", **fields), LOCAL])


def files(of: EndpointPool) -> list[str]:
    planned = document(snapshot(of)).endpoints[0]
    keys = planned.credentials or ((planned.credential,) if planned.credential else ())
    return [key.file for key in keys]


def test_one_key_is_as_it_was_wherever_it_stands() -> None:
    for fields in ({"credentialsRef": A}, {"credentialsRefs": [A]}):
        planned = document(snapshot(official(**fields))).endpoints[0]
        assert planned.credential is not None
        assert planned.credential.source == "Secret a, key api-key"
        assert planned.credentials == ()
    assert files(official(credentialsRef=A)) == ["official"]


def test_several_keys_are_in_the_order_of_the_spec() -> None:
    planned = document(snapshot(official(credentialsRef=A, credentialsRefs=[B, C]))).endpoints[0]
    assert [key.source for key in planned.credentials] == [f"Secret {name}, key api-key" for name in "abc"]
    assert planned.credential == planned.credentials[0]


def test_a_file_keeps_its_name_whatever_comes_or_goes() -> None:
    three = files(official(credentialsRefs=[A, B, C]))
    assert len(set(three)) == 3
    assert files(official(credentialsRefs=[C, A])) == [three[2], three[0]]


def test_names_that_run_together_get_files_of_their_own() -> None:
    refs = [{"name": "a.b", "key": "c"}, {"name": "a", "key": "b.c"}, {"name": "a", "key": "b"}]
    assert len(set(files(official(credentialsRefs=refs)))) == 3


def test_the_endpoint_stays_the_same_when_keys_come_and_go() -> None:
    """Its breaker, its latency and what is known of the other keys stay."""
    prints = {
        document(snapshot(official(credentialsRef=A, credentialsRefs=refs))).endpoints[0].fingerprint
        for refs in ([], [B], [B, C], [C])
    }
    assert len(prints) == 1


def test_every_key_is_mounted_alone_and_may_be_missing() -> None:
    declared = official(credentialsRef=A, credentialsRefs=[B])
    one = declared.spec.endpoints[0]
    found = next(part for part in volumes(snapshot().key, declared.spec) if part["name"] == "credentials")
    assert found["projected"] == {
        "defaultMode": 0o440,
        "sources": [
            {
                "secret": {
                    "name": ref.name,
                    "optional": True,
                    "items": [{"key": "api-key", "path": key_file(one, ref)}],
                }
            }
            for ref in one.keys
        ],
    }


BAD = {
    "the same twice": (
        {"credentialsRefs": [A, A]},
        "spec.endpoints[0].credentialsRefs[1]: appears twice; remove one",
    ),
    "the one of credentialsRef again": (
        {"credentialsRef": A, "credentialsRefs": [A]},
        "spec.endpoints[0].credentialsRefs: must not name the API key of credentialsRef once more",
    ),
    "over plain http": (
        {"url": "http://models.example.com/v1", "credentialsRefs": [A]},
        "spec.endpoints[0].url: must be https, because it gets an API key",
    ),
    "another namespace": (
        {"credentialsRefs": [A | {"namespace": "kube-system"}]},
        "spec.endpoints[0].credentialsRefs[0].namespace: unknown field; a reference is always in",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_lists_are_refused(case: str) -> None:
    fields, message = BAD[case]
    parsed = EndpointPool.parse(
        {
            "apiVersion": "poolkeeper.dev/v1alpha1",
            "kind": "EndpointPool",
            "metadata": {"name": "chat"},
            "spec": {"models": ["m"], "endpoints": [endpoint("official", **fields)]},  # type: ignore[arg-type]
        }
    )
    assert not isinstance(parsed, EndpointPool)
    assert any(str(problem).startswith(message) for problem in parsed), [str(problem) for problem in parsed]


def test_a_key_written_where_its_secret_belongs_is_not_repeated() -> None:
    parsed = EndpointPool.parse(
        {
            "apiVersion": "poolkeeper.dev/v1alpha1",
            "kind": "EndpointPool",
            "metadata": {"name": "chat"},
            "spec": {
                "models": ["m"],
                "endpoints": [endpoint("official", credentialsRefs=[{"name": "SK-CANARY", "key": "k"}])],
            },
        }
    )
    assert not isinstance(parsed, EndpointPool)
    assert "CANARY" not in " ".join(map(str, parsed))
