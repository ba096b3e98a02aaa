"""Whole answers that are asked for as the caller asks (streaming.wholeAnswers: AsAsked).

The other families play them as the default has it: asked of the provider as a stream, and put together.
"""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import Case, Mode
from testing.conformance.table import clients, healthy, slow, truncated

FAMILIES = (healthy, slow, truncated, clients)
"""Those in which the form of the answer decides what is seen of it."""


def cases() -> Iterator[Case]:
    for family in FAMILIES:
        for case in family.cases():
            if case.mode is Mode.WHOLE and case.policy.whole_answers == "Stream" and not case.series:
                yield replace(
                    case,
                    name=f"as-asked-{case.name}",
                    title=f"{case.title} (asked for as a whole)",
                    policy=replace(case.policy, whole_answers="AsAsked"),
                )
