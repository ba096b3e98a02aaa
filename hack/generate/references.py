"""Which fields of a spec refer to a Secret or a ConfigMap: found in the models, so that no new one is forgotten."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args, get_origin

from annotated_types import MaxLen

from hack.generate.structural import UntranslatableError, leaves
from poolkeeper.api.base import ConfigMapKeyRef, Model, SecretKeyRef

RESOURCES: Mapping[type[Model], str] = {SecretKeyRef: "secrets", ConfigMapKeyRef: "configmaps"}


@dataclass(frozen=True)
class Reference:
    """resource: what it names. inside, item: the list of the spec whose items have it, and their model ("" and None for
    none). path: from there. most: of a list of them, its greatest length; 0: it is no list."""

    resource: str
    inside: str
    item: type[Model] | None
    path: tuple[str, ...]
    most: int = 0


def references(kind: type[Model]) -> Iterator[Reference]:
    """Every reference to a Secret or ConfigMap in a spec."""
    return _walk(kind, "", None, ())


def _walk(kind: type[Model], inside: str, item: type[Model] | None, path: tuple[str, ...]) -> Iterator[Reference]:
    for name, model, is_many, most in _parts(kind):
        here = (*path, name)
        if model in RESOURCES:
            if is_many and (item is None or path or not most):
                raise UntranslatableError(f"{'.'.join(here)}: a list of references; give its items a model with a name")
            yield Reference(RESOURCES[model], inside, item, here, most if is_many else 0)
        elif is_many:
            below = tuple(_walk(model, ".".join(here), model, ()))
            if below and (inside or "name" not in model.model_fields):
                raise UntranslatableError(
                    f"{'.'.join(here)}: references in a list within a list, or of items without name"
                )
            yield from below
        else:
            yield from _walk(model, inside, item, here)


def _parts(kind: type[Model]) -> Iterator[tuple[str, type[Model], bool, int]]:
    """Field, the model in it, whether it holds many of them, and how many at most (0: not said)."""
    for name, field in kind.model_fields.items():
        for model in leaves(field.annotation):
            if isinstance(model, type) and issubclass(model, Model):
                most = next((one.max_length for one in field.metadata if isinstance(one, MaxLen)), 0)
                yield field.alias or name, model, _is_many(field.annotation), most


def _is_many(annotation: object) -> bool:
    return get_origin(annotation) in (tuple, dict) or any(_is_many(part) for part in get_args(annotation))
