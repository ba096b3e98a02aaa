"""What changes about the watches, said once in the log and kept in a metric: which of them fail, which namespaces are
left out."""

import logging
from collections.abc import Callable, Mapping, Sequence

from poolkeeper.handlers.watch.streams import Watching

LOG = logging.getLogger(__name__)


class WatchReport:
    """namespaces: those that are watched one by one. readable: gets each of them, and whether it can be read."""

    def __init__(self, namespaces: Sequence[str], readable: Callable[[str, bool], None]) -> None:
        self._namespaces = namespaces
        self._readable = readable
        self._failing: Mapping[str, str] = {}
        self._unreadable: Mapping[str, str] = {}

    def look(self, now: Watching) -> None:
        for namespace in self._namespaces:
            self._readable(namespace, namespace not in now.unreadable)
        self._failing = _differences(
            self._failing, now.problems, "the watch of %s does not work: %s", "the watch of %s works again"
        )
        self._unreadable = _differences(
            self._unreadable,
            now.unreadable,
            "namespace %s cannot be read and is left out, the others are served: %s",
            "namespace %s can be read again",
        )


def _differences(before: Mapping[str, str], now: Mapping[str, str], begins: str, ends: str) -> Mapping[str, str]:
    for what in now.keys() - before.keys():
        LOG.warning(begins, what, now[what])
    for what in before.keys() - now.keys():
        LOG.info(ends, what)
    return now
