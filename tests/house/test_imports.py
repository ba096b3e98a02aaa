"""Who may import what, as far as .importlinter cannot say it: packages of others, and the router's Lua."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OPERATOR = ROOT / "operator/poolkeeper"
LUA = ROOT / "router/lua"

THIRD_PARTY: Mapping[str, frozenset[str]] = {
    "api": frozenset({"pydantic", "pydantic_core"}),
    "cli": frozenset({"click", "rich", "yaml"}),
    "diagnostics": frozenset({"pydantic", "rich"}),
    "handlers": frozenset({"aiohttp", "kopf"}),
    "kube": frozenset({"aiohttp", "kubernetes", "pydantic", "yaml"}),
    "local": frozenset({"pydantic", "rich", "yaml"}),
    "prober": frozenset({"httpx", "pydantic"}),
    "probing": frozenset({"cronsim"}),
    "routers": frozenset({"httpx", "pydantic"}),
    "telemetry": frozenset({"opentelemetry", "prometheus_client", "pydantic"}),
}
"""Package of ours -> packages of others that it may import; one that is not named here may import none."""

LUA_GROUPS: Mapping[str, frozenset[str]] = {
    "core/answer": frozenset({"core/json"}),
    "core/balancing": frozenset({"core/json"}),
    "core/document": frozenset(),
    "core/error": frozenset({"core/answer", "core/json"}),
    "core/forms": frozenset({"core/answer", "core/json"}),
    "core/health": frozenset({"core/balancing", "core/error", "core/protocol"}),
    "core/http": frozenset(),
    "core/json": frozenset(),
    "core/log": frozenset(),
    "core/metrics": frozenset({"core/error", "core/health", "core/protocol", "core/request"}),
    "core/protocol": frozenset({"core/answer", "core/forms", "core/json", "core/recovery"}),
    "core/recovery": frozenset({"core/answer", "core/json"}),
    "core/request": frozenset({"core/json"}),
    "nginx/balancing": frozenset({"nginx/endpoint", "nginx/shared"}),
    "nginx/endpoint": frozenset({"nginx/shared"}),
    "nginx/request": frozenset(
        {
            "nginx/balancing",
            "nginx/document_sync",
            "nginx/drain",
            "nginx/endpoint",
            "nginx/shared",
            "nginx/upstream",
        }
    ),
    "nginx/shared": frozenset(),
    "nginx/upstream": frozenset({"nginx/shared"}),
}
"""Group of the router's Lua -> groups of its own half that it may require. nginx/ may require all of core/."""
LUA_OF_OTHERS: Mapping[str, frozenset[str]] = {
    "core": frozenset({"bit"}),
    "nginx": frozenset(
        {
            "cjson.safe",
            "ffi",
            "nginx.dns.resolver",
            "ngx.semaphore",
            "resty.core.base",
            "resty.core.var",
            "resty.dns.resolver",
            "string.buffer",
        }
    ),
}
DEBIANS = frozenset({"nginx.dns.resolver"})
"""Begins like ours, and is Debian's name for resty.dns.resolver."""
REQUIRE = re.compile(r"""require\s*[(,]?\s*["']([\w.]+)["']""")


def test_each_package_imports_of_others_only_what_it_may() -> None:
    """A new dependency is one line here, and its reason in docs/adr/0003-dependencies.md."""
    found = set(third_party_imports())

    assert {(ours, others) for ours, others, _ in found} == {
        (ours, others) for ours, allowed in THIRD_PARTY.items() for others in allowed
    }, sorted(found)


def test_core_requires_nothing_of_nginx_and_what_comes_with_luajit() -> None:
    found = {
        (half, name)
        for file, name in requires()
        if name in DEBIANS or name.partition(".")[0] not in ("core", "nginx")
        for half in [file.parts[0]]
    }
    upward = [(str(file), name) for file, name in requires() if file.parts[0] == "core" and name.startswith("nginx.")]

    assert upward == []
    assert {(half, name) for half, name in found if name not in LUA_OF_OTHERS[half]} == set()


def test_groups_of_lua_require_only_those_that_they_may() -> None:
    found = {
        (group(file), of)
        for file, name in requires()
        if name not in DEBIANS and group(file) in LUA_GROUPS
        for of in [group(LUA / (name.replace(".", "/") + ".lua"))]
        if of.partition("/")[0] == file.parts[0] and of != group(file)
    }

    assert len(found) > 10
    assert {(ours, of) for ours, of in found if of not in LUA_GROUPS[ours]} == set()


def test_no_groups_of_lua_may_require_each_other() -> None:
    def below(start: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        for one in LUA_GROUPS.get(start, frozenset()) - seen:
            seen = below(one, seen | {one})
        return seen

    assert [name for name in LUA_GROUPS if name in below(name)] == []
    assert {name for name in LUA_GROUPS if not (LUA / name).is_dir()} == set()


def third_party_imports() -> Iterator[tuple[str, str, str]]:
    """Package of ours, package of others, file."""
    for file in sorted(OPERATOR.rglob("*.py")):
        where = file.relative_to(OPERATOR)
        for node in ast.walk(ast.parse(file.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                if top != "poolkeeper" and top not in sys.stdlib_module_names:
                    yield where.parts[0].removesuffix(".py"), top, str(where)


def requires() -> Iterator[tuple[Path, str]]:
    """File below router/lua, and what it requires."""
    for file in sorted(LUA.rglob("*.lua")):
        for line in file.read_text().splitlines():
            for name in REQUIRE.findall(line.partition("--")[0]):
                yield file.relative_to(LUA), name


def group(file: Path) -> str:
    """core/json; a file that lies in no folder of its half is a group by itself."""
    where = file.relative_to(LUA) if file.is_absolute() else file
    return "/".join(where.with_suffix("").parts[:2])
