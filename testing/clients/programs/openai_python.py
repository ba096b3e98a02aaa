import json
import sys

import openai
from openai.lib.streaming.chat import ChatCompletionStreamState


def held(asked: dict) -> dict:
    client = openai.OpenAI(base_url=asked["url"] + "/v1", api_key=asked["key"], max_retries=0, timeout=20)
    state, reasoning = ChatCompletionStreamState(), ""
    for chunk in client.chat.completions.create(**asked["chat"], stream=True):
        state.handle_chunk(chunk)
        for choice in chunk.choices:
            reasoning += (choice.delta.model_extra or {}).get("reasoning_content") or ""
    choice = state.get_final_completion().choices[0]
    calls = [[call.function.name, call.function.arguments] for call in choice.message.tool_calls or []]
    return {"text": choice.message.content, "reasoning": reasoning, "calls": calls, "finish": choice.finish_reason}


for line in sys.stdin:
    try:
        answer = held(json.loads(line))
    except Exception as error:
        answer = {"error": type(error).__name__}
    print(json.dumps(answer), flush=True)
