"""Who may import whom among the tests, the tools and what both share. The picture is in hack/README.md.

operator/ is watched by import-linter (.importlinter); these rooms have no package of their own that it could read.
"""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OF_TESTS = frozenset(path.stem for path in (ROOT / "tests").iterdir() if path.is_dir() or path.suffix == ".py")
"""pytest puts tests/ on the path, so its folders can be imported by their bare names."""
BENCHES = ("speed", "incidents", "soak", "conformance", "chaos", "scale")
FORBIDDEN = (
    ("tests", ("hack",)),
    ("testing", ("hack", "tests", *OF_TESTS)),
    ("hack", ("tests", *OF_TESTS)),
    ("operator", ("hack", "testing", "tests", *OF_TESTS)),
    ("testing/fakes", ("poolkeeper", "testing.gateways", "testing.conformance", "testing.runs", "testing.process")),
    ("testing/gateways", ("testing.conformance", "testing.runs")),
    ("testing/clients", ("testing.conformance", "testing.runs")),
    ("testing/conformance", ("testing.runs",)),
    ("testing/runs", ("testing.conformance", "testing.gateways")),
    ("testing/chaos", ("testing.conformance", "testing.gateways", "testing.runs")),
    ("hack/dashboards", ("hack.demo", "hack.generate", "hack.tests")),
    ("hack/generate", ("hack.bench", "hack.demo", "hack.tests")),
    ("hack/gitops", ("hack.bench", "hack.demo", "hack.generate", "hack.release", "hack.tests")),
    ("hack/release", ("hack.bench", "hack.demo", "hack.generate", "hack.tests")),
    ("hack/delivery", ("hack.bench", "hack.demo", "hack.generate", "hack.gitops", "hack.tests")),
    ("hack/upgrade", ("hack.demo", "hack.generate", "hack.gitops", "hack.release", "hack.tests")),
    ("hack/site", ("hack.bench", "hack.demo", "hack.generate", "hack.release", "hack.tests")),
    ("hack/demo", ("hack.bench", "hack.generate", "hack.tests")),
    ("hack/bench", ("hack.dashboards", "hack.demo", "hack.generate", "hack.tests")),
    *((f"hack/bench/{name}", tuple(f"hack.bench.{other}" for other in BENCHES if other != name)) for name in BENCHES),
)
"""(a room, what no file in it may import)"""


@pytest.mark.parametrize(("room", "forbidden"), FORBIDDEN, ids=[room for room, _ in FORBIDDEN])
def test_a_room_imports_only_from_below(room: str, forbidden: Sequence[str]) -> None:
    files = sorted((ROOT / room).rglob("*.py"))

    assert files
    assert [found for file in files for found in offences(file, forbidden)] == []


def test_an_import_of_any_form_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        "import hack.bench\nfrom hack import bench\ndef f():\n    from hack.demo import story\nimport hackney\n"
    )

    assert [name for _, _, name in offences(file, ("hack",))] == ["hack.bench", "hack.bench", "hack.demo.story"]


def offences(file: Path, forbidden: Sequence[str]) -> Iterator[tuple[Path, int, str]]:
    for line, name in imports(ast.parse(file.read_text())):
        if any(name == one or name.startswith(f"{one}.") for one in forbidden):
            yield file, line, name


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Each imported name in full, and its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, one.name) for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{one.name}") for one in node.names)
