"""A whole object from the API server or a file, and the one way in: parse, which reports every problem at once."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import ClassVar, Literal, Self

from pydantic import ConfigDict, Field, ValidationError

from poolkeeper.api.base import Model, Problem
from poolkeeper.api.validation_errors import Path, cut_out, rule_problems, shape_problems, to_cut, without_nulls
from poolkeeper.api.value_types import ObjectName

MOST_CUT = 500
"""Findings beyond which no rule is asked about the rest: it would take minutes, and people have enough to read."""


class Metadata(Model):
    """Of metav1.ObjectMeta what Poolkeeper reads; the rest is Kubernetes' and is passed over."""

    model_config = ConfigDict(extra="ignore")

    name: ObjectName
    namespace: str = "default"
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    labels: dict[str, str] = Field(default={})
    annotations: dict[str, str] = Field(default={})
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None


class Resource(Model):
    """What both kinds have in common."""

    PLURAL: ClassVar[str]
    SHORT_NAME: ClassVar[str]

    api_version: Literal["poolkeeper.dev/v1alpha1"] = "poolkeeper.dev/v1alpha1"
    metadata: Metadata

    @classmethod
    def parse(cls, obj: Mapping[str, object], *, local: bool = False) -> Self | tuple[Problem, ...]:
        """The resource, or everything that is wrong with it.

        local: the looser rules of `poolkeeper run`, which may use loopback. The status is not judged: only the
        operator writes it, and one that cannot be read is as good as none.
        """
        try:
            declared = {key: without_nulls(part) for key, part in obj.items() if key != "status"}
        except RecursionError:
            return (Problem("spec", "is nested deeper than any manifest; wanted what `kubectl explain` shows"),)
        try:
            resource = cls._read(declared)
        except ValidationError as error:
            return (*shape_problems(cls, error), *cls._broken_beyond(declared, local))
        problems = list(rule_problems(resource, local))
        return tuple(problems) or cls._with_status(resource, declared, obj.get("status"))

    @classmethod
    def _read(cls, declared: object) -> Self:
        return cls.model_validate(declared, by_alias=True, by_name=False)

    @classmethod
    def _broken_beyond(cls, declared: dict[str, object], local: bool) -> list[Problem]:
        """The rules broken by what is left when the parts of a wrong shape are cut out."""
        named = declared | {"metadata": {"name": "any"}}  # no rule looks at it
        before: frozenset[Path] | None = None
        cut: frozenset[Path] = frozenset()
        while cut != before and cut.isdisjoint({(), ("spec",)}):
            try:
                return list(rule_problems(cls._read(cut_out(named, cut)), local, cut))
            except ValidationError as error:
                if error.error_count() > MOST_CUT:
                    return []
                before, cut = cut, to_cut(error, cut)
        return []  # the spec itself is what is wrong

    @classmethod
    def _with_status(cls, resource: Self, declared: dict[str, object], status: object) -> Self:
        if isinstance(status, Mapping):
            with suppress(ValidationError):
                return cls._read(declared | {"status": without_nulls(status)})
        return resource
