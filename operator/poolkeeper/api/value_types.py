"""The small value types of the contract: durations, money, names, counts.

Each carries its bounds, its schema and the words for what it wants, so that a user who gets it wrong reads the same
sentence from the API server and from `poolkeeper validate`, and so that no code inside parses a string again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

VALIDATIONS = "x-kubernetes-validations"
BOUNDS = "x-poolkeeper-bounds"
"""In a JSON schema: bounds that it has no keyword for, in words, for documentation."""
RULES_OF = "x-poolkeeper-rules-of"
"""In a JSON schema: the type whose rules (api/validation_rules.py) the CRD generator puts here."""


class Text(str):
    """A string of one known form. pydantic makes the subclass, so inside the form is a type and not a hope.

    PATTERN is read by three engines (RE2 in the API server, Rust in pydantic, browsers in editors): keep to what all
    know.
    """

    PATTERN: ClassVar[str]
    WANTED: ClassVar[str]
    MAX_LENGTH: ClassVar[int]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(pattern=cls.PATTERN, max_length=cls.MAX_LENGTH)
        made = core_schema.no_info_after_validator_function(
            cls, text, serialization=core_schema.to_string_ser_schema(when_used="always")
        )
        return core_schema.custom_error_schema(
            made, custom_error_type="text_form", custom_error_message=f"must be {cls.WANTED}"
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "maxLength": cls.MAX_LENGTH, "pattern": cls.PATTERN}


class DnsLabel(Text):
    """The name of a Secret's, ConfigMap's or Service's kind of thing that must be one DNS label."""

    PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
    WANTED = "a DNS label: lower-case letters, digits and '-', starting and ending with a letter or digit, at most 63"
    MAX_LENGTH = 63


class ShortName(DnsLabel):
    """Short, because names of files, metrics and children are made from it."""

    WANTED = "a DNS label: lower-case letters, digits and '-', starting and ending with a letter or digit, at most 30"
    MAX_LENGTH = 30


class ObjectName(Text):
    """The name of a Secret, ConfigMap or FailoverPolicy."""

    PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
    WANTED = "an object name: lower-case letters, digits, '-' and '.', at most 253"
    MAX_LENGTH = 253


class DataKey(Text):
    """A key inside a Secret or ConfigMap; it becomes a file name."""

    PATTERN = r"^(\.?[-_a-zA-Z0-9]|\.\.[-_.a-zA-Z0-9])[-._a-zA-Z0-9]*$"
    WANTED = "a key of a Secret or ConfigMap: letters, digits, '-', '_' and '.', at most 253"
    MAX_LENGTH = 253


class HostName(Text):
    """A DNS name, for SNI and for comparing with a certificate."""

    PATTERN = r"^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?)*$"
    WANTED = "a DNS name such as api.deepseek.com, at most 253"
    MAX_LENGTH = 253


class ModelName(Text):
    """Whatever providers think of: slashes, colons, dots, spaces and other scripts, but nothing invisible."""

    PATTERN = r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$"
    WANTED = "a model name: 1 to 128 printable characters"
    MAX_LENGTH = 128


class OptionalModelName(ModelName):
    PATTERN = r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$"
    WANTED = "a model name of at most 128 printable characters (empty: none)"


class UrlPath(Text):
    """The prefix before /chat/completions."""

    PATTERN = r"^(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*$"
    WANTED = "a URL path such as /v1, without query and fragment, at most 256 (empty: none)"
    MAX_LENGTH = 256


class HeaderName(Text):
    """An HTTP field name."""

    PATTERN = r"^[A-Za-z0-9][A-Za-z0-9-]*$"
    WANTED = "a header name: letters, digits and '-', at most 64"
    MAX_LENGTH = 64


class HeaderValue(Text):
    """An HTTP field value: what can be printed in ASCII, no line break."""

    PATTERN = r"^[!-~]([ -~]*[!-~])?$"
    WANTED = "a header value: printable ASCII without a space at either end, 1 to 256 characters"
    MAX_LENGTH = 256


class Printable(Text):
    """Text for people, on one line."""

    PATTERN = r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$"
    WANTED = "printable text on one line, at most 1024 characters"
    MAX_LENGTH = 1024


class Label(Printable):
    """A short text that ends up in metrics."""

    WANTED = "printable text on one line, at most 63 characters"
    MAX_LENGTH = 63


class RegionName(Label):
    """A region that something must have."""

    PATTERN = r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$"
    WANTED = "a region: printable text on one line, 1 to 63 characters"


