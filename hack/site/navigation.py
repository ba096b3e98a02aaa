"""The site's navigation: the sections of docs/README.md, in its order. So there is one index to keep."""

import re
from collections.abc import Iterator, Mapping

from hack.site.tree import PAGE, targets, title

INDEX = f"docs/{PAGE}"
SECTION = re.compile(r"^## +(.+)$", re.MULTILINE)
Entry = str | dict[str, "str | list[Entry]"]


def navigation(pages: Mapping[str, str]) -> list[Entry]:
    """Each page once, where the index names it first. A folder's page brings all pages of its folder along."""
    seen: set[str] = {PAGE}
    parts = SECTION.split(pages[INDEX])
    sections: list[Entry] = [{title(pages[PAGE]): PAGE}]
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        entries = list(_entries(text, pages, seen))
        if entries:
            sections.append({name: entries})
    return sections


def in_navigation(entries: list[Entry]) -> Iterator[str]:
    for entry in entries:
        for value in [entry] if isinstance(entry, str) else entry.values():
            yield from [value] if isinstance(value, str) else in_navigation(value)


def _entries(text: str, pages: Mapping[str, str], seen: set[str]) -> Iterator[Entry]:
    for page in targets(INDEX, text):
        if page not in pages or page in seen:
            continue
        seen.add(page)
        folder = page.removesuffix(PAGE)
        below = sorted(
            name for name in pages if page.endswith(f"/{PAGE}") and name.startswith(folder) and name not in seen
        )
        seen.update(below)
        yield {title(pages[page]): [page, *below]} if below else page
