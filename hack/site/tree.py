"""What the site is made of: the repository's pages, and the files that they link to, at their own paths.

So no link has another target on the site than in the repository. Two things differ. A link to a folder leads to the
folder's page, which is written here where the repository has none: a forge lists a folder's files, a site does not.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
PAGE = "README.md"
TITLES = {"docs/adr": "Decisions", "docs/reference": "Reference"}
"""Of folders without a page. Others are called by their path."""
LINK = re.compile(r"(?P<before>\]\(<?)(?P<target>[^)\s>#]+)(?P<after>#[^)\s>]*)?(?=>?\))")
ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:|/")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^# +(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Site:
    pages: Mapping[str, str]
    """path: its text, as the site has it"""
    files: frozenset[str]
    """Others, unchanged: pictures, manifests, whatever a page links to."""


def repository() -> list[str]:
    """Every file that Git knows or would take."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted(name for name in listed if (ROOT / name).is_file())


def site(names: Iterable[str], root: Path = ROOT) -> Site:
    known = set(names)
    texts = {name: (root / name).read_text() for name in sorted(known) if name.endswith(".md")}
    linked = {target for name, text in texts.items() for target in targets(name, text)}
    folders = {name for name in linked if any(file.startswith(f"{name}/") for file in known)}
    pages = {name: to_folders(name, text, folders) for name, text in texts.items()}
    for folder in sorted(folders):
        pages.setdefault(f"{folder}/{PAGE}", listing(folder, known, texts))
    wanted = linked | {name for name in known if name.startswith("docs/")}
    inside = {file for file in known if any(file.startswith(f"{folder}/") for folder in folders)}
    return Site(pages, frozenset((wanted & known | inside) - pages.keys()))


def targets(page: str, text: str) -> Iterator[str]:
    """The paths of the repository that a page links to."""
    for found in LINK.finditer(CODE.sub("", text)):
        if not ELSEWHERE.match(found["target"]):
            yield resolved(page, found["target"])


def resolved(page: str, target: str) -> str:
    parts: list[str] = []
    for part in (PurePosixPath(page).parent / target).parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def to_folders(page: str, text: str, folders: set[str]) -> str:
    """A link to a folder, as a link to its page; code stays as it is."""

    def one(found: re.Match[str]) -> str:
        target = found["target"]
        if not ELSEWHERE.match(target) and resolved(page, target) in folders:
            target = f"{target.rstrip('/')}/{PAGE}"
        return f"{found['before']}{target}{found['after'] or ''}"

    at, out = 0, []
    for code in CODE.finditer(text):
        out += [LINK.sub(one, text[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*out, LINK.sub(one, text[at:])])


def listing(folder: str, known: set[str], texts: Mapping[str, str]) -> str:
    inside = sorted(name for name in known if name.startswith(f"{folder}/"))
    lines = [
        f"- [{title(texts[name]) if name in texts else name[len(folder) + 1 :]}]({name[len(folder) + 1 :]})"
        for name in inside
    ]
    return "\n".join([f"# {TITLES.get(folder, folder)}", "", *lines, ""])


def title(text: str) -> str:
    found = HEADING.search(text)
    return found[1] if found else ""
