"""The admission policy asks about every reference that a model has, also about one that comes tomorrow."""

from typing import Literal

import pytest
from pydantic import Field

from hack.generate.admission import HARMLESS, variables
from hack.generate.references import Reference, references
from hack.generate.structural import UntranslatableError
from poolkeeper.api.base import ConfigMapKeyRef, Model, SecretKeyRef
from poolkeeper.api.endpoint_pool import EndpointPool, EndpointPoolSpec
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.api.policy_spec import FailoverPolicySpec
from poolkeeper.api.resource import Resource


class Item(Model):
    name: str
    size: int = 1
    key_ref: SecretKeyRef
    text_ref: ConfigMapKeyRef | None = None


class Deep(Model):
    token_ref: SecretKeyRef | None = None
    items: tuple[Item, ...] = ()


class Spec(Model):
    words_ref: ConfigMapKeyRef
    deep: Deep = Deep()


class Thing(Resource):
    kind: Literal["Thing"] = "Thing"
    spec: Spec


def test_references_are_found_wherever_they_stand() -> None:
    assert set(references(Spec)) == {
        Reference("configmaps", "", None, ("wordsRef",)),
        Reference("secrets", "", None, ("deep", "tokenRef")),
        Reference("secrets", "deep.items", Item, ("keyRef",)),
        Reference("configmaps", "deep.items", Item, ("textRef",)),
    }


def test_every_field_of_an_item_counts_as_a_destination_until_somebody_says_that_it_is_harmless() -> None:
    changed = variables(Thing)["changed_deep_items"]

    assert all(f"now.?{name} == was.?{name}" in changed for name in ("name", "size", "keyRef", "textRef"))


def test_what_is_harmless_is_a_field() -> None:
    for kind, names in HARMLESS.items():
        assert names <= {field.alias or name for name, field in kind.model_fields.items()}


def test_of_a_pool_and_a_policy_these_are_asked_about() -> None:
    """A new one is found by itself; here it only shows that somebody looked at it."""
    assert {".".join((one.inside, *one.path)).strip(".") for one in references(EndpointPoolSpec)} == {
        "endpoints.credentialsRef",
        "endpoints.credentialsRefs",
        "endpoints.tls.caRef",
        "access.clients.keyRef",
        "calendars.configMapRef",
        "probe.samplesRef",
    }
    assert list(references(FailoverPolicySpec)) == []
    assert {EndpointPool, FailoverPolicy}


class Nested(Model):
    name: str
    deeper: tuple[Item, ...] = ()


class Many(Model):
    refs: tuple[SecretKeyRef, ...] = ()


class Twice(Model):
    outer: tuple[Nested, ...] = ()


class Listed(Model):
    name: str
    key_refs: tuple[SecretKeyRef, ...] = Field((), max_length=2)


class Pool(Model):
    items: tuple[Listed, ...] = ()


class Group(Resource):
    spec: Pool


def test_of_a_bounded_list_in_a_named_item_each_place_is_asked_about() -> None:
    assert list(references(Pool)) == [Reference("secrets", "items", Listed, ("keyRefs",), 2)]
    said = variables(Group)["references"]
    assert all(f"item.keyRefs[{place}].name" in said and f"> {place})" in said for place in range(2))


class Mapped(Model):
    by_name: dict[str, Many]


@pytest.mark.parametrize("kind", [Many, Twice, Mapped], ids=lambda kind: kind.__name__)
def test_a_shape_that_nobody_has_thought_of_is_an_error_and_no_gap(kind: type[Model]) -> None:
    with pytest.raises(UntranslatableError):
        list(references(kind))
