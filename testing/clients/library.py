"""The client libraries: what each is made of, how its program is started, and a program that is asked questions."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testing.gateways.environments import CannotBeMadeError, environment, go_program, node_folder

PROGRAMS = Path(__file__).parent / "programs"
Held = Mapping[str, object]
"""What a library holds at the end: text, reasoning, calls, finish; or error, the name of its exception."""


@dataclass(frozen=True)
class Library:
    """command: makes what it needs, if that is missing; CannotBeMadeError says why it cannot. broken: the exceptions
    that are right where an answer cannot be whole. is_ours: of our own environment, so that `make test` runs it."""

    name: str
    command: Callable[[], Sequence[str]]
    broken: tuple[str, ...]
    is_ours: bool = False


class Program:
    """A library's program, which runs and is asked."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, question: Mapping[str, object]) -> Held:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("a program without pipes")
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the program ended with {self._process.wait()}")
        answer: Held = json.loads(line)
        return answer


@contextmanager
def started(library: Library) -> Iterator[Program]:
    with subprocess.Popen(
        library.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


def _ours(program: str) -> Callable[[], Sequence[str]]:
    return lambda: (sys.executable, str(PROGRAMS / program))


def _python(name: str, program: str, *packages: str) -> Callable[[], Sequence[str]]:
    return lambda: (str(environment(f"client-{name}", packages).python), str(PROGRAMS / program))


def _node(program: str, *packages: str) -> Callable[[], Sequence[str]]:
    def command() -> Sequence[str]:
        node = shutil.which("node")
        if node is None:
            raise CannotBeMadeError("it needs the program node")
        name = program.removesuffix(".mjs")
        # Node looks for modules beside the program.
        return node, str(shutil.copy(PROGRAMS / program, node_folder(f"client-{name}-node", packages) / program))

    return command


def _go(name: str) -> Callable[[], Sequence[str]]:
    return lambda: (str(go_program(f"client-{name}", PROGRAMS / name)),)


LIBRARIES: tuple[Library, ...] = (
    Library("openai, Python", _ours("openai_python.py"), ("APIError",), is_ours=True),
    Library("anthropic, Python", _ours("anthropic_python.py"), ("APIStatusError",), is_ours=True),
    Library(
        "litellm, Python", _python("litellm", "litellm_python.py", "litellm==1.110.2"), ("MidStreamFallbackError",)
    ),
    Library(
        "langchain-openai, Python",
        _python("langchain", "langchain_python.py", "langchain-openai==1.7.4"),
        ("APIError",),
    ),
    Library("openai, npm", _node("openai.mjs", "openai@7.59.0"), ("APIError",)),
    Library("@anthropic-ai/sdk, npm", _node("anthropic.mjs", "@anthropic-ai/sdk@1.14.0"), ("APIError",)),
    Library("ai, npm", _node("ai.mjs", "ai@7.0.173", "@ai-sdk/openai-compatible@3.0.92"), ("APICallError",)),
    Library("openai-go", _go("openai_go"), ("*ssestream.StreamError",)),
    Library("go-openai", _go("go_openai"), ("*openai.APIError", "*fmt.wrapError")),
)
