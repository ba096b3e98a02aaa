"""Which namespaces are known in full, and whose turn has to wait until theirs is.

Nothing may be decided about a pool while a part of its namespace is still unknown: a child that is not listed yet looks
like one that is missing. Each watched namespace is known by itself, so that one that cannot be read holds up no other.
"""

from collections.abc import Callable, Collection, Sequence

from poolkeeper.handlers.watch.answers import Place
from poolkeeper.kube.store import Ref


class Scopes:
    """kinds: that must be listed. namespaces: none for one scope over all. tell: gets the key to reconcile."""

    def __init__(self, kinds: Collection[str], namespaces: Sequence[str], tell: Callable[[Ref], None]) -> None:
        self._is_one = not namespaces
        self._missing = {namespace: set(kinds) for namespace in namespaces or ("",)}
        self._waiting: dict[str, set[Ref]] = {namespace: set() for namespace in self._missing}
        self._tell = tell

    def tell(self, ref: Ref) -> None:
        """Now, or once its namespace is known."""
        scope = "" if self._is_one else ref.namespace
        if scope not in self._missing:
            return  # of a namespace that nobody watches
        if self._missing[scope]:
            self._waiting[scope].add(ref)
        else:
            self._tell(ref)

    def has_listed(self, place: Place) -> None:
        missing = self._missing[place.namespace]
        if not missing:
            return
        missing.discard(place.kind)
        if not missing:
            waiting, self._waiting[place.namespace] = self._waiting[place.namespace], set()
            for ref in sorted(waiting):
                self._tell(ref)

    @property
    def known(self) -> tuple[str, ...]:
        """The namespaces known in full; "" stands for all of them."""
        return tuple(namespace for namespace, missing in self._missing.items() if not missing)
