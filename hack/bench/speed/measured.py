"""A gateway while it is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """base_url: what an OpenAI client gets; pid: of the one process that does the work."""

    name: str
    version: str
    base_url: str
    pid: int
