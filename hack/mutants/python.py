"""Mutants of the operator's Python, by mutmut, in a copy of what it needs of the checkout.

The copy has the package under src/, as mutmut wants it; operator/ is a source folder whose name shadows a module of the
standard library.
"""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hack.mutants.result import Result, Survivor

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "operator"
BIN = ROOT / ".venv/bin"
SETTINGS = """\
[tool.pytest.ini_options]
pythonpath = ["src", "tests", "."]
addopts = "--import-mode=importlib -p no:cacheprovider --hypothesis-profile=check"
markers = {markers}

[tool.mutmut]
source_paths = ["src"]
only_mutate = {only}
also_copy = ["conftest.py", "testing", "router"]
pytest_add_cli_args_test_selection = {tests}
"""
MARKERS = ["router: ", "cluster: ", "slow: ", "conformance: ", "timing: ", "paced: "]
SURVIVED = 0
"""Exit code of the tests of a mutant that nobody noticed."""
NO_TESTS = 33
"""mutmut's word for a mutant that no test reaches."""


class MutmutError(Exception):
    """mutmut itself ended badly: the tests fail without a mutant, or the copy lacks a file."""


def run(paths: Sequence[Path], tests: Sequence[str], parallel: int) -> tuple[Result, ...]:
    """Files of one package, in one run: mutmut first asks which test reaches which function, and that takes longest.

    tests: files and folders, from the root, that know these files' decisions.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        names = {path: str("src" / path.relative_to(SOURCE)) for path in paths}
        _copy(copy)
        only, known = json.dumps(list(names.values())), json.dumps(list(tests))
        (copy / "pyproject.toml").write_text(SETTINGS.format(only=only, tests=known, markers=json.dumps(MARKERS)))
        done = subprocess.run(
            [BIN / "mutmut", "run", "--max-children", str(parallel)],
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise MutmutError(f"mutmut ended with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")
        return tuple(_result(copy, path, name) for path, name in names.items())


def _result(copy: Path, path: Path, name: str) -> Result:
    """What the finished run in `copy` found in one file."""
    meta = copy / "mutants" / f"{name}.meta"
    codes: dict[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"] if meta.is_file() else {}
    survivors = [key for key, code in codes.items() if code in (None, SURVIVED, NO_TESTS)]
    found = tuple(Survivor(_short(key), _diff(copy, key)) for key in survivors)
    return Result(str(path.relative_to(ROOT)), len(codes), found)


def _copy(copy: Path) -> None:
    ignore = shutil.ignore_patterns("__pycache__", "runbooks", "static")
    shutil.copytree(SOURCE / "poolkeeper", copy / "src/poolkeeper", ignore=ignore)
    for folder in ("tests", "testing", "router"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignore)
    shutil.copy(ROOT / "conftest.py", copy)


def _short(key: str) -> str:
    """poolkeeper.a.b.x_name__mutmut_3 -> name 3."""
    return re.sub(r"^.*\.x_?(.*)__mutmut_(\d+)$", r"\1 \2", key)


def _diff(copy: Path, key: str) -> str:
    shown = subprocess.run([BIN / "mutmut", "show", key], cwd=copy, capture_output=True, text=True, check=False)
    lines = [line for line in shown.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return "\n".join(lines)
