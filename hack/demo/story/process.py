"""`poolkeeper run` as a process of its own, and one-shot commands."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hack.demo.story.patience import StoryError

STOP_LIMIT_S = 20.0


@contextmanager
def poolkeeper_run(*args: str, tell: Callable[[str], None]) -> Iterator[str]:
    """A served pool; its base URL. tell hears every line that the run prints."""
    command = [sys.executable, "-m", "poolkeeper", "run", *args]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1, start_new_session=True
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            tell(line.rstrip())
            if "ready" in line:
                base_url = next(word for word in line.split() if word.startswith("http"))
                break
        else:
            raise StoryError("`poolkeeper run` ended before it was ready")
        threading.Thread(target=_overhear, args=(process.stdout, tell), daemon=True).start()
        yield base_url
    finally:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _overhear(lines: Iterable[str], tell: Callable[[str], None]) -> None:
    for line in lines:
        tell(line.rstrip())


def poolkeeper(*args: str) -> None:
    """One command, its output to the screen."""
    done = subprocess.run([sys.executable, "-m", "poolkeeper", *args], check=False)
    if done.returncode != 0:
        raise StoryError(f"poolkeeper {' '.join(args)}: exit {done.returncode}")


def fill_in(template: Path, target: Path, **values: str) -> None:
    text = template.read_text()
    for name, value in values.items():
        text = text.replace(name, value)
    target.write_text(text)
