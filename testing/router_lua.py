"""The router's own Lua inside Python, so that what one language writes is read by the other."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from lupa.luajit21 import LuaRuntime

from poolkeeper.telemetry.metrics import Family

LUA = Path(__file__).resolve().parents[1] / "router" / "lua"
FIRST = "POOLKEEPER_LUA_FIRST"
"""Environment: a folder that is searched before the router's own, where `make mutants` puts a changed file."""


def search_path() -> str:
    """A statement of Lua: where modules are found."""
    folders = [folder for folder in (os.environ.get(FIRST), str(LUA)) if folder]
    return f'package.path = "{"".join(f"{folder}/?.lua;" for folder in folders)}" .. package.path'


def runtime() -> LuaRuntime:
    """LuaJIT that finds the router's modules; text goes in and comes out as bytes."""
    lua = LuaRuntime(unpack_returned_tuples=True, encoding=None)
    lua.execute(search_path().encode())
    return lua


def config_reader() -> Callable[[Mapping[str, object]], str]:
    """Gives what router/lua/core/document/config.lua has against a document; "" when it takes it."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.execute(search_path())
    read = lua.eval(
        """function(document)
             local doc, err = require("core.document.config").read(document)
             return doc and "" or err
           end"""
    )

    def complaint(document: Mapping[str, object]) -> str:
        return str(read(as_table(lua, document)))

    return complaint


def as_table(lua: LuaRuntime, value: object) -> object:
    """Plain JSON as Lua tables; null is a missing member."""
    if isinstance(value, Mapping):
        return lua.table_from({key: as_table(lua, item) for key, item in value.items() if item is not None})
    if isinstance(value, list):
        return lua.table_from([as_table(lua, item) for item in value])
    return value


def router_families() -> Mapping[str, Family]:
    """What router/lua/core/metrics/families.lua declares."""
    table = runtime().eval(b'require("core.metrics.families")')
    return {
        name.decode(): Family(
            family[1].decode(),
            family[2].decode(),
            tuple(label.decode() for label in family[3].values()),
            tuple(family[4].values()) if family[4] else (),
        )
        for name, family in table.items()
    }
