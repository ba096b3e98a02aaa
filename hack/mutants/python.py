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
addopts = "--import-mode=importlib -p no:cacheprovider"
markers = {markers}

[tool.mutmut]
source_paths = ["src"]
only_mutate = ["{only}"]
also_copy = ["testing", "router"]
pytest_add_cli_args_test_selection = {tests}
"""
MARKERS = ["router: ", "cluster: ", "slow: ", "conformance: ", "timing: ", "paced: "]
SURVIVED = 0
"""Exit code of the tests of a mutant that nobody noticed."""
NO_TESTS = 33
"""mutmut's word for a mutant that no test reaches."""


class MutmutError(Exception):
    """mutmut itself ended badly: the tests fail without a mutant, or the copy lacks a file."""


def run(path: Path, tests: Sequence[str], parallel: int) -> Result:
    """tests: files and folders, from the root, that know this file's decisions."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        name = "src" / path.relative_to(SOURCE)
        _copy(copy)
        settings = SETTINGS.format(only=name, tests=json.dumps(list(tests)), markers=json.dumps(MARKERS))
        (copy / "pyproject.toml").write_text(settings)
        done = subprocess.run(
            [BIN / "mutmut", "run", "--max-children", str(parallel)],
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
        )
        meta = copy / "mutants" / f"{name}.meta"
        if done.returncode or not meta.is_file():
            raise MutmutError(f"mutmut ended with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")
        codes: dict[str, int] = json.loads(meta.read_text())["exit_code_by_key"]
        survivors = [key for key, code in codes.items() if code in (SURVIVED, NO_TESTS)]
        found = tuple(Survivor(_short(key), _diff(copy, key)) for key in survivors)
    return Result(str(path.relative_to(ROOT)), len(codes), found)


def _copy(copy: Path) -> None:
    ignore = shutil.ignore_patterns("__pycache__", "runbooks", "static")
    shutil.copytree(SOURCE / "poolkeeper", copy / "src/poolkeeper", ignore=ignore)
    for folder in ("tests", "testing", "router"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignore)


def _short(key: str) -> str:
    """poolkeeper.a.b.x_name__mutmut_3 -> name 3."""
    return re.sub(r"^.*\.x_?(.*)__mutmut_(\d+)$", r"\1 \2", key)


def _diff(copy: Path, key: str) -> str:
    shown = subprocess.run([BIN / "mutmut", "show", key], cwd=copy, capture_output=True, text=True, check=False)
    lines = [line for line in shown.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return "\n".join(lines)
