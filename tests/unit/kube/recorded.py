"""What an API server's record (managedFields) says of an object that we have applied. Lists of objects with a name or a
uid are merged by it; all other lists are one value."""

import json

from poolkeeper.kube.json_fields import Json, mapping

NOT_CONTENT = ("apiVersion", "kind", "status")
NOT_OURS = ("name", "namespace", "uid", "resourceVersion")


def recorded(body: Json, manager: str = "poolkeeper", operation: str = "Apply", subresource: str = "") -> Json:
    """The object with one more entry: this manager has written all that is in it."""
    metadata = mapping(body, "metadata")
    written = {name: value for name, value in body.items() if name not in NOT_CONTENT}
    named = {name: value for name, value in metadata.items() if name not in (*NOT_OURS, "managedFields")}
    entry: Json = {"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "apiVersion": "v1"}
    entry |= {"fieldsV1": fields({**written, "metadata": named})}
    entry |= {"subresource": subresource} if subresource else {}
    before = metadata.get("managedFields", [])
    assert isinstance(before, list)
    return {**body, "metadata": {**metadata, "managedFields": [*before, entry]}}


def fields(value: object) -> Json:
    if isinstance(value, dict):
        return {f"f:{name}": fields(item) for name, item in value.items()}
    if isinstance(value, list) and value and all(_key(item) for item in value):
        return {f"k:{json.dumps(_key(item))}": _of_item(item) for item in value}
    return {}


def _of_item(item: object) -> Json:
    """A reference to an owner is one value."""
    return {} if "uid" in mapping(item) else {".": {}, **fields(item)}


def _key(item: object) -> Json:
    found = mapping(item)
    return next(({name: found[name]} for name in ("uid", "name") if name in found), {})
