"""A request body to what the client asks for: parsed once, everything after works on these fields.

Refusals a real provider makes by itself, whatever the scenario, are `AskError`s: broken JSON, missing fields, a
prefill where none is allowed.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from enum import StrEnum

from testing.fakes.deepseek import bodies, jsonin, skins
from testing.fakes.deepseek.text import count_tokens


class Surface(StrEnum):
    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    MESSAGES = "messages"
    RESPONSES = "responses"
    MODELS = "models"
    BALANCE = "balance"
    KEY = "key"
    TAGS = "tags"
    HEALTH = "health"
    PROPS = "props"


MAX_CHOICES = 16
GENERATING = (Surface.CHAT, Surface.COMPLETIONS, Surface.EMBEDDINGS, Surface.MESSAGES, Surface.RESPONSES)
"""The others are what health checks ask: they cost nothing, and only a plan that names them troubles them."""
ROUTES: dict[tuple[str, str], Surface] = {
    ("POST", "/chat/completions"): Surface.CHAT,
    ("POST", "/v1/chat/completions"): Surface.CHAT,
    ("POST", "/beta/chat/completions"): Surface.CHAT,
    ("POST", "/completions"): Surface.COMPLETIONS,
    ("POST", "/v1/completions"): Surface.COMPLETIONS,
    ("POST", "/beta/completions"): Surface.COMPLETIONS,
    ("POST", "/embeddings"): Surface.EMBEDDINGS,
    ("POST", "/v1/embeddings"): Surface.EMBEDDINGS,
    ("POST", "/anthropic/v1/messages"): Surface.MESSAGES,
    ("POST", "/anthropic/messages"): Surface.MESSAGES,
    ("POST", "/v1/messages"): Surface.MESSAGES,  # where other providers have it
    ("POST", "/responses"): Surface.RESPONSES,
    ("POST", "/v1/responses"): Surface.RESPONSES,
    ("GET", "/models"): Surface.MODELS,
    ("GET", "/v1/models"): Surface.MODELS,
    ("GET", "/beta/models"): Surface.MODELS,
    ("GET", "/user/balance"): Surface.BALANCE,
    ("GET", "/v1/key"): Surface.KEY,
    ("GET", "/api/v1/key"): Surface.KEY,
    ("GET", "/api/tags"): Surface.TAGS,
    ("GET", "/health"): Surface.HEALTH,
    ("GET", "/props"): Surface.PROPS,
}


class AskError(Exception):
    """The request is refused before any scenario: status and body of the answer."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status} {body.decode()}")
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Ask:
    surface: Surface
    model: str
    stream: bool = False
    include_usage: bool = False
    max_tokens: int | None = None
    n: int = 1
    wants_thinking: bool = False
    content: str = ""
    """All that the text depends on besides the model: the conversation without a prefill, canonically."""
    prefill: str | None = None
    """Text of the assistant that the answer has to go on from."""
    tool: str | None = None
    tool_required: bool = False
    prompt_units: tuple[tuple[str, int], ...] = ()
    """(hash of the prompt up to here, its tokens), one for each message: what a prefix cache could know."""
    inputs: tuple[str, ...] = ()

    @property
    def prompt_tokens(self) -> int:
        return self.prompt_units[-1][1] if self.prompt_units else 0


def parse(surface: Surface, path: str, body: bytes) -> Ask:
    try:
        fields = jsonin.obj(jsonin.load(body), "body")
        if surface is Surface.CHAT:
            return _chat(fields, beta=path.startswith("/beta/"))
        if surface is Surface.COMPLETIONS:
            return _completion(fields)
        if surface is Surface.MESSAGES:
            return replace(_chat(skins.of_messages(fields), beta=False), surface=surface)
        if surface is Surface.RESPONSES:
            return replace(_chat(skins.of_responses(fields), beta=False), surface=surface)
        return _embedding(fields)
    except jsonin.ShapeError as error:
        raise AskError(400, bodies.invalid_request(f"Failed to parse the request body as JSON: {error}")) from error


