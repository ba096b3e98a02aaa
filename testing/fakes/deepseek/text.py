"""The text of an answer: a function of a seed alone, so that another fake can go on where this one was cut.

One token in sixteen is there to hurt: multi-byte characters that a careless split tears apart, and text that looks
like the framing around it.
"""

import hashlib

PLAIN = (
    " the", " a", " river", " carries", " light", " over", " stone", " and", " sand", " while", " small", " boats",
    " wait", " for", " evening", ".", " Each", " of", " them", " has", " one", " lamp", ",", " two", " oars", " no",
    " name", " at", " all", "\n", " Then", " wind", " turns", " from", " north", " to", " south-west", " 42", " 3.14",
    " naïve", " café", "深", "度", "求", "索", "，", "。", " quiet",
)  # fmt: skip
HARD = (
    " 🚣", " 👩\u200d🚀", " e\u0301", "\n\n", "\t", ' "quoted"', " back\\slash", " {", "}", " [1, 2]", " <b>", " &amp;",
    " data: [DONE]", ' "finish_reason":"stop"', " : keep-alive", " </think>",
)  # fmt: skip


def tokens(seed: str, count: int) -> list[str]:
    """The first `count` tokens of this seed's endless text."""
    found: list[str] = []
    block = 0
    while len(found) < count:
        digest = hashlib.blake2b(f"{block}\0{seed}".encode("utf-8", "surrogatepass")).digest()
        found.extend(HARD[byte] if byte < len(HARD) else PLAIN[byte % len(PLAIN)] for byte in digest)
        block += 1
    return found[:count]


def remainder(whole: list[str], given: str) -> list[str] | None:
    """What is left of `whole` after `given`, even from inside a token; None where `given` is another text."""
    for index, token in enumerate(whole):
        if not given:
            return whole[index:]
        if given.startswith(token):
            given = given[len(token) :]
        elif token.startswith(given):
            return [token[len(given) :], *whole[index + 1 :]]
        else:
            return None
    return [] if not given else None


def count_tokens(text: str) -> int:
    """About what a tokenizer would say: four bytes a token."""
    return (len(text.encode("utf-8", "surrogatepass")) + 3) // 4
