"""Work beside a test or a story, in a thread of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def in_background(work: Callable[[], None], over: Event) -> Iterator[None]:
    """over: set when the block ends; the work looks at it, and has ended when this returns."""
    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
