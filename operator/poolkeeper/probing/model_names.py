"""Does an answer come from the model that was asked for, by the name that it gives itself?

As the routers' core/answer/model_name.lua: both read a name alike, by one vector file.
"""

import re

_ROLLING = frozenset({"deepseek-chat", "deepseek-reasoner"})
"""Names that always mean DeepSeek's newest model."""
_OTHERS = frozenset({"distill", "qwen", "llama"})
"""Words of models that are not DeepSeek's own."""


def is_same_model(asked: str, answered: str) -> bool:
    """Every word of the asked name is in the answering one: "deepseek-flash" may call itself
    "DeepSeek-V4.1-Flash-1017", and "vendor/name:variant" is "name"."""
    wanted, said = _bare(asked), _words(_bare(answered))
    return _words(wanted) <= said or (wanted in _ROLLING and "deepseek" in said and not said & _OTHERS)


def _bare(name: str) -> str:
    return name.lower().rsplit("/", 1)[-1].partition(":")[0]


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+|[0-9]+", name))
