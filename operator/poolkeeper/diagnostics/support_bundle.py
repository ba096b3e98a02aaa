"""A support bundle: what is in it, and how it is written. Everything that somebody needs who was not there, and no key.

Keys cannot get in, because nothing that is read here holds any. What all pages of a bundle contain is cut once more
where somebody may have written a password into a URL.
"""

import asyncio
import io
import re
import tarfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from rich.console import Console, RenderableType

from poolkeeper.diagnostics.collect import gather
from poolkeeper.diagnostics.endpoint_facts import facts_of
from poolkeeper.diagnostics.explain_page import page as explained
from poolkeeper.diagnostics.pool_locator import Target
from poolkeeper.diagnostics.status_table import page as table
from poolkeeper.errors import RetryLater
from poolkeeper.local import run_record
from poolkeeper.local.state_dir import StateDir
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.render.metadata import CONFIG_FILE
from poolkeeper.routers.admin_page import fetch

PAGE_COLUMNS = 160
_PASSWORD = re.compile(r"(://)[^/@\s\"']+@")
ARCHIVE_ENDINGS = (".tar.gz", ".tgz")


def contents(found: Target, version: str, now: datetime) -> Mapping[str, str]:
    """File -> text."""
    files, notes = _pages(found, now)
    more, missing = asyncio.run(_of_a_run(found.state)) if found.state else asyncio.run(_of_the_cluster(found))
    head = [
        f"pool {found.name}, at {now:%Y-%m-%dT%H:%M:%SZ}, by poolkeeper {version}",
        "It contains no logs and no Secrets.",
        *(f"missing: {note}" for note in dict.fromkeys([*notes, *missing])),
    ]
    whole = {"README.txt": "\n".join(head) + "\n", **files, **more}
    return {name: _PASSWORD.sub(r"\1***@", text) for name, text in whole.items()}


def write(files: Mapping[str, str], path: Path, now: datetime) -> None:
    """An archive if the name ends like one, else a folder. Only the owner may read it."""
    if not path.name.endswith(ARCHIVE_ENDINGS):
        path.mkdir(mode=0o700, parents=True)
        for name, text in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text, encoding="utf-8")
        return
    path.touch(mode=0o600)
    top = path.name.partition(".")[0]
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            data = text.encode()
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), round(now.timestamp()), 0o600
            archive.addfile(entry, io.BytesIO(data))


def _pages(found: Target, now: datetime) -> tuple[dict[str, str], list[str]]:
    """What `poolkeeper status` and `poolkeeper explain` would say."""
    seen = gather(found)
    status = found.pool.status
    files = {
        "status.txt": _printed(table([found.pool], now)),
        "status.json": found.pool.model_dump_json(by_alias=True, indent=2, exclude_none=True) + "\n",
    }
    for one in status.endpoints:
        files[f"explain/{one.name}.txt"] = _printed(explained(facts_of(found.name, status, one, seen), now))
    if seen.result:
        files["probe.json"] = seen.result.model_dump_json(by_alias=True, indent=2, exclude_defaults=True) + "\n"
    return files, list(seen.notes)


async def _of_a_run(state: StateDir) -> tuple[dict[str, str], list[str]]:
    files: dict[str, str] = {}
    notes: list[str] = []
    document = state.volumes / "config" / CONFIG_FILE
    if document.is_file():
        files[CONFIG_FILE] = document.read_text(encoding="utf-8")
    run = run_record.read(state)
    for page, name in (("state", "state.json"), ("metrics", "metrics.txt")) if run else ():
        try:
            files[f"routers/local/{name}"] = await fetch(f"{run.admin_url if run else ''}/{page}")
        except RetryLater as error:
            notes.append(str(error))
    return files, notes


async def _of_the_cluster(found: Target) -> tuple[dict[str, str], list[str]]:
    from poolkeeper.kube.client import open_api
    from poolkeeper.kube.support_bundle import collect  # a laptop without a cluster does not pay for its client

    meta = found.pool.metadata
    async with open_api() as api:
        return await collect(api, PoolKey(meta.namespace, meta.name))


def _printed(page: RenderableType) -> str:
    console = Console(width=PAGE_COLUMNS, no_color=True, force_terminal=False, file=io.StringIO())
    with console.capture() as capture:
        console.print(page)
    return capture.get()


def file_name(found: Target, now: datetime) -> str:
    meta = found.pool.metadata
    return f"poolkeeper-{meta.namespace}-{meta.name}-{now:%Y%m%dT%H%M%SZ}.tar.gz"
