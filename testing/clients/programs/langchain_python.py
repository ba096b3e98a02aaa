import json
import sys

from langchain_openai import ChatOpenAI


def held(asked: dict) -> dict:
    chat = dict(asked["chat"])
    more = {name: chat.pop(name) for name in ("tools", "response_format") if name in chat}
    extra = {name: chat.pop(name) for name in ("extra_body",) if name in chat}
    model = ChatOpenAI(
        model=chat["model"], base_url=asked["url"] + "/v1", api_key=asked["key"], max_retries=0, timeout=20, **extra
    )
    whole = None
    for chunk in model.bind(**more).stream([("user", chat["messages"][0]["content"])]):
        whole = chunk if whole is None else whole + chunk
    return {
        "text": whole.text if isinstance(whole.text, str) else whole.text(),
        "reasoning": "",
        "calls": [[call["name"], json.dumps(call["args"])] for call in whole.tool_calls],
        "finish": whole.response_metadata.get("finish_reason"),
    }


for line in sys.stdin:
    try:
        answer = held(json.loads(line))
    except Exception as error:
        answer = {"error": type(error).__name__}
    print(json.dumps(answer), flush=True)
