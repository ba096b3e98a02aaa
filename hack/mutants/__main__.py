"""`make mutants FILE=...`: the score of one file, or of all files whose decisions count most, and every survivor."""

from collections.abc import Sequence
from pathlib import Path

import click

from hack.mutants import lua, python
from hack.mutants.result import Result, table
from testing.router_lua import LUA

ROOT = Path(__file__).resolve().parents[2]
TESTS_OF_PACKAGE = {
    "status": ("tests/unit/status", "tests/property/test_status.py", "tests/golden/test_condition_messages.py"),
    "plan": ("tests/unit/plan", "tests/property/test_plan.py"),
    "probing": ("tests/unit/probing", "tests/property/test_false_alarms.py"),
}
"""A package whose files can be mutated, and the tests that know its decisions."""
LAWS_OF_FILE = {
    "core/health/breaker.lua": ("tests/property/test_breaker_laws.py",),
    "core/balancing/pick.lua": ("tests/property/test_choice_laws.py",),
    "core/error/classify.lua": ("tests/property/test_classify.py",),
}
ALL = (
    *sorted((ROOT / "operator/poolkeeper/status/conditions").glob("[!_]*.py")),
    *sorted((ROOT / "operator/poolkeeper/plan").glob("[!_]*.py")),
    *sorted((ROOT / "operator/poolkeeper/probing").glob("[!_]*.py")),
    *(ROOT / "router/lua" / name for name in (*LAWS_OF_FILE, "core/error/outcome.lua", "core/health/backoff.lua")),
)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--parallel", default=2, show_default=True, help="Mutants at a time.")
@click.option("--quiet", is_flag=True, help="The table only, not every survivor.")
def main(files: tuple[Path, ...], parallel: int, quiet: bool) -> None:
    """Put small faults into FILES (default: conditions, plan, probing, and the router's core decisions), one at a time.

    Prints each fault that no test noticed, and a table of scores.
    """
    results = []
    for batch in batches([path.resolve() for path in files or ALL]):
        click.echo(f"{', '.join(path.name for path in batch)} ...", err=True)
        for result in of(batch, parallel):
            results.append(result)
            click.echo(f"{result.path}: {result.killed} of {result.mutants} noticed", err=True)
            for survivor in () if quiet else result.survivors:
                click.echo(f"{survivor.name}\n{survivor.diff}\n")
    click.echo(table(results))


def batches(paths: Sequence[Path]) -> list[list[Path]]:
    """Files of a Python package stay together, because one run of mutmut serves them all; a Lua file stands alone."""
    found: dict[Path, list[Path]] = {}
    for path in paths:
        found.setdefault(path if path.suffix == ".lua" else path.parent, []).append(path)
    return list(found.values())


def of(batch: Sequence[Path], parallel: int) -> Sequence[Result]:
    """batch: absolute, inside this checkout; Python files of one package, or one Lua file."""
    first = batch[0]
    if first.suffix == ".lua":
        name = str(first.relative_to(LUA))
        return [lua.run(first, LAWS_OF_FILE.get(name, ()), parallel)]
    package = first.relative_to(python.SOURCE / "poolkeeper").parts[0]
    if package not in TESTS_OF_PACKAGE:
        raise click.UsageError(f"{first}: package '{package}'; wanted a file of {', '.join(TESTS_OF_PACKAGE)}")
    return python.run(batch, TESTS_OF_PACKAGE[package], parallel)


if __name__ == "__main__":
    main()
