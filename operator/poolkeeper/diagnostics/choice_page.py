"""Why a request for a model would go where it goes: what each router of the pool says, as a page."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from pydantic import ValidationError
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from poolkeeper.api.router_choice import EndpointChoice, RouterChoice
from poolkeeper.diagnostics.pool_locator import LOCAL_ROUTER, Target
from poolkeeper.errors import UserError
from poolkeeper.local import run_record
from poolkeeper.local.state_dir import StateDir
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.routers.admin_page import fetch


@dataclass(frozen=True)
class Answered:
    """choices: router -> what it says."""

    model: str
    client: str | None
    choices: Mapping[str, RouterChoice]


def gather(target: Target, model: str, client: str | None) -> Answered:
    """client: a name of access.clients; None: any caller."""
    query = {"model": model} | ({"client": client} if client is not None else {})
    key = PoolKey(target.pool.metadata.namespace, target.pool.metadata.name)
    pages = asyncio.run(_of_a_run(target.state, query) if target.state else _of_the_cluster(key, query))
    if not pages:
        raise UserError(f"pool {target.name} has no router that could say; see `poolkeeper status {target.name}`")
    choices = {router: read(router, text) for router, text in pages.items()}
    for router, choice in choices.items():
        if choice.problem:
            raise UserError(f"router {router} of pool {target.name} says: {choice.problem}")
    return Answered(model, client, choices)


def read(router: str, text: str | None) -> RouterChoice:
    if text is None:
        raise UserError(f"router {router} has no page /candidates: it is older than this command. Update the routers")
    try:
        return RouterChoice.model_validate_json(text)
    except ValidationError as error:
        raise UserError(f"what router {router} says is not one that this command can read") from error


async def _of_a_run(state: StateDir, query: Mapping[str, str]) -> Mapping[str, str | None]:
    run = run_record.read(state)
    return {LOCAL_ROUTER: await fetch(f"{run.admin_url}/candidates?{urlencode(query)}")} if run else {}


async def _of_the_cluster(key: PoolKey, query: Mapping[str, str]) -> Mapping[str, str | None]:
    from poolkeeper.kube.client import open_api  # a laptop without a cluster does not pay for its client
    from poolkeeper.kube.pool_details import candidates

    async with open_api() as api:
        return await candidates(api, key, query)


def page(pool: str, answered: Answered) -> RenderableType:
    caller = f"client {answered.client}" if answered.client else "any caller"
    parts: list[RenderableType] = [Text(f"{pool}: a chat request for {answered.model} of {caller}", "bold")]
    for router, choice in answered.choices.items():
        parts += [Text(), *_router(router, choice)]
    return Group(*parts)


def _router(router: str, choice: RouterChoice) -> Iterator[RenderableType]:
    yield Text(f"router {router}")
    if not choice.is_allowed:
        yield Text("  the client may not request this model (access.clients[].allow.models)", "red")
    table = Table("ENDPOINT", "TIER", "SHARE", "WEIGHT", "IN FLIGHT", "EXCLUDED", "WHY", box=None)
    candidates = [one for one in choice.endpoints if not one.excluded]
    total = sum(one.weight or 0 for one in candidates)
    for one in choice.endpoints:
        table.add_row(one.name, str(one.tier), *_cells(one, total, len(candidates)))
    yield table


def _cells(one: EndpointChoice, total: float, among: int) -> Iterator[str]:
    """total: the weight of all candidates whose turn it is; where it is 0, they are drawn alike."""
    share = ((one.weight or 0) / total if total else 1 / among) if not one.excluded else 0
    yield f"{share:.0%}" if share else "-"
    yield "-" if one.weight is None else f"{one.weight:g}"
    yield "-" if one.in_flight is None else f"{one.in_flight}/{one.limit}"
    yield one.excluded or "-"
    why = one.meaning + (f": {one.because}" if one.because else "")
    keys = ", ".join(f"key {key.key} is left out ({key.because or key.excluded})" for key in one.keys_left_out)
    yield "; ".join(part for part in (why, keys) if part)