def _chat(fields: dict[str, object], *, beta: bool) -> Ask:
    messages = [jsonin.obj(item, "messages") for item in jsonin.array(fields.get("messages"), "messages")]
    if not messages:
        raise AskError(400, bodies.invalid_request("Empty input messages"))
    last = messages[-1]
    prefill = None
    if last.get("role") == "assistant":
        if fields.get("continue_final_message") is True:
            if fields.get("add_generation_prompt") is True:
                text = "Cannot set both `continue_final_message` and `add_generation_prompt` to True."
                raise AskError(400, bodies.invalid_request(text))
            prefill = jsonin.string(last.get("content"), "messages[-1].content")
        elif last.get("prefix") is True:
            if not beta:
                raise AskError(400, bodies.invalid_request(bodies.PREFILL_MESSAGE))
            prefill = jsonin.string(last.get("content"), "messages[-1].content")
    spoken = messages if prefill is None else messages[:-1]
    tools = jsonin.array(fields.get("tools") or [], "tools")
    choice = fields.get("tool_choice")
    thinking = fields.get("thinking")
    return Ask(
        surface=Surface.CHAT,
        model=jsonin.string(fields.get("model"), "model"),
        stream=fields.get("stream") is True,
        include_usage=_include_usage(fields),
        max_tokens=_max_tokens(fields),
        n=_choices(fields),
        wants_thinking=(isinstance(thinking, dict) and thinking.get("type") == "enabled")
        or (thinking is None and fields.get("reasoning_effort") is not None),
        content=_canonical(spoken),
        prefill=prefill,
        tool=_tool_name(tools, choice),
        tool_required=choice == "required" or isinstance(choice, dict),
        prompt_units=_units([_canonical(message) for message in messages]),
    )


def _completion(fields: dict[str, object]) -> Ask:
    prompt = _canonical([fields.get("prompt") or "", fields.get("suffix") or ""])
    return Ask(
        surface=Surface.COMPLETIONS,
        model=jsonin.string(fields.get("model"), "model"),
        stream=fields.get("stream") is True,
        include_usage=_include_usage(fields),
        max_tokens=_max_tokens(fields),
        n=_choices(fields),
        content=prompt,
        prompt_units=_units([prompt]),
    )


def _embedding(fields: dict[str, object]) -> Ask:
    given = fields.get("input")
    inputs = (given,) if isinstance(given, str) else jsonin.strings(given, "input")
    return Ask(
        surface=Surface.EMBEDDINGS,
        model=jsonin.string(fields.get("model"), "model"),
        inputs=inputs,
        prompt_units=_units([_canonical(list(inputs))]),
    )


def _include_usage(fields: dict[str, object]) -> bool:
    options = fields.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _choices(fields: dict[str, object]) -> int:
    count = jsonin.integer(fields.get("n") or 1, "n")
    if not 1 <= count <= MAX_CHOICES:
        raise jsonin.ShapeError(f"n: {count}, wanted 1 to {MAX_CHOICES}")
    return count


def _max_tokens(fields: dict[str, object]) -> int | None:
    value = fields.get("max_tokens", fields.get("max_completion_tokens"))
    return None if value is None else jsonin.integer(value, "max_tokens")


def _tool_name(tools: list[object], choice: object) -> str | None:
    if not tools or choice == "none":
        return None
    wanted = choice if isinstance(choice, dict) else jsonin.obj(tools[0], "tools[0]")
    return jsonin.string(jsonin.obj(wanted.get("function"), "tools.function").get("name"), "tools.function.name")


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _units(parts: list[str]) -> tuple[tuple[str, int], ...]:
    digest = hashlib.sha256()
    units: list[tuple[str, int]] = []
    total = 0
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
        total += count_tokens(part)
        units.append((digest.hexdigest(), total))
    return tuple(units)
