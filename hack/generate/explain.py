"""What `kubectl explain` leaves out, said in words: the default, the bounds, and all the values of a long
enumeration."""

import json

from hack.generate.structural import Json, Schema
from poolkeeper.api.value_types import BOUNDS


def explained(schema: Schema) -> Schema:
    """The same schema with descriptions that end in default and bounds, and nothing in it that Kubernetes does
    not know."""
    shown = {key: value for key, value in schema.items() if key != BOUNDS}
    for part in ("items", "additionalProperties"):
        if isinstance(inner := shown.get(part), dict):
            shown[part] = explained(inner)
    if isinstance(fields := shown.get("properties"), dict):
        shown["properties"] = {name: _field(part) for name, part in fields.items()}
    return shown


def bounds(schema: Schema) -> str:
    """The bounds of a field in words: "0 to 1000", "at most 63 characters", or "" where nothing is worth saying."""
    if BOUNDS in schema:
        return str(schema[BOUNDS])
    if "minimum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    if "maxItems" in schema:
        return (
            f"{schema['minItems']} to {schema['maxItems']} items"
            if "minItems" in schema
            else f"at most {schema['maxItems']} items"
        )
    if "maxProperties" in schema:
        return f"at most {schema['maxProperties']} entries"
    if "maxLength" in schema:
        return f"at most {schema['maxLength']} characters"
    return ""


def _field(schema: Json) -> Json:
    if not isinstance(schema, dict):
        return schema
    words = [str(schema.get("description", ""))]
    values = schema.get("enum")
    if isinstance(values, list) and len(values) > 4:
        words.append(f"One of {', '.join(str(value) for value in values)}.")
    if "default" in schema and not isinstance(schema["default"], dict) and schema["default"] != "":
        words.append(f"Default: {_plain(schema['default'])}.")
    if "enum" not in schema and bounds(schema):
        words.append(f"Bounds: {bounds(schema)}.")
    return explained(schema) | {"description": " ".join(word for word in words if word)}


def _plain(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value)
