"""The sample pool's model server without a container: llama.cpp with a 135M model, in the images' versions.

What llama.cpp's server depends on is not the images' to the letter: their lock file is for a newer Python.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testing.gateways.environments import CannotBeMadeError, Environment, environment, is_made
from testing.process import answers, clean_environment, free_port, running

HOST, MODEL = "127.0.0.1", "smollm2"
START_LIMIT_S = 120.0
HACK = Path(__file__).resolve().parents[2]
IMAGES, INSTALL = HACK / "images", HACK / "ci/install.sh"
COMPILER = "model"
"""The group of packages that the build needs."""
BUILD = {"CMAKE_ARGS": "-DLLAVA_BUILD=OFF -DLLAMA_CURL=OFF"}


def is_built() -> bool:
    return is_made("llama", _named("llama.in")) and is_made(MODEL, _named("model.lock"))


@contextmanager
def model_server(folder: Path) -> Iterator[int]:
    """Its port. Built first if it is missing: that takes minutes, and installs a C++ compiler."""
    if not is_built():
        install_compiler(INSTALL)
    program = environment("llama", _named("llama.in"), settings=BUILD)
    file = _model_file(environment(MODEL, _named("model.lock"), alone=True))
    port = free_port()
    options = {"model": file, "model_alias": MODEL, "n_ctx": 2048, "host": HOST, "port": port}
    words = (word for name, value in options.items() for word in (f"--{name}", str(value)))
    # As in the sample: its default breaks off a running answer for any new request.
    command = [str(program.python), "-m", "llama_cpp.server", *words, "--interrupt_requests", "false"]
    log = folder / "llama.log"
    with running(command, clean_environment(), log, lambda: answers(f"http://{HOST}:{port}/v1/models"), START_LIMIT_S):
        yield port


def install_compiler(install: Path) -> None:
    """The script prints what it does, and what to do where it may not."""
    if ended := subprocess.run([install, COMPILER], check=False).returncode:
        raise CannotBeMadeError(f"hack/ci/install.sh {COMPILER} ended with {ended}, and says above what is missing")


def _named(file: str) -> tuple[str, ...]:
    return tuple((IMAGES / file).read_text().splitlines())


def _model_file(made: Environment) -> Path:
    return next(made.folder.rglob("*.gguf"))
