"""Is what the dashboards say what happened? Every query of every panel is asked, and key values are compared with the
counts of the providers and the callers themselves."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hack.bench.incidents.day import OFFICIAL, PROVIDERS
from hack.bench.incidents.providers import TOKENS_A_CHUNK
from hack.dashboards.incident import SCRAPE_S, Story
from hack.dashboards.panels import DEFAULT_PRICE, Dashboard, Kind, Panel, Query
from hack.dashboards.prometheus import Prometheus, Series
from hack.dashboards.table import DASHBOARDS
from hack.dashboards.table.shared import FIRST_SHARE, POOL_SHARE
from testing.fakes.deepseek.log import Outcome

RATE_S = 5
INSTANT = frozenset({Kind.STAT, Kind.TABLE})
AROUND_S = 2
"""A tier serves for certain in a second if it has given nearly all answers of so many before, and of the next one."""
NEARLY_ALL = 0.9


@dataclass(frozen=True)
class Answer:
    """What a panel shows: series of each of its queries, at one moment or over time."""

    dashboard: Dashboard
    panel: Panel
    found: Sequence[Sequence[Series]]

    @property
    def is_empty(self) -> bool:
        return not all(self.found)


@dataclass(frozen=True)
class Compared:
    """shown: by Prometheus. counted: by providers or callers. within: what they may differ by, and why not 0."""

    what: str
    shown: float
    counted: float
    within: float

    @property
    def is_right(self) -> bool:
        return abs(self.shown - self.counted) <= self.within


def variables(story: Story) -> dict[str, str]:
    """Of a Grafana that shows the whole story, for all pools."""
    return {
        "namespace": ".*",
        "pool": ".*",
        "price_per_hour": str(DEFAULT_PRICE),
        "__rate_interval": f"{RATE_S}s",
        "__range": f"{story.range_s}s",
        "__range_s": str(story.range_s),
    }


def answers(story: Story) -> Sequence[Answer]:
    return [
        Answer(dashboard, panel, [_ask(story, panel.kind, query) for query in panel.queries])
        for dashboard in DASHBOARDS
        for panel in dashboard.panels
    ]


def _ask(story: Story, kind: Kind, query: Query) -> Sequence[Series]:
    text = query.filled(variables(story))
    if kind in INSTANT:
        return story.prometheus.now(text, story.now_s)
    return story.prometheus.over(text, story.began_s, story.now_s, SCRAPE_S)


def compared(story: Story) -> Iterator[Compared]:
    """increase() guesses what came between the last scrape and now: up to a scrape of the time that was shown. What is
    under way in the moment in which a provider closes its listener may be counted on one side only."""
    guess = 1.5 * SCRAPE_S / story.range_s
    ended, prometheus = story.ended, story.prometheus

    def total(query: str) -> float:
        return _value(prometheus, Query(query).filled(variables(story)), story.now_s)

    def by_guess(what: str, query: str, counted: float) -> Compared:
        return Compared(what, total(query), counted, 2 + guess * counted)

    answered = sum(not one.problem for one in ended)
    yield by_guess("requests", "sum(increase(poolkeeper_responses_total{@}[$__range]))", len(ended))
    yield Compared("share of requests that were answered", total(POOL_SHARE), answered / len(ended), 0.01)
    for provider in PROVIDERS:
        yield from _of_provider(provider.name, story, by_guess)
    for provider in PROVIDERS[:-1]:
        bill = _bill(story, provider.name, provider.input_price, provider.output_price)
        spent = total(f'sum(increase(poolkeeper_cost_total{{@,endpoint="{provider.name}"}}[$__range]))')
        yield Compared(f"cost of {provider.name}, USD", spent, bill, 0.0001 + (guess + 0.02) * bill)
    yield from _tiers(story)
    if story.script.phases:
        least, most = _alone(story)
        what = "share that the first choice alone would have answered: what it answered, up to all while it was well"
        yield Compared(what, total(FIRST_SHARE), (least + most) / 2, (most - least) / 2 + 0.05)


def _tiers(story: Story) -> Iterator[Compared]:
    """When a router returns to a tier depends on how often its breakers opened: so not by the script, but by who
    answered."""
    seconds: dict[int, list[int]] = {}
    for second, tier in serving(story).items():
        seconds.setdefault(tier, []).append(second)
    for tier, found in sorted(seconds.items()):
        query = "min(poolkeeper_active_tier)"
        right = sum(_value(story.prometheus, query, story.began_s + second + 0.5) == tier for second in found)
        yield Compared(f"seconds in which tier {tier} served for certain", right, len(found), 1 + len(found) // 20)


def serving(story: Story) -> dict[int, int]:
    """Second of the story -> the tier that serves, where the providers' answers leave no doubt."""
    answers: dict[int, Counter[int]] = {}
    for provider in PROVIDERS:
        for entry in story.asked[provider.name]:
            if entry.status == 200 and entry.chunks:
                answers.setdefault(int(entry.started_wall_s - story.began_s), Counter())[provider.tier] += 1
    found: dict[int, int] = {}
    for second in answers:
        around = [answers.get(second + offset, Counter()) for offset in range(-AROUND_S, 2)]
        tier, count = sum(around, Counter()).most_common(1)[0]
        if all(around) and count >= NEARLY_ALL * sum(sum(one.values()) for one in around):
            found[second] = tier
    return found


def _of_provider(name: str, story: Story, by_guess: Callable[[str, str, float], Compared]) -> Iterator[Compared]:
    entries = story.asked[name]
    statuses = Counter(entry.status for entry in entries)
    for status in (429, 500, 503):
        where = f'@,endpoint="{name}",status="{status}"'
        query = f"sum(increase(poolkeeper_upstream_responses_total{{{where}}}[$__range]))"
        yield by_guess(f"{status} of {name}", query, statuses[status])
    failures = {
        "RateLimited": sum(entry.status == 429 for entry in entries),
        "ServerError": sum(entry.status == 500 for entry in entries),
    }
    for failure, counted in failures.items():
        where = f'@,endpoint="{name}",class="{failure}"'
        query = f"sum(increase(poolkeeper_upstream_errors_total{{{where}}}[$__range]))"
        if counted:
            yield by_guess(f"failed attempts of class {failure} at {name}", query, counted)


def _bill(story: Story, name: str, input_price: float, output_price: float) -> float:
    """What the provider charges: prompts of accepted requests, and what was generated, read or not."""
    accepted = [entry for entry in story.asked[name] if entry.status == 200]
    read = sum(entry.prompt_tokens for entry in accepted) * input_price
    return (read + sum(entry.chunks for entry in accepted) * TOKENS_A_CHUNK * output_price) / 1e6


def _alone(story: Story) -> tuple[float, float]:
    """Of all requests: those that the official API answered whole, and those that came while it was well. The share
    that the dashboards show lies between them: each router finds out by itself that it is down, and that it is back,
    and phases of seconds are as short as the time over which a rate is taken."""
    answered = sum(one.status == 200 and one.outcome is Outcome.FINISHED for one in story.asked[OFFICIAL])
    spans = [
        (begins_s, begins_s + phase.seconds) for begins_s, phase in story.script.phases if OFFICIAL not in phase.plays
    ]
    well = sum(any(start <= one.due.at_s < end for start, end in spans) for one in story.ended)
    return answered / len(story.ended), well / len(story.ended)


def _value(prometheus: Prometheus, query: str, at_s: float) -> float:
    found = prometheus.now(query, at_s)
    return found[0].last if found else 0.0
