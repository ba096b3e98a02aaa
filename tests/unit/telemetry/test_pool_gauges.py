"""Numbers of single pools: set, replaced, dropped with their pool."""

from poolkeeper.telemetry.pool_gauges import Pool, PoolGauges, Rest

A, B = ("team", "a"), ("team", "b")
FAMILIES = {"kind": ("Words.", ("namespace", "pool", "type")), "when": ("Words.", ("namespace", "pool"))}


def seen(gauges: PoolGauges) -> dict[tuple[str, Pool, Rest], float]:
    return {
        (sample.name, (labels.pop("namespace"), labels.pop("pool")), tuple(labels.values())): sample.value
        for family in gauges.collect()
        for sample in family.samples
        if (labels := dict(sample.labels))
    }


def test_a_value_is_set_and_set_again() -> None:
    gauges = PoolGauges(FAMILIES)
    gauges.set("kind", A, 1.0, "Ready")
    gauges.set("kind", A, 0.0, "Ready")
    gauges.set("when", A, 7.0)

    assert seen(gauges) == {("kind", A, ("Ready",)): 0.0, ("when", A, ()): 7.0}


def test_replacing_leaves_no_other_of_the_pool_and_all_of_others() -> None:
    gauges = PoolGauges(FAMILIES)
    gauges.set("kind", A, 1.0, "Ready")
    gauges.set("kind", B, 1.0, "Ready")
    gauges.replace("kind", A, {("Stalled",): 0.0})

    assert seen(gauges) == {("kind", A, ("Stalled",)): 0.0, ("kind", B, ("Ready",)): 1.0}


def test_a_pool_that_is_dropped_has_none() -> None:
    gauges = PoolGauges(FAMILIES)
    gauges.set("kind", A, 1.0, "Ready")
    gauges.set("when", B, 7.0)
    gauges.drop(A)
    gauges.replace("when", B, {})

    assert seen(gauges) == {}
    assert [family.name for family in gauges.collect()] == ["kind", "when"]
