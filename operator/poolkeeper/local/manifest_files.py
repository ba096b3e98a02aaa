"""YAML files to documents: which objects stand where, and what is wrong with the files as such.

Several documents a file, and lists of documents in one, as `kubectl get -o yaml` prints them; yamltext.py reads the
text itself.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import yaml

from poolkeeper.api.base import API_VERSION, Problem
from poolkeeper.errors import UserError
from poolkeeper.local import yaml_text

STDIN = Path("-")
SUFFIXES = (".yaml", ".yml", ".json")
API_VERSIONS = {"EndpointPool": API_VERSION, "FailoverPolicy": API_VERSION, "Secret": "v1", "ConfigMap": "v1"}
GROUP = API_VERSION.partition("/")[0]
DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, order=True)
class Place:
    """document counts from 1, and is 0 for the file as a whole."""

    file: str
    document: int = 0

    def __str__(self) -> str:
        return f"{self.file}, document {self.document}" if self.document else self.file


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with the files. object: such as EndpointPool/chat, or "" where there is none."""

    place: Place
    object: str
    problem: Problem

    def __str__(self) -> str:
        where = ": ".join(part for part in (str(self.place), self.object, self.problem.path) if part)
        return f"{where}: {self.problem.message}" if where else self.problem.message


@dataclass(frozen=True)
class Document:
    place: Place
    kind: str
    namespace: str
    name: str
    body: Mapping[str, object]

    @property
    def object(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Read:
    """notes: what was left alone on purpose, for people."""

    documents: tuple[Document, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def files_in(given: Iterable[Path]) -> tuple[Path, ...]:
    """The files named, with folders replaced by their manifests in order of name; each file once."""
    found: dict[Path, None] = {}
    for path in given:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
            if not inside:
                raise UserError(f"{path}: the folder has no file that ends in {', '.join(SUFFIXES)}; name one with -f")
            found.update(dict.fromkeys(inside))
        else:
            found[path] = None
    return tuple(found)


def read(files: Iterable[Path]) -> Read:
    """Every document of every file, and every problem of all of them at once."""
    documents: list[Document] = []
    findings: list[Finding] = []
    notes: list[str] = []
    for file in files:
        try:
            parsed = _parse(str(file), _text(file))
        except (OSError, UnicodeDecodeError, UserError) as error:
            findings.append(Finding(Place(str(file)), "", Problem("", f"cannot be read: {_why(error)}")))
            continue
        for found in parsed:
            if isinstance(found, Document):
                documents.append(found)
            elif isinstance(found, Finding):
                findings.append(found)
            else:
                notes.append(found)
    findings.extend(_twice(documents))
    return Read(tuple(documents), tuple(findings), tuple(notes))


def _text(file: Path) -> str:
    """No more of it than a manifest can be: it may be a device, or a log of gigabytes."""
    with nullcontext(sys.stdin.buffer) if file == STDIN else file.open("rb") as stream:
        found = stream.read(yaml_text.MAX_BYTES + 1)
    if len(found) > yaml_text.MAX_BYTES:
        raise UserError(f"it is larger than {yaml_text.MAX_BYTES >> 20} MiB; split it into several files")
    return found.decode()


def _parse(file: str, text: str) -> Iterator[Document | Finding | str]:
    number = 0
    try:
        for number, loaded in enumerate(yaml_text.documents(text), 1):
            if loaded is not None:
                yield from _document(Place(file, number), loaded)
    except yaml.YAMLError as error:
        yield Finding(Place(file, number + 1), "", Problem("", f"is not YAML: {yaml_text.why(error)}"))


def _document(place: Place, loaded: object) -> Iterator[Document | Finding | str]:
    if not isinstance(loaded, dict) or not all(isinstance(key, str) for key in loaded):
        seen = "a key that is not text" if isinstance(loaded, dict) else f"a {type(loaded).__name__}"
        yield Finding(place, "", Problem("", f"seen {seen}; wanted an object with apiVersion, kind and metadata"))
        return
    kind, version, metadata = loaded.get("kind"), loaded.get("apiVersion"), loaded.get("metadata")
    if not isinstance(kind, str):
        yield Finding(place, "", Problem("kind", f"is missing; wanted one of {', '.join(API_VERSIONS)}"))
        return
    if kind == "List" and isinstance(items := loaded.get("items"), list):
        for item in items:
            yield from _document(place, item)
        return
    meta = metadata if isinstance(metadata, dict) else {}
    name, namespace = meta.get("name"), meta.get("namespace") or DEFAULT_NAMESPACE
    if kind not in API_VERSIONS and str(version).startswith(f"{GROUP}/"):
        yield Finding(place, kind, Problem("kind", f"{GROUP} has no such kind; {_hint(kind)}"))
    elif kind not in API_VERSIONS:
        yield f"{place}: {kind} {name or '(no name)'} is ignored; only {', '.join(API_VERSIONS)} are used"
    elif version != API_VERSIONS[kind]:
        yield Finding(place, kind, Problem("apiVersion", f"seen {version!r}; wanted {API_VERSIONS[kind]!r}"))
    elif not isinstance(name, str) or not isinstance(namespace, str):
        yield Finding(place, kind, Problem("metadata.name", "is missing or not text; wanted the name of the object"))
    else:
        yield Document(place, kind, namespace, name, loaded)


def _hint(kind: str) -> str:
    ours = [known for known, version in API_VERSIONS.items() if version == API_VERSION]
    near = get_close_matches(kind, ours, n=1)
    return f"did you mean {near[0]}?" if near else f"wanted {' or '.join(ours)}"


def _twice(documents: Iterable[Document]) -> Iterator[Finding]:
    first: dict[tuple[str, str, str], Place] = {}
    for document in documents:
        known = first.setdefault((document.kind, document.namespace, document.name), document.place)
        if known != document.place:
            words = f"appears twice, first in {known}; remove one of them"
            yield Finding(document.place, document.object, Problem("", words))


def _why(error: OSError | UnicodeDecodeError | UserError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 text ({error.reason})"
    return (isinstance(error, OSError) and error.strerror) or str(error)
