"""YAML text to plain values, as `kubectl` and the API server read it; whatever else YAML can say is refused.

Dates stay text, and a key given twice is an error (the API server's strict mode), because the one that loses is always
the one somebody meant. A file is read again and again by a `poolkeeper run` that serves, so no text may cost more than
a manifest can: aliases count as what they stand for, and what is too deep or too much is refused before it is built.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

MAX_BYTES = 4 << 20
"""Of a file. An API server takes no request larger than 3 MiB."""
MAX_VALUES = 200_000
"""Of a file, with aliases written out: some seconds' work."""
MAX_DEPTH = 100
MAX_INT_BITS = 64
_PLAIN = ("null", "str", "seq", "map")

_Constructor = Callable[["_Loader", yaml.ScalarNode], object]


def documents(text: str) -> Iterator[object]:
    """The documents of a file, one after the other; raises yaml.YAMLError at the first that cannot be read."""
    yield from yaml.load_all(text, Loader=_Loader)


def why(error: yaml.YAMLError) -> str:
    """The problem and its line, without the excerpt that PyYAML adds: the line may hold a key."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem or error.context}"
    if isinstance(error, yaml.reader.ReaderError) and isinstance(error.character, int):
        return f"it holds a character that no text has (U+{error.character:04X})"
    return "it cannot be parsed"


@dataclass
class _Extent:
    """What a part of a document amounts to: how many values it is, and how deep they are nested."""

    anchor: str | None
    values: int = 1
    height: int = 1


class _Loader(yaml.SafeLoader):
    """Safe YAML of what JSON knows, within bounds."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._values = 0
        self._open: list[_Extent] = []
        self._known: dict[str, _Extent] = {}

    def fetch_more_tokens(self) -> None:
        try:
            super().fetch_more_tokens()
        except (ValueError, OverflowError) as error:
            message = "an escape that stands for no character"
            raise yaml.scanner.ScannerError(None, None, message, self.get_mark()) from error

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs forgot it
        mark, anchor = event.start_mark, event.anchor
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == extent.anchor for extent in self._open):
                raise _refusal(f"the alias *{anchor} refers to itself; write out what is meant", mark)
            node = super().compose_node(parent, index)
            extent = self._known[anchor]
            self._count(extent.values, extent.height, mark)
        else:
            extent = _Extent(anchor)
            self._count(1, 1, mark)
            self._open.append(extent)
            node = super().compose_node(parent, index)
            _judge(node)
            self._open.pop()
            if anchor:
                self._known[anchor] = extent
        if self._open:
            self._open[-1].values += extent.values
            self._open[-1].height = max(self._open[-1].height, extent.height + 1)
        return node

    def _count(self, values: int, height: int, mark: yaml.Mark) -> None:
        self._values += values
        if len(self._open) + height > MAX_DEPTH:
            raise _refusal(f"nested more than {MAX_DEPTH} deep; no manifest is", mark)
        if self._values > MAX_VALUES:
            message = f"more than {MAX_VALUES} values, aliases written out; wanted manifests, in several files"
            raise _refusal(message, mark)


def _judge(node: yaml.Node | None) -> None:
    if isinstance(node, yaml.ScalarNode):
        _join_pairs(node)
    elif isinstance(node, yaml.MappingNode):
        _refuse_doubles(node)


def _join_pairs(node: yaml.ScalarNode) -> None:
    """JSON writes a character beyond the first 65 536 as a pair of escapes: one character again."""
    try:
        node.value = node.value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise _refusal("half of a surrogate pair, which is no character", node.start_mark) from error


def _refuse_doubles(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"):
        if key.value in seen:
            raise _refusal(f"the key {key.value!r} is given twice", key.start_mark)
        seen.add(key.value)


def _refusal(message: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(None, None, message, mark)


def _int(loader: _Loader, node: yaml.ScalarNode) -> int:
    number = loader.construct_yaml_int(node)
    if number.bit_length() > MAX_INT_BITS:
        raise OverflowError
    return number


def _refusing(construct: Callable[[_Loader, yaml.ScalarNode], object], wanted: str) -> _Constructor:
    """PyYAML takes a tag's word for it that the text is what the tag says, and so does Python with a text's length."""

    def constructed(loader: _Loader, node: yaml.ScalarNode) -> object:
        try:
            return construct(loader, node)
        except (ValueError, OverflowError, LookupError) as error:
            raise _refusal(f"wanted {wanted}; if it is text, put it in quotes", node.start_mark) from error

    return constructed


_TAG = "tag:yaml.org,2002:"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{_TAG}timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.yaml_constructors = {
    tag: yaml.SafeLoader.yaml_constructors[tag] for tag in (None, *(f"{_TAG}{kind}" for kind in _PLAIN))
} | {
    f"{_TAG}int": _refusing(_int, f"a whole number of at most {MAX_INT_BITS} bits"),
    f"{_TAG}float": _refusing(yaml.SafeLoader.construct_yaml_float, "a number"),
    f"{_TAG}bool": _refusing(yaml.SafeLoader.construct_yaml_bool, "true or false"),
}
