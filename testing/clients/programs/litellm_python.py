import json
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # no look at a page of prices on the Internet

import litellm

litellm.suppress_debug_info = True


def held(asked: dict) -> dict:
    chat = asked["chat"] | {"model": "openai/" + asked["chat"]["model"]}
    chunks = list(
        litellm.completion(
            **chat, api_base=asked["url"] + "/v1", api_key=asked["key"], stream=True, max_retries=0, timeout=20
        )
    )
    choice = litellm.stream_chunk_builder(chunks).choices[0]
    return {
        "text": choice.message.content,
        "reasoning": getattr(choice.message, "reasoning_content", None),
        "calls": [[call.function.name, call.function.arguments] for call in choice.message.tool_calls or []],
        "finish": choice.finish_reason,
    }


for line in sys.stdin:
    try:
        answer = held(json.loads(line))
    except Exception as error:
        answer = {"error": type(error).__name__}
    print(json.dumps(answer), flush=True)
