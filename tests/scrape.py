"""What a scrape says its families are, in the words of the tables that declare them."""

from collections.abc import Mapping

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from poolkeeper.telemetry.metrics import Family


def scraped(text: str) -> dict[str, set[Family]]:
    """Each family that has a series, with every set of labels that its series have; `_created` is none of ours."""
    found = {_name(family): _samples(family) for family in text_string_to_metric_families(text) if family.samples}
    return {name: samples for name, samples in found.items() if not name.endswith("_created")}


def total(text: str, series: str, **labels: str) -> float:
    """The sum of all samples of this name that have these labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == series and labels.items() <= sample.labels.items()
    )


def names(text: str) -> set[str]:
    """Every series that is counted: its name and labels. Gauges come and go."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}"
        for family in text_string_to_metric_families(text)
        if family.type != "gauge"
        for sample in family.samples
    }


def declared(table: Mapping[str, Family]) -> dict[str, set[Family]]:
    return {name: {family._replace(labels=tuple(sorted(family.labels)))} for name, family in table.items()}


def _name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def _samples(family: Metric) -> set[Family]:
    buckets = tuple(sorted({float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels}))[:-1]
    return {
        Family(family.type, family.documentation, tuple(sorted(sample.labels.keys() - {"le"})), buckets)
        for sample in family.samples
    }
