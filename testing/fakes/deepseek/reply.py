"""What is said: an ask and the dials to words, reasoning and finish_reason; render.py says how it is written."""

import json
from dataclasses import dataclass, replace

from testing.fakes.deepseek import text
from testing.fakes.deepseek.ask import Ask, Surface
from testing.fakes.deepseek.params import Params

TOOL_ARGUMENT_CHARACTERS = 4
"""Arguments of a tool call arrive in pieces of so many characters."""
THINKING = (Surface.CHAT, Surface.MESSAGES, Surface.RESPONSES)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who answers, when, and as what number: all that differs between two answers to the same request."""

    name: str
    request: int
    created_s: int
    key: str | None = None
    text_seed: str = ""
    text_model: str = ""
    """The text is written as if the model had this name: endpoints may call the same weights differently."""
    cached_tokens: int = 0

    @property
    def id(self) -> str:
        return f"{self.name}-{self.request:012d}"


@dataclass(frozen=True, slots=True)
class Reply:
    words: tuple[list[str], ...]
    """Tokens of each choice."""
    reasoning: list[str]
    finish_reason: str
    is_tool_call: bool = False

    @property
    def spoken(self) -> int:
        return sum(len(words) for words in self.words) + len(self.reasoning)

    def shortened(self, share: float) -> "Reply":
        return replace(self, words=tuple(words[: round(len(words) * share)] for words in self.words))

    def silenced(self) -> "Reply":
        """The answer stands in the reasoning, the content is empty."""
        return replace(self, words=tuple([] for _ in self.words), reasoning=self.words[0])


def compose(ask: Ask, params: Params, origin: Origin) -> Reply:
    is_tool_call = ask.tool is not None and (ask.tool_required or params.tool_call)
    if is_tool_call:
        words = tuple(_arguments(_seed(ask, origin, choice)) for choice in range(ask.n))
        return Reply(words, [], params.finish_reason or "tool_calls", is_tool_call)
    words = tuple(_words(ask, params, _seed(ask, origin, choice)) for choice in range(ask.n))
    finish_reason = "stop"
    if ask.max_tokens is not None and ask.max_tokens < len(words[0]):
        words = tuple(choice[: ask.max_tokens] for choice in words)
        finish_reason = "length"
    thinks = params.thinking == "on" or (params.thinking == "auto" and ask.wants_thinking)
    thoughts = params.reasoning_tokens if thinks and ask.prefill is None and ask.surface in THINKING else 0
    reasoning = text.tokens("reasoning\0" + _seed(ask, origin, 0), thoughts)
    return Reply(words, reasoning, params.finish_reason or finish_reason)


def _seed(ask: Ask, origin: Origin, choice: int) -> str:
    return "\0".join((origin.text_seed, origin.text_model or ask.model, str(choice), ask.content))


def _words(ask: Ask, params: Params, seed: str) -> list[str]:
    whole = text.tokens(seed, params.tokens)
    if ask.prefill is None or params.prefill == "ignore":
        return whole
    rest = text.remainder(whole, ask.prefill)
    return text.tokens(seed + "\0" + ask.prefill, params.tokens) if rest is None else rest


def _arguments(seed: str) -> list[str]:
    whole = json.dumps({"query": "".join(text.tokens(seed, 3)).strip()}, ensure_ascii=False)
    return [whole[at : at + TOOL_ARGUMENT_CHARACTERS] for at in range(0, len(whole), TOOL_ARGUMENT_CHARACTERS)]
