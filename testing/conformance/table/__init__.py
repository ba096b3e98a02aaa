"""All cases, in the order of the design's table of failure classes; then what public reports show, kind by kind.

The kinds and the files that play them: where an answer ends (finishes, left_out, ends); what is added (additions); an
answer that says nothing, or in another form (shapes, left_out); bytes and words as they were (words, healthy); blame
(blame, reported); continuation (joins, cuts, recovery); requests as clients send them (callers, clients); names and
addresses (names); DeepSeek's own refusals (forms, refusals); whole answers (long_wholes, wholes, pieces, as_asked);
backoffs (backoffs, servererror); attack and use (hostile, surfaces).
"""

from testing.conformance.case import Case
from testing.conformance.table import (
    additions,
    affinity,
    as_asked,
    backoffs,
    blame,
    busy,
    callers,
    checked,
    clients,
    connect,
    cuts,
    dialects,
    ends,
    finishes,
    forms,
    healthy,
    hostile,
    joins,
    left_out,
    limited,
    long_wholes,
    names,
    pieces,
    recovery,
    refusals,
    reported,
    servererror,
    shapes,
    slow,
    surfaces,
    truncated,
    wholes,
    words,
)

FAMILIES = (
    healthy,
    connect,
    busy,
    limited,
    servererror,
    slow,
    truncated,
    recovery,
    ends,
    refusals,
    dialects,
    clients,
    surfaces,
    cuts,
    checked,
    finishes,
    additions,
    shapes,
    words,
    joins,
    blame,
    callers,
    names,
    forms,
    backoffs,
    as_asked,
    wholes,
    pieces,
    hostile,
    affinity,
    reported,
    left_out,
    long_wholes,
)


def every_case() -> tuple[Case, ...]:
    found = tuple(case for family in FAMILIES for case in family.cases())
    names = [case.name for case in found]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise ValueError(f"cases with the same name: {', '.join(sorted(doubled))}")
    return found
