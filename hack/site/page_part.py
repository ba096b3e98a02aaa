"""A part of a page in docs/ that a program writes, between two marks; people write the rest."""

from collections.abc import Sequence


def with_part(page: str, begin: str, end: str, lines: Sequence[str]) -> str:
    """The page with these lines in place of what stands between two marks, each of which is a line."""
    before, _, rest = page.partition(begin)
    return before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]
