"""A probe's result in lines for people and logs: our own words and numbers, nothing that an endpoint said."""

from collections.abc import Sequence

from poolkeeper.api.probe_result import ProbeResult


def lines(result: ProbeResult) -> list[str]:
    width = max((len(endpoint.name) for endpoint in result.endpoints), default=0)
    text = [
        f"{endpoint.name.ljust(width)}  {_found(endpoint.why, endpoint.bad, endpoint.asked)}{_keys(endpoint.keys)}"
        + (f"  first token {endpoint.phases.first} ms" if endpoint.phases and endpoint.phases.first is not None else "")
        + (f", {endpoint.phases.rate:g} tokens/s" if endpoint.phases and endpoint.phases.rate is not None else "")
        for endpoint in result.endpoints
    ]
    if result.over_budget:
        text.append("the day's budget is spent: some requests were not sent")
    if result.note:
        text.append(result.note)
    if result.cost:
        text.append("cost: " + ", ".join(f"{one.amount} {one.currency}" for one in result.cost))
    return text


def _keys(found: Sequence[str]) -> str:
    bad = [f"key {number}: {why}" for number, why in enumerate(found, 1) if why]
    return f"; {', '.join(bad)}" if bad else ""


def _found(why: str, bad: int, asked: int) -> str:
    if why:
        return f"{why} ({bad}/{asked})" if asked else why
    return "good" if asked else "no request sent"
