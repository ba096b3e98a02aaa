"""docs/reference/status.schema.json: what `poolkeeper status -o json` prints, from the models that print it."""

import json

from hack.generate.crds import GENERATED
from poolkeeper.api.base import Model
from poolkeeper.local.run_record import PoolRecord


class PoolList(Model):
    """The output of `poolkeeper status -o json`. No field is ever renamed or dropped; one without a value is absent."""

    api_version: str = "v1"
    kind: str = "List"
    items: tuple[PoolRecord, ...] = ()


def text() -> str:
    schema = PoolList.model_json_schema(by_alias=True, mode="validation")
    for part in (schema, *schema["$defs"].values()):
        part.pop("additionalProperties", None)  # a later version may say more
    body = json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2)
    return f'{{ "$comment": "{GENERATED}",\n{body[2:]}\n'
