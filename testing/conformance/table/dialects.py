"""The same classes in other vendors' words: what each means to the request is the class's, not the status's."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import NEVER, ONCE, Case, ProviderError, Turn, When
from testing.conformance.table.rows import BOTH, OK, Fault, passed_over, wire


def _openai(message: str, kind: str = "", code: object = None) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _openrouter(code: int, message: str, kind: str) -> dict[str, object]:
    return {"error": {"code": code, "message": message, "metadata": {"error_type": kind}}}


def _flat(message: str, kind: str, code: int) -> dict[str, object]:
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def _siliconflow(code: int, message: str) -> dict[str, object]:
    return {"code": code, "message": message, "data": None}


PASSED_OVER: tuple[tuple[str, str, str, int, dict[str, object]], ...] = (
    ("Busy", "OpenRouter", "no provider left", 503, _openrouter(503, "No provider available", "provider_overloaded")),
    (
        "ServerError",
        "OpenRouter",
        "provider down",
        502,
        _openrouter(502, "Provider returned error", "provider_unavailable"),
    ),
    (
        "Busy",
        "OpenRouter",
        "200 with an error body",
        200,
        _openrouter(503, "Provider overloaded", "provider_overloaded"),
    ),
    (
        "RateLimited",
        "OpenRouter",
        "402 of requests in flight",
        402,
        _openrouter(402, "in_flight budget exceeded", "in_flight"),
    ),
    (
        "ModelMissing",
        "SiliconFlow",
        "model does not exist",
        400,
        _siliconflow(20012, "Model does not exist. Please check it carefully."),
    ),
    (
        "Busy",
        "SiliconFlow",
        "service unavailable",
        503,
        _siliconflow(50505, "Model service overloaded. Please try again later."),
    ),
    ("Busy", "Together", "503 of a burst", 503, _openai("The server is overloaded or not ready yet.", "server_error")),
    ("RateLimited", "Together", "429 over the dynamic rate", 429, _openai("Rate limit exceeded", "rate_limit")),
    ("RateLimited", "Fireworks", "412", 412, _openai("Precondition failed: too many requests", "PRECONDITION_FAILED")),
    ("Busy", "VLLM", "503 of a full queue", 503, _openai("Too many queued requests", "ServiceUnavailableError", 503)),
    ("ModelMissing", "VLLM", "404, no such model", 404, _openai("The model `x` does not exist.", "NotFoundError", 404)),
    ("Busy", "LlamaCpp", "still loading", 503, _openai("Loading model", "unavailable_error", 503)),
    (
        "Busy",
        "Ollama",
        "server busy",
        503,
        _openai("server busy, please try again. maximum pending requests exceeded", "api_error"),
    ),
    ("Busy", "SiliconFlow", "200 with its own shape", 200, _siliconflow(50505, "Model service overloaded.")),
    ("Busy", "SGLang", "503 of a full queue", 503, _flat("The request queue is full.", "ServiceUnavailable", 503)),
    (
        "Incompatible",
        "OpenRouter",
        "402, fewer max_tokens",
        402,
        _openrouter(402, "This request requires more credits, or fewer max_tokens. You requested up to 9000", ""),
    ),
    (
        "Incompatible",
        "OpenRouter",
        "404, no such feature",
        404,
        _openrouter(404, "No endpoints found that support tool use.", ""),
    ),
    (
        "ModelMissing",
        "LMStudio",
        "404, nothing loaded",
        404,
        _openai("No models loaded.", "invalid_request_error", "model_not_found"),
    ),
    (
        "Credential",
        "OpenAI",
        "429 of a quota used up",
        429,
        _openai("You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
    ),
    (
        "ModelMissing",
        "Ollama",
        "404, pull it first",
        404,
        _openai('model "x" not found, try pulling it first', "api_error"),
    ),
)
TOO_LONG: tuple[tuple[str, int, dict[str, object], str], ...] = (
    (
        "SiliconFlow",
        400,
        _siliconflow(20015, "length of prompt_tokens (9000) must be less than max_seq_len (4096)."),
        "max_seq_len",
    ),
    (
        "OpenAI",
        400,
        _openai(
            "This model's maximum context length is 4096 tokens.", "invalid_request_error", "context_length_exceeded"
        ),
        "maximum context length",
    ),
    (
        "VLLM",
        400,
        _openai(
            "This model's maximum context length is 4096 tokens. However, you requested 9000.", "BadRequestError", 400
        ),
        "maximum context length",
    ),
    (
        "LlamaCpp",
        400,
        _openai("the request exceeds the available context size, try increasing it", "exceed_context_size_error", 400),
        "available context size",
    ),
)


def cases() -> Iterator[Case]:
    for klass, vendor, title, status, body in PASSED_OVER:
        slug = f"dialect-{vendor}-{title}".lower().replace(" ", "-").replace(",", "")
        play = replace(wire("refusal", status=status, body=body), dialect=vendor)
        seen = ONCE if klass != "ServerError" else None
        yield from passed_over(Fault(klass, slug, f"{vendor}: {title}", play, seen), later=False)
    for vendor, status, body, message in TOO_LONG:
        play = replace(wire("refusal", status=status, body=body), dialect=vendor)
        fault = Fault("ContextTooLong", f"dialect-{vendor}-context".lower(), f"{vendor}: over the context limit", play)
        for mode in BOTH:
            yield fault.case(mode, When.FIRST, "large", plays=(play, replace(OK, capabilities=("LargeContext",))))
            yield fault.case(
                mode, When.FIRST, "told", turns=(Turn(ProviderError(status, message)),), seen=(ONCE, NEVER)
            )
