"""Objects that may be wanted again, kept small: those of a pool take 23 kB as dicts and lists, and 2 kB like this."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from poolkeeper.plan.snapshot import Manifest

FASTEST = 1


@dataclass(frozen=True)
class Packed:
    data: bytes

    @classmethod
    def of(cls, objects: Sequence[Manifest]) -> Self:
        return cls(zlib.compress(json.dumps(objects, separators=(",", ":")).encode(), FASTEST))

    def objects(self) -> tuple[Manifest, ...]:
        return tuple(json.loads(zlib.decompress(self.data)))
