"""The sample pool's model server without a container: llama.cpp with a 135M model, the same program and versions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testing.gateways.environments import Environment, environment, is_made
from testing.process import answers, clean_environment, free_port, running

HOST, MODEL = "127.0.0.1", "smollm2"
START_LIMIT_S = 120.0
HACK = Path(__file__).resolve().parents[2]
IMAGES = HACK / "images"


def is_built() -> bool:
    return is_made("llama", _named("llama.lock")) and is_made(MODEL, _named("model.lock"))


@contextmanager
def model_server(folder: Path) -> Iterator[int]:
    """Its port. Installed first if it is missing."""
    program = environment("llama", _named("llama.lock"))
    file = _model_file(environment(MODEL, _named("model.lock"), alone=True))
    port = free_port()
    options = ["--model", str(file), "--alias", MODEL, "--host", HOST, "--port", str(port)]
    command = [str(program.python), str(IMAGES / "llama_server.py"), *options]
    log = folder / "llama.log"
    with running(command, clean_environment(), log, lambda: answers(f"http://{HOST}:{port}/v1/models"), START_LIMIT_S):
        yield port


def _named(file: str) -> tuple[str, ...]:
    return tuple((IMAGES / file).read_text().splitlines())


def _model_file(made: Environment) -> Path:
    return next(made.folder.rglob("*.gguf"))
