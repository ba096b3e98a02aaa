"""Tables of pages in docs/ that stand in the README, too: copied by the program that writes the page, never by hand."""

import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def with_table(readme: str, page: str, heading: str, mark: str) -> str:
    """The README with the page's first table under a heading at the line `<!-- mark: ... -->`."""
    table = re.search(rf"## {re.escape(heading)}\n\n((?:\|.*\n)+)", page)
    place = re.compile(rf"(<!-- {re.escape(mark)}: .*-->\n)(?:\|.*\n)*")
    if not table or not place.search(readme):
        raise ValueError(f"wanted a table under '{heading}' in the page, and a line <!-- {mark}: --> in the README")
    return place.sub(lambda found: found[1] + table[1], readme)
