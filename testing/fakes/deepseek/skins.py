"""The bodies of the Messages API and the Responses API as the chat request that asks for the same.

So the text of an answer depends on the conversation alone, whichever surface it was asked on.
"""

from collections.abc import Iterator

from testing.fakes.deepseek import jsonin

Fields = dict[str, object]


def of_messages(fields: Fields) -> Fields:
    jsonin.integer(fields.get("max_tokens"), "max_tokens")  # Anthropic's API wants it said
    messages = list(_turns(fields.get("messages"), "messages"))
    if fields.get("system"):
        messages.insert(0, {"role": "system", "content": _text(fields["system"], "system")})
    tools = [jsonin.obj(tool, "tools") for tool in jsonin.array(fields.get("tools") or [], "tools")]
    choice = fields.get("tool_choice")
    wanted = jsonin.obj(choice, "tool_choice").get("type") if choice is not None else "auto"
    return {
        **_common(fields, messages, [jsonin.string(tool.get("name"), "tools.name") for tool in tools]),
        "max_tokens": fields["max_tokens"],
        "thinking": fields.get("thinking"),
        "tool_choice": {"any": "required", "tool": "required", "none": "none"}.get(str(wanted), "auto"),
    }


def of_responses(fields: Fields) -> Fields:
    given = fields.get("input")
    messages = list(_turns([{"role": "user", "content": given}] if isinstance(given, str) else given, "input"))
    if fields.get("instructions"):
        messages.insert(0, {"role": "system", "content": jsonin.string(fields["instructions"], "instructions")})
    tools = [jsonin.obj(tool, "tools") for tool in jsonin.array(fields.get("tools") or [], "tools")]
    reasoning = fields.get("reasoning")
    return {
        **_common(fields, messages, [str(tool["name"]) for tool in tools if tool.get("type") == "function"]),
        "max_completion_tokens": fields.get("max_output_tokens"),
        "thinking": {"type": "enabled"} if isinstance(reasoning, dict) and reasoning.get("effort") else None,
        "tool_choice": fields.get("tool_choice"),
    }


def _common(fields: Fields, messages: list[Fields], tools: list[str]) -> Fields:
    return {
        "model": fields.get("model"),
        "stream": fields.get("stream"),
        "messages": messages,
        "tools": [{"type": "function", "function": {"name": name}} for name in tools],
    }


def _turns(value: object, where: str) -> Iterator[Fields]:
    for item in jsonin.array(value, where):
        turn = jsonin.obj(item, where)
        role = jsonin.string(turn.get("role"), f"{where}.role")
        yield {
            "role": "system" if role == "developer" else role,
            "content": _text(turn.get("content"), f"{where}.content"),
        }


def _text(content: object, where: str) -> str:
    """Plain text, or the text of its blocks."""
    if isinstance(content, str):
        return content
    return "".join(str(jsonin.obj(block, where).get("text", "")) for block in jsonin.array(content, where))
