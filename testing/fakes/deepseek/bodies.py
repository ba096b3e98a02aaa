"""Error bodies as the provider words them. Verbatim where a public report quotes one; GUESS marks the others.

`code` is misleading on purpose: DeepSeek says invalid_request_error for nearly everything.
"""

import json

BUSY_MESSAGE = "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers."
MODEL_MISSING_MESSAGE = "Model Not Exist"
BALANCE_MESSAGE = "Insufficient Balance"
REASONING_MESSAGE = "The `reasoning_content` in the thinking mode must be passed back to the API."
AUTH_FORMAT_MESSAGE = "Authentication Fails (auth header format should be Bearer sk-...)"
PREFILL_MESSAGE = "The last message with prefix=true needs base_url https://api.deepseek.com/beta"  # GUESS
FORMAT_MESSAGE = "Invalid request format"  # GUESS
PARAMETERS_MESSAGE = "Invalid parameters: temperature must be between 0 and 2"  # GUESS
SERVER_MESSAGE = "Internal Server Error"  # GUESS
OPENROUTER_ERROR_TYPES = {429: "rate_limit_exceeded", 502: "provider_unavailable", 503: "provider_overloaded"}


def error(message: str, kind: str, code: str | None = "invalid_request_error") -> bytes:
    return dump({"error": {"message": message, "type": kind, "param": None, "code": code}})


def dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def auth(key: str | None) -> bytes:
    """The 401: the key masked to its last four characters, or the hint when there was no bearer key at all."""
    message = AUTH_FORMAT_MESSAGE if key is None else f"Authentication Fails, Your api key: ****{key[-4:]} is invalid"
    return error(message, "authentication_error")


def busy(message: str = "") -> bytes:
    return error(message or BUSY_MESSAGE, "service_unavailable_error", "service_unavailable_error")


def rate_limit(concurrency: int, limit: int, message: str = "") -> bytes:
    text = (
        f"Too many requests. Your current concurrency is {concurrency}, which exceeds your concurrency limit of "
        f"{limit} based on your remaining balance. Please top up your balance to restore your concurrency."
    )
    return error(message or text, "rate_limit_error")


def balance(message: str = "") -> bytes:
    return error(message or BALANCE_MESSAGE, "unknown_error")


def model_missing() -> bytes:
    return dump({"error": {"message": MODEL_MISSING_MESSAGE, "type": "invalid_request_error"}})


def invalid_request(message: str) -> bytes:
    return error(message, "invalid_request_error")


def context_too_long(limit: int, asked: int) -> bytes:
    """The wording that DeepSeek shares with OpenAI's older models."""
    return error(
        f"This model's maximum context length is {limit} tokens. However, you requested {asked} tokens "
        "in the messages. Please reduce the length of the messages or completion.",
        "invalid_request_error",
    )


ANTHROPIC_TYPES = {
    200: "overloaded_error",  # the busy body that comes so
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    404: "not_found_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    529: "overloaded_error",
}


def anthropic_error(status: int, message: str) -> bytes:
    """Anthropic's shape; that DeepSeek's Messages surface words its refusals so is a GUESS."""
    return dump({"type": "error", "error": {"type": ANTHROPIC_TYPES.get(status, "api_error"), "message": message}})


def in_anthropic(status: int, body: bytes) -> bytes:
    """A body of this file in Anthropic's shape; a gateway's HTML stays what it is."""
    if not body.startswith(b"{"):
        return body
    return anthropic_error(status, json.loads(body)["error"]["message"])


def server_error(message: str = "") -> bytes:
    return error(message or SERVER_MESSAGE, "server_error", None)


def vllm_error(message: str, status: int) -> bytes:
    return dump({"error": {"message": message, "type": "InternalServerError", "param": None, "code": status}})


def error_in_choice(body: bytes, status: int, message: str) -> bytes:
    """OpenRouter's way in a whole answer: 200, part of the text, and the error inside the choice."""
    answer = json.loads(body)
    answer["choices"][0]["error"] = {"code": status, "message": message}
    return dump(answer)


def gateway(status: int, phrase: str) -> bytes:
    """502 and 504 come from the gateway in front of the API: HTML, not JSON."""
    title = f"{status} {phrase}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>openresty</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


def user_balance(available: bool) -> bytes:
    total, granted, topped_up = ("110.00", "10.00", "100.00") if available else ("0.00", "0.00", "0.00")
    info = {"currency": "CNY", "total_balance": total, "granted_balance": granted, "topped_up_balance": topped_up}
    return dump({"is_available": available, "balance_infos": [info]})


def openrouter_key(remaining: float | None) -> bytes:
    """What OpenRouter reports of an API key, as far as our code reads it; None: the key has no own limit."""
    limit = None if remaining is None else 100
    return dump({"data": {"label": "sk-or-v1-fak...e00", "limit": limit, "limit_remaining": remaining, "usage": 25.5}})


def ollama_tags(names: tuple[str, ...]) -> bytes:
    return dump({"models": [{"name": name if ":" in name else f"{name}:latest", "size": 1} for name in names]})


def models(names: tuple[str, ...]) -> bytes:
    entries = [{"id": name, "object": "model", "owned_by": "deepseek"} for name in names]
    return dump({"object": "list", "data": entries})
