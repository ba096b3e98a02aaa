"""What each library is asked, and what the first tier does meanwhile."""

from collections.abc import Mapping
from types import MappingProxyType

MODEL = "flash"
ASKED = [{"role": "user", "content": "Why is one endpoint a gamble?"}]
SCHEMA = {
    "type": "object",
    "properties": {"query": {"type": "string"}},
    "required": ["query"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "query", "schema": SCHEMA, "strict": True}}
Fields = Mapping[str, object]
CHAT: Mapping[str, Fields] = MappingProxyType(
    {
        "text": {},
        "tools": {"tools": [{"type": "function", "function": {"name": "search", "parameters": SCHEMA}}]},
        "thinking": {"extra_body": {"thinking": {"type": "enabled"}}},
        "schema": {"response_format": FORMAT},
    }
)
"""Kind -> members of a chat request."""
MESSAGES: Mapping[str, Fields] = MappingProxyType(
    {
        "text": {},
        "tools": {"tools": [{"name": "search", "input_schema": SCHEMA}]},
        "thinking": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        "schema": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    }
)
FAULTS: Mapping[str, tuple[str, Fields]] = MappingProxyType(
    {
        "healthy": ("ok", {}),
        "busy": ("busy503", {}),
        "cut early": ("cut", {"after_chunks": 1}),
        "cut late": ("cut", {"after_chunks": 5}),
        "silent": ("stall", {"after_chunks": 3}),
    }
)
"""What the first tier does -> a scenario of the scripted provider and its dials. A call's arguments are cut, too."""


def question(url: str, key: str, kind: str) -> Mapping[str, object]:
    return {
        "url": url,
        "key": key,
        "chat": {"model": MODEL, "messages": ASKED, **CHAT[kind]},
        "messages": {"model": MODEL, "max_tokens": 4096, "messages": ASKED, **MESSAGES[kind]},
    }


def dials(kind: str) -> Fields:
    """Of the scripted provider, so that it answers as this kind of question wants."""
    return {"token_interval_ms": 10, **({"tool_call": True} if kind == "tools" else {})}
