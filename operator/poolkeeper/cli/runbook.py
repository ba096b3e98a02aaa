"""`poolkeeper runbook`: the page of a reason, where there is no browser and no checkout."""

from difflib import get_close_matches
from importlib import resources

import click

from poolkeeper.api.reasons import ProbeReason, Reason
from poolkeeper.api.reasons import runbook as path_of
from poolkeeper.errors import UserError
from poolkeeper.status.fault_words import page_of

WORDS = tuple(sorted({*Reason.__members__, *ProbeReason.__members__}))


@click.command(
    epilog="""\b
Examples:
  poolkeeper runbook BreakerOpen
  poolkeeper runbook                 all reasons that have a page
"""
)
@click.argument("reason", required=False)
def runbook(reason: str | None) -> None:
    """Print the runbook of a reason: what Poolkeeper does, where to look, what to do.

    REASON is the word that `status` and `explain` show.
    """
    pages = [word for word in WORDS if path_of(word)]
    if reason is None:
        click.echo("\n".join(pages))
        return
    known = {word.lower(): word for word in pages}
    found = known.get(page_of(reason).lower()) or known.get(reason.lower())
    if found is None:
        near = get_close_matches(reason, pages, n=1)
        hint = f"did you mean {near[0]}?" if near else "`poolkeeper runbook` lists them"
        raise UserError(f"there is no runbook {reason!r}; {hint}")
    page = resources.files("poolkeeper.dashboard").joinpath("runbooks", f"{found}.md")
    click.echo(page.read_text(encoding="utf-8"), nl=False)
