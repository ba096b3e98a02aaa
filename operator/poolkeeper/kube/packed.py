"""What may be wanted again, kept small: the objects of a pool take 23 kB as dicts and lists, and 2 kB like this; its
spec and its routers' reports take ten times as much as models."""

import json
import zlib
from dataclasses import dataclass
from typing import Self

FASTEST = 1


@dataclass(frozen=True, slots=True)
class Packed:
    """Equal when their content is."""

    data: bytes

    @classmethod
    def of(cls, value: object) -> Self:
        """JSON; the order of keys does not matter."""
        return cls.of_text(json.dumps(value, sort_keys=True, separators=(",", ":")))

    @classmethod
    def of_text(cls, text: str) -> Self:
        return cls(zlib.compress(text.encode("utf-8", "surrogatepass"), FASTEST))

    def text(self) -> str:
        return zlib.decompress(self.data).decode("utf-8", "surrogatepass")

    def value(self) -> object:
        return json.loads(self.text())