class Guarantee(Text):
    """What a provider promises about the data it gets, in one word."""

    PATTERN = r"^[A-Za-z][A-Za-z0-9-]*$"
    WANTED = "a guarantee in one word, such as NoTraining: a letter, then letters, digits and '-', at most 63"
    MAX_LENGTH = 63


class Money(Text):
    """An amount that floating point must not touch."""

    PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,9})?$"
    WANTED = 'an amount of money as a quoted decimal, such as "0.15"'
    MAX_LENGTH = 19

    @property
    def decimal(self) -> Decimal:
        return Decimal(self)


class Currency(Text):
    PATTERN = r"^[A-Z]{3}$"
    WANTED = "a currency of three capital letters, such as USD or CNY"
    MAX_LENGTH = 3


_MS_PER_UNIT = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}


class Duration(Text):
    """A Gateway API duration (GEP-2257): str() gives what the user wrote, .ms what it means."""

    PATTERN = r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"
    WANTED = "a duration such as 800ms, 10s or 1m30s"
    MAX_LENGTH = 28

    @property
    def ms(self) -> int:
        return sum(int(count) * _MS_PER_UNIT[unit] for count, unit in re.findall(r"([0-9]+)(ms|s|m|h)", self))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "maxLength": cls.MAX_LENGTH}


_BYTES_PER_UNIT = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


class ByteSize(Text):
    """An amount of memory in Kubernetes' binary units."""

    PATTERN = r"^(0|[1-9][0-9]{0,3}(Ki|Mi|Gi))$"
    WANTED = "an amount of memory such as 512Ki, 64Mi or 1Gi (0: none)"
    MAX_LENGTH = 6

    @property
    def bytes(self) -> int:
        return 0 if self == "0" else int(self[:-2]) * _BYTES_PER_UNIT[self[-2:]]


class Quantity(Text):
    """A Kubernetes resource quantity, passed through as written."""

    PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,9})?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"
    WANTED = "a quantity such as 250m, 2 or 256Mi"
    MAX_LENGTH = 24

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = super().__get_pydantic_core_schema__(source, handler)
        return core_schema.no_info_before_validator_function(
            lambda seen: str(seen) if type(seen) is int else seen, text
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"x-kubernetes-int-or-string": True, "maxLength": cls.MAX_LENGTH, "pattern": cls.PATTERN}


@dataclass(frozen=True)
class Between:
    """Bounds of a Duration, both included."""

    shortest: str
    longest: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        shortest, longest = Duration(self.shortest).ms, Duration(self.longest).ms

        def check(seen: Duration) -> Duration:
            if not shortest <= seen.ms <= longest:
                raise PydanticCustomError("duration_bounds", "must be {wanted}", {"wanted": self._wanted})
            return seen

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        form = f"self.matches('{Duration.PATTERN}')"
        bounds = f"duration(self) >= duration('{self.shortest}') && duration(self) <= duration('{self.longest}')"
        rule = {"rule": f"{form} && {bounds}", "message": f"must be {self._wanted}"}
        return handler(schema) | {VALIDATIONS: [rule], BOUNDS: f"{self.shortest} to {self.longest}"}

    @property
    def _wanted(self) -> str:
        return f"{Duration.WANTED}, from {self.shortest} to {self.longest}"


Span = Annotated[Duration, Between("0s", "1h")]
PositiveSpan = Annotated[Duration, Between("1ms", "1h")]
LongSpan = Annotated[Duration, Between("0s", "24h")]

Count = Annotated[int, Field(strict=True, ge=0, le=10_000)]
PositiveCount = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]
Factor = Annotated[int, Field(strict=True, ge=0, le=1_000)]
"""A multiplier in percent: 100 changes nothing, 200 doubles."""
Port = Annotated[int, Field(strict=True, ge=1, le=65_535)]
Flag = Annotated[bool, Field(strict=True)]


_SWITCH: Mapping[bool, str] = {False: "Off", True: "On"}


class UnquotedSwitch:
    """On a Literal with "Off" in it: YAML (kubectl's too) reads an unquoted Off or On as a boolean; what was
    meant is plain.

    The schema then has no type, because a structural schema knows none for "string or boolean".
    """

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda seen: _SWITCH[seen] if isinstance(seen, bool) else seen, handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        words = handler(schema)["enum"]
        unquoted = [boolean for boolean, word in _SWITCH.items() if word in words]
        return {"enum": [*words, *unquoted], "x-kubernetes-preserve-unknown-fields": True}
