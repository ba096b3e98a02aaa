"""What every resource shares: the frozen base model, references to other objects, and what a problem looks like."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from poolkeeper.api.value_types import RULES_OF, DataKey, ObjectName

GROUP = "poolkeeper.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


def _name_for_rules(schema: JsonDict, kind: type[BaseModel]) -> None:
    schema[RULES_OF] = kind.__name__


class Model(BaseModel):
    """A frozen value, camelCase outside and snake_case inside; an unknown field is an error, never a silent loss.

    The text below a field is its description: in the CRD, in `kubectl explain` and in docs/reference.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
        json_schema_extra=_name_for_rules,
    )


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a manifest. path: as in `spec.endpoints[1].url`. message: what was seen, wanted, and
    to do."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class ConfigMapKeyRef(Model):
    """One key of a ConfigMap in the pool's own namespace."""

    name: ObjectName
    """Name of the ConfigMap. There is no namespace field: a pool reads only its own namespace."""
    key: DataKey
    """Key inside the ConfigMap's `data`."""


class SecretKeyRef(Model):
    """One key of a Secret in the pool's own namespace. The operator never reads the value: it is mounted into the
    router."""

    name: ObjectName
    """Name of the Secret. There is no namespace field: a pool reads only its own namespace."""
    key: DataKey
    """Key inside the Secret's `data`."""


def list_map(*keys: str) -> JsonDict:
    """Schema extras of a list that Kubernetes merges by a key, so that two writers can own different items."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [*keys]}


LIST_SET: JsonDict = {"x-kubernetes-list-type": "set"}
