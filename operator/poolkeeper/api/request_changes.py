"""What an endpoint changes in the requests that it gets, parameters of the body and headers: as declared, and as the
router's document has it."""

import json
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, GetJsonSchemaHandler, JsonValue
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from poolkeeper.api.base import LIST_SET, Model
from poolkeeper.api.value_types import RULES_OF, Flag, HeaderName, HeaderValue, Text

VALUE_MAX_BYTES = 4096
ANY_VALUE: JsonDict = {"x-kubernetes-preserve-unknown-fields": True}
Surface = Literal["Chat", "Completions", "Messages", "Responses"]


class ParameterPath(Text):
    """A member of a request's body, such as temperature, or of an object in it, such as thinking.type."""

    PATTERN = r"^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*){0,3}$"
    WANTED = "a parameter such as temperature or thinking.type: up to four names with dots between, at most 128"
    MAX_LENGTH = 128

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return super().__get_pydantic_json_schema__(schema, handler) | {RULES_OF: cls.__name__}


def _is_small(value: JsonValue) -> JsonValue:
    if len(as_json(value)) > VALUE_MAX_BYTES:
        raise PydanticCustomError("json_size", f"must be at most {VALUE_MAX_BYTES} bytes as JSON")
    return value


def as_json(value: JsonValue) -> str:
    """One line of ASCII, the same for equal values."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)


AnyValue = Annotated[JsonValue, AfterValidator(_is_small)]


class ParameterRule(Model):
    """What the endpoint decides about one parameter of a request. In this order: remove, default, maximum, set."""

    path: ParameterPath
    """The parameter: a member of the body, such as temperature, or of an object in it, such as thinking.type. model,
    messages, input, prompt, stream, stream_options and n belong to the caller and the router."""
    set: AnyValue | None = Field(None, json_schema_extra=ANY_VALUE)
    """Its value in every request, whatever the caller sends. Any JSON value, at most 4096 bytes."""
    default: AnyValue | None = Field(None, json_schema_extra=ANY_VALUE)
    """Its value where the caller sends none, or null. Any JSON value, at most 4096 bytes."""
    maximum: Annotated[int, Field(strict=True, ge=0, le=2**53)] | None = None
    """The highest number that a caller may send. A higher one, or a value that is no number, becomes this. A caller who
    sends none gets the provider's own limit; set a default, too, where that matters."""
    remove: Flag = False
    """true leaves the parameter out, for an endpoint that refuses it."""
    surfaces: tuple[Surface, ...] = Field((), max_length=4, json_schema_extra=LIST_SET)
    """The APIs that have the parameter: Chat, Completions, Messages, Responses. Default: all four. The Responses API
    calls a parameter differently at times: max_output_tokens, reasoning.effort."""


class HeaderRule(Model):
    """One header of the requests to an endpoint."""

    name: HeaderName
    """The header, such as HTTP-Referer. Headers that carry keys, frame the message or hold for one connection are
    refused: Authorization, Cookie, Host, Content-Length and the like."""
    set: HeaderValue | None = None
    """Its value in every request. It is no place for a secret: it stands in this resource and in a ConfigMap. Left out:
    the endpoint does not get the header."""


class ParameterDoc(Model):
    """What an endpoint decides about one parameter: set and default are JSON text. No surfaces: all."""

    path: str
    set: str | None = None
    default: str | None = None
    maximum: int | None = None
    remove: bool = False
    surfaces: tuple[str, ...] = ()


class HeaderDoc(Model):
    """A header that an endpoint gets with this value, or (None) does not get. name: in lower case."""

    name: str
    value: str | None = None
