"""Mutants of the router's pure Lua: operators, constants and branches, one change at a time.

A mutant lies in a folder of its own that busted looks into first. What busted does not notice, the laws of
tests/property get to see as well, through the same folder.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hack.mutants.result import Result, Survivor
from testing.router_lua import FIRST, LUA

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60.0
"""A mutant that runs for longer has been noticed: it loops for ever."""

BUSTED = """\
return {{ default = {{ lua = "luajit", lpath = "{folder}/?.lua;router/lua/?.lua", pattern = "_spec" }} }}
"""

TOKEN = re.compile(
    r"""(?P<comment>--\[\[.*?\]\]|--[^\n]*)|(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\[\[.*?\]\])
      |(?P<number>\b\d+(?:\.\d+)?(?:e\d+)?\b)|(?P<word>[A-Za-z_]\w*)|(?P<sign>==|~=|<=|>=|\.\.\.?|[-+*/%<>])""",
    re.VERBOSE | re.DOTALL,
)
SIGNS: Mapping[str, str] = {
    "==": "~=",
    "~=": "==",
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
}
WORDS: Mapping[str, str] = {"and": "or", "or": "and", "true": "false", "false": "true", "not": ""}
BRANCH = re.compile(r"\b(if|elseif|while) (?P<condition>[^\n]+?) (?P<end>then|do)\b")


@dataclass(frozen=True)
class Change:
    """At `start`, `old` becomes `new`."""

    start: int
    old: str
    new: str


def changes(text: str) -> Iterator[Change]:
    """Every change there is to make, in the order of the text."""
    code = _without_comments(text)
    found = [*_tokens(code), *_branches(code)]
    yield from sorted(found, key=lambda change: (change.start, change.new))


def _without_comments(text: str) -> str:
    """The same length, with blanks where comments and strings were."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0]) if match["comment"] or match["text"] else match[0]

    return TOKEN.sub(blank, text)


def _tokens(code: str) -> Iterator[Change]:
    for match in TOKEN.finditer(code):
        old = match[0]
        if match["number"] and "." not in old and "e" not in old:
            yield Change(match.start(), old, str(int(old) + 1))
        elif match["word"] in WORDS:
            yield Change(match.start(), old, WORDS[old])
        elif match["sign"] in SIGNS and not (old == "-" and _is_unary(code, match.start())):
            yield Change(match.start(), old, SIGNS[old])


def _is_unary(code: str, at: int) -> bool:
    before = code[:at].rstrip()
    return not before or before[-1] in "=({,<>+-*/%" or before.endswith(("return", "and", "or", "not"))


def _branches(code: str) -> Iterator[Change]:
    for match in BRANCH.finditer(code):
        condition = match["condition"]
        yield Change(match.start("condition"), condition, f"not ({condition})")


class TestsFailError(Exception):
    """The tests fail without a mutant: nothing could be learned from mutants."""


def run(path: Path, laws: Sequence[str], parallel: int) -> Result:
    """laws: files of tests/property that know this file; may be empty."""
    text = path.read_text()
    if not _is_missed(path, text, laws):
        raise TestsFailError(f"the tests of {path.name} fail as it is; wanted: busted tests/lua and {list(laws)} pass")
    with ThreadPoolExecutor(parallel) as pool:
        tried = list(pool.map(lambda change: _survivor(path, text, change, laws), changes(text)))
    return Result(str(path.relative_to(ROOT)), len(tried), tuple(one for one in tried if one))


def _survivor(path: Path, text: str, change: Change, laws: Sequence[str]) -> Survivor | None:
    mutant = changed(text, change)
    if not _is_missed(path, mutant, laws):
        return None
    line = text.count("\n", 0, change.start)
    return Survivor(
        f"{path.name}:{line + 1}", f"- {text.splitlines()[line].strip()}\n+ {mutant.splitlines()[line].strip()}"
    )


def _is_missed(path: Path, text: str, laws: Sequence[str]) -> bool:
    """Whether all tests pass while `text` stands in place of the file."""
    with tempfile.TemporaryDirectory() as folder:
        mutant = Path(folder) / path.relative_to(LUA)
        mutant.parent.mkdir(parents=True)
        mutant.write_text(text)
        settings = Path(folder) / ".busted"
        settings.write_text(BUSTED.format(folder=folder))
        own = ROOT / "tests/lua" / path.relative_to(LUA).with_name(f"{path.stem}_spec.lua")
        specs = [str(own), "tests/lua"] if own.is_file() else ["tests/lua"]  # its own notices most, and in no time
        if not all(_passes(["busted", "-f", str(settings), spec], {}) for spec in specs):
            return False
        pytest = [".venv/bin/pytest", "-q", "-x", "-p", "no:cacheprovider", *laws]
        return not laws or _passes(pytest, {FIRST: folder})


def changed(text: str, change: Change) -> str:
    end = change.start + len(change.old)
    new = change.new
    if new.startswith("not ("):
        new = f"not ({text[change.start : end]})"
    return text[: change.start] + new + text[end:]


def _passes(command: Sequence[str], settings: Mapping[str, str]) -> bool:
    try:
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, check=False, timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
