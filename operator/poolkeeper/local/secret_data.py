"""The keys and values of Secrets and ConfigMaps, from their manifests and from the environment.

Values are bytes and go nowhere but into the router's files: no message here quotes one.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from poolkeeper.api.base import Problem
from poolkeeper.errors import UserError
from poolkeeper.local.manifest_files import Document

_ENCODED = {"Secret": "data", "ConfigMap": "binaryData"}
_PLAIN = {"Secret": "stringData", "ConfigMap": "data"}


@dataclass(frozen=True)
class SecretEnv:
    """One credential from the environment: `--secret-env NAME/KEY=VAR`."""

    secret: str
    key: str
    variable: str

    @classmethod
    def parse(cls, text: str) -> "SecretEnv":
        source, equals, variable = text.partition("=")
        secret, slash, key = source.partition("/")
        if not (equals and slash and secret and key and variable):
            raise UserError(
                f"--secret-env: seen {text!r}; wanted NAME/KEY=VAR, such as deepseek/api-key=DEEPSEEK_API_KEY"
            )
        return cls(secret, key, variable)

    def value(self, environ: Mapping[str, str]) -> bytes:
        value = environ.get(self.variable)
        if not value:
            seen = "is empty" if value == "" else "is not set"
            option = f"--secret-env {self.secret}/{self.key}={self.variable}"
            raise UserError(f"{option}: the environment variable {self.variable} {seen}; export it with the credential")
        return value.encode()


@dataclass(frozen=True)
class Content:
    values: Mapping[str, bytes]
    problems: tuple[Problem, ...]


def content_of(document: Document) -> Content:
    """What a Secret or ConfigMap holds; plain text wins over encoded, as in the API server."""
    values: dict[str, bytes] = {}
    problems: list[Problem] = []
    for field, is_encoded in ((_ENCODED[document.kind], True), (_PLAIN[document.kind], False)):
        for key, found in _fields(document, field, is_encoded):
            if isinstance(found, Problem):
                problems.append(found)
            else:
                values[key] = found
    return Content(values, tuple(problems))


def _fields(document: Document, field: str, is_encoded: bool) -> Iterator[tuple[str, bytes | Problem]]:
    given = document.body.get(field) or {}
    if not isinstance(given, dict):
        yield field, Problem(field, f"seen a {type(given).__name__}; wanted keys with values")
        return
    for key, value in given.items():
        path = f"{field}.{key}"
        if not isinstance(value, str):
            yield str(key), Problem(path, f"seen a {type(value).__name__}; wanted text, so put it in quotes")
        elif is_encoded:
            yield str(key), _decoded(path, value)
        else:
            yield str(key), value.encode()


def _decoded(path: str, value: str) -> bytes | Problem:
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return Problem(path, "is not base64; encode it, or put the plain text under stringData")
