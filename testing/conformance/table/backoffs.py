"""Backoffs: what is overloaded has one: a model, or the account, as the provider limits it."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import ONCE, Case, Policy, Turn, When, times
from testing.conformance.table.rows import BOTH, OK, wire

KLASS = "Backoff of what is overloaded"
LONG = Policy(busy_backoff_ms=(60_000,), recovery_timeout_ms=60_000)
OF_MODEL = (
    ("busy", "DeepSeek", 503, "Service is too busy."),
    ("busy-529", "Together", 529, "overloaded"),
    ("siliconflow", "SiliconFlow", 429, "RPM limit reached"),
    ("together", "Together", 429, "You have reached the rate limit"),
    ("openrouter", "OpenRouter", 429, "Provider returned error: temporarily rate-limited upstream"),
    ("fireworks", "Fireworks", 429, "Request rate ramps too fast"),
    # openclaw/openclaw#5744: one model's quota kept all models of the provider out
    ("quota-of-model", "OpenAI", 429, "Quota exceeded for metric: generate_content_requests, limit: 250"),
    # sipeed/picoclaw#1612: an outage of one model is none of its provider
    ("per-model", "OpenAI", 429, "Rate limit reached for model `x` on tokens per day (TPD): Limit 100000, Used 99000"),
    ("together-model", "Together", 429, "You have reached the rate limit specific to this model"),
    # BerriAI/litellm: all deployments of one model rest there
    ("gateway", "Gateway", 429, "No deployments available for selected model, Try again in 60 seconds."),
    # open-webui/computer#293: one upstream of one model
    ("shared-pool", "OpenRouter", 429, "z-ai/glm-5.3 is temporarily rate-limited upstream. Please retry shortly"),
)
OF_ACCOUNT = (
    ("deepseek", "DeepSeek", 429, "Your current concurrency is 26, which exceeds your concurrency limit of 25"),
    ("poe", "Poe", 429, "Rate limit exceeded"),
    ("vllm", "VLLM", 429, "Too many requests"),
    ("sglang-queue", "SGLang", 429, "The request queue is full."),
    ("ollama", "Ollama", 429, "you have reached your hourly usage limit"),
    ("openrouter-free", "OpenRouter", 429, "Rate limit exceeded: free-models-per-day"),
)


def cases() -> Iterator[Case]:
    turns = (Turn(times=3), Turn(model="pro"))
    for mode in BOTH:
        for whose, table, seen in (
            ("model", OF_MODEL, (times(2), times(3))),
            ("account", OF_ACCOUNT, (ONCE, times(4))),
        ):
            for slug, dialect, status, message in table:
                body = {"error": {"message": message, "type": "", "param": None, "code": None}}
                play = replace(wire("picky", dislikes="flash", status=status, body=body), dialect=dialect)
                title = f"{dialect}, {status} of one model: the backoff is the {whose}'s"
                name = f"backoff-{slug}-{mode}"
                yield Case(name, KLASS, title, mode, When.AGAIN, (play, OK), seen, turns, LONG)
