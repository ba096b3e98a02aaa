"""Reads vocabulary.txt, and finds its words in prose.

A line is PATTERN -> BETTER WORD | WHY. The pattern is a regular expression in which a space matches any white space. It
begins with a plain word: a search for that word comes first, which makes the linter fast.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("vocabulary.txt")
LINE = re.compile(r"(?P<pattern>.+?) +-> +(?P<better>.+?) +\| +(?P<why>.+)")


@dataclass(frozen=True)
class Entry:
    start: str
    pattern: re.Pattern[str]
    better: str
    why: str


@dataclass(frozen=True)
class Found:
    line: int
    seen: str
    entry: Entry


def read(text: str) -> tuple[Entry, ...]:
    lines = enumerate(text.splitlines(), start=1)
    return tuple(_entry(number, line) for number, line in lines if line.strip() and not line.startswith("#"))


def find(entries: tuple[Entry, ...], prose: str) -> Iterator[Found]:
    low = prose.lower()
    for entry in entries:
        if entry.start not in low:
            continue
        for found in entry.pattern.finditer(low):
            seen = " ".join(prose[found.start() : found.end()].split())
            yield Found(prose.count("\n", 0, found.start()) + 1, seen, entry)


def _entry(number: int, line: str) -> Entry:
    found = LINE.fullmatch(line.strip())
    start = re.match(r"[a-z]{2,}", line)
    if found is None or start is None:
        raise ValueError(f"vocabulary.txt:{number}: seen {line!r}, wanted: word -> better word | why")
    # In `ceilings?` the last letter is optional, so the plain start is "ceiling".
    plain = start[0][:-1] if line[start.end() : start.end() + 1] in ("?", "*", "|") else start[0]
    pattern = re.compile(r"\b(?:" + found["pattern"].replace(" ", r"[ \n]+") + r")\b")
    return Entry(plain, pattern, found["better"], found["why"])
