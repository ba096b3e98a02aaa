"""The router's pure Lua called from Hypothesis: plain data in, plain data out, text one character a byte."""

import json
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from lupa.luajit21 import LuaRuntime

from testing.router_lua import search_path


class Record(Protocol):
    def __getitem__(self, name: str) -> object: ...


lua = LuaRuntime(unpack_returned_tuples=True, encoding="latin-1")
lua.execute(search_path())

LARGEST_INTEGER = 2**63
"""What is larger has no C type. A JSON decoder of Lua makes every number a double."""


def function(text: str) -> Callable[..., object]:
    return cast(Callable[..., object], lua.eval(text))


def table(value: object) -> object:
    """Plain data as Lua tables; a null is a missing member."""
    if isinstance(value, Mapping):
        return lua.table_from({key: table(item) for key, item in value.items() if item is not None})
    if isinstance(value, list | tuple):
        return lua.table_from([table(item) for item in value])
    if isinstance(value, int) and abs(value) >= LARGEST_INTEGER:
        return float(value)
    return as_lua(value) if isinstance(value, str) else value


def as_lua(text: str) -> str:
    """Text as the bytes that go over the wire, one character a byte."""
    return text.encode(errors="surrogatepass").decode("latin-1")


def decoded(text: str) -> object:
    """JSON as the router's decoder gives it: None for what is none."""
    try:
        return table(json.loads(text.encode("latin-1")))
    except ValueError:
        return None
