import json
import sys

import anthropic


def held(asked: dict) -> dict:
    client = anthropic.Anthropic(base_url=asked["url"] + "/anthropic", api_key=asked["key"], max_retries=0, timeout=20)
    with client.messages.stream(**asked["messages"]) as stream:
        message = stream.get_final_message()
    blocks = message.content
    return {
        "text": "".join(block.text for block in blocks if block.type == "text"),
        "reasoning": "".join(block.thinking for block in blocks if block.type == "thinking"),
        "calls": [[block.name, json.dumps(block.input)] for block in blocks if block.type == "tool_use"],
        "finish": message.stop_reason,
    }


for line in sys.stdin:
    try:
        answer = held(json.loads(line))
    except Exception as error:
        answer = {"error": type(error).__name__}
    print(json.dumps(answer), flush=True)
