"""What is prose in a file: a page without its code; comments; strings of more than one word.

The result has the same length and lines as the file. Code becomes NUL, which no pattern matches. Between two lines of
one comment or string it becomes spaces, so that a pattern matches across a line break.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from types import MappingProxyType

PYTHON = re.compile(
    r'"""(?P<long>[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*)"""'
    r'|"(?P<double>[^"\\\n]*(?:\\.[^"\\\n]*)*)"'
    r"|'(?P<single>[^'\\\n]*(?:\\.[^'\\\n]*)*)'"
    r"|(?P<comment>#[^\n]*)",
    re.DOTALL,
)
LUA = re.compile(
    r"--\[\[(?P<long>.*?)\]\]"
    r"|(?P<comment>--[^\n]*)"
    r'|"(?P<double>[^"\\\n]*(?:\\.[^"\\\n]*)*)"'
    r"|'(?P<single>[^'\\\n]*(?:\\.[^'\\\n]*)*)'",
    re.DOTALL,
)
SHELL = re.compile(r"(?:^|(?<=\s))(?P<comment>#(?!!)[^\n]*)", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```|<!--.*?-->", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\([^)]*\)|https?://\S+")
CODE = re.compile(r"`[^`]*`")
FIELD = re.compile(r"\{[^{}]*\}|\$\{[^}]*\}|\$\w+")


def of_page(text: str) -> str:
    return _hide(_hide(_hide(text, FENCE), CODE), LINK)


def of_python(text: str) -> str:
    return _only(text, PYTHON)


def of_lua(text: str) -> str:
    return _only(text, LUA)


def of_shell(text: str) -> str:
    return _only(text, SHELL)


READERS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        ".md": of_page,
        ".txt": of_page,
        ".py": of_python,
        ".lua": of_lua,
        ".sh": of_shell,
        ".yaml": of_page,
        ".tpl": of_page,
        ".js": of_lua,
    }
)


def prose(name: str, text: str) -> str:
    """Empty for a generated file: its texts come from another one, which is checked."""
    reader = READERS.get(PurePath(name).suffix)
    is_generated = re.search(r"(?i)\bgenerated (?:by|from)\b", text[:200])
    return reader(text) if reader and not is_generated else ""


def _only(text: str, pattern: re.Pattern[str]) -> str:
    out, at, is_first = [], 0, True
    for found in pattern.finditer(text):
        name = str(found.lastgroup)
        inner = found[name]
        if name != "comment" and not re.search(r"\S\s+\S", inner):
            continue
        gap = text[at : found.start(name)]
        is_glued = not is_first and re.fullmatch(r"[\s\"'#rbf-]*", gap) is not None and gap.count("\n") <= 1
        out.append(_blank(gap, " " if is_glued else "\0"))
        clean = _hide(inner, CODE)
        out.append(re.sub(r"#|--", _spaces, clean) if name == "comment" else _hide(clean, FIELD))
        at, is_first = found.end(name), False
    out.append(_blank(text[at:], "\0"))
    return "".join(out)


def _spaces(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _hide(text: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda found: _blank(found[0], "\0"), text)


def _blank(text: str, sign: str) -> str:
    return re.sub(r"[^\n]", sign, text)
