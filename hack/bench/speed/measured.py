"""A gateway while it is measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Measured:
    """base_url: what an OpenAI client gets; pid: of the one process that does the work; headers: what each request must
    carry."""

    name: str
    version: str
    base_url: str
    pid: int
    headers: Mapping[str, str] = field(default_factory=dict)
