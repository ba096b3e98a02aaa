"""The prefix cache: how much of a prompt an account has sent to a model before.

As with the real one a hit needs whole units (here: messages) from the prompt's start, and accounts share nothing.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

SIZE = 10_000


@dataclass(slots=True)
class PromptCache:
    _units: OrderedDict[tuple[str | None, str, str], None] = field(default_factory=OrderedDict)

    def hit_tokens(self, key: str | None, model: str, units: tuple[tuple[str, int], ...]) -> int:
        """Tokens of the longest known start of this prompt; all of it is known from now on."""
        hit = 0
        for digest, tokens in units:
            unit = (key, model, digest)
            if unit in self._units:
                hit = tokens
                self._units.move_to_end(unit)
            self._units[unit] = None
        while len(self._units) > SIZE:
            self._units.popitem(last=False)
        return hit

    def clear(self) -> None:
        self._units.clear()
