"""Vectors that the router's Lua (tests/lua) and the operator's Python both read: one rule, one table, two languages."""

import json
from pathlib import Path
from typing import Any


def vectors(name: str) -> Any:
    return json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))
