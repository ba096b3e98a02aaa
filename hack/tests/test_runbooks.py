"""Every reason that something is wrong has a page, and a page names nothing that does not exist."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from hack.generate.crds import KINDS
from hack.generate.runbooks import all_words
from hack.generate.structural import Json, structural
from poolkeeper.api import labels
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.api.reasons import GOOD, GOOD_REASONS, REASONS, ProbeReason, Reason, runbook
from poolkeeper.cli.main import COMMANDS, main
from poolkeeper.probing.reason_effects import MEANING, Meaning, Proof
from poolkeeper.telemetry.metrics import TABLE
from testing.router_lua import runtime

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/runbooks"
PAGES = sorted(FOLDER.glob("*.md"))
OTHERS = [ROOT / "README.md", ROOT / "charts/poolkeeper/README.md", *sorted((ROOT / "docs").glob("*.md"))]
LONGEST = 60
"""Lines of a page; nobody reads more at night."""

BELIEVED = {
    Proof.SURE: "Probes: believed after one run, because the failure is deterministic.",
    Proof.BROKEN: "Probes: believed after two bad runs in a row, two broken of three, or three bad of five.",
    Proof.SLOW: "Probes: believed after two bad runs in a row, or three bad of five.",
    Proof.SILENT: "Probes: never counted against the endpoint.",
}


def words_of(page: str) -> str:
    return " ".join(page.split())


def code(page: str) -> Iterator[str]:
    """What stands as code: lines of blocks, and words between backticks."""
    blocks = page.split("```")
    for block in blocks[1::2]:
        yield from block.strip().splitlines()
    for text in blocks[0::2]:
        yield from (" ".join(found.split()) for found in re.findall(r"`([^`]+)`", text))


def consequence(meaning: Meaning) -> str:
    if meaning.proof is Proof.SILENT:
        return BELIEVED[meaning.proof]
    if meaning.is_dead:
        done = (
            "If no probe request got further: Unhealthy, no traffic while another endpoint can serve. "
            f"Else: Grey, {meaning.weight_percent} % of its weight."
        )
    elif meaning.weight_percent == 100:
        done = "Grey, with its full weight."
    else:
        done = f"Grey, {meaning.weight_percent} % of its weight."
    return f"{BELIEVED[meaning.proof]} {done}"


def test_every_reason_that_something_is_wrong_has_a_page_and_no_other_word_has() -> None:
    wrong = ({page.stem for page in PAGES} - {"README"}) ^ set(all_words())

    assert not wrong, (
        f"{sorted(wrong)}: wanted docs/runbooks/REASON.md for each bad reason of api/reasons.py, and no other"
    )


def test_every_reason_leads_to_a_page_or_is_good() -> None:
    pages = {word: runbook(word) for word in (*Reason, *ProbeReason)}

    assert [page for page in pages.values() if page and not (ROOT / page).is_file()] == []
    assert {word for word, page in pages.items() if not page} <= GOOD_REASONS


def test_a_routers_own_word_has_no_page() -> None:
    assert runbook("OffSchedule") == ""


def test_the_first_reason_of_a_condition_is_the_good_one() -> None:
    assert set(REASONS) == set(GOOD)
    assert Reason.Pending not in GOOD_REASONS
    assert {reasons[0] for reasons in REASONS.values()} == GOOD_REASONS


@pytest.mark.parametrize("word", all_words())
def test_a_page_says_what_its_reason_means_and_answers_the_four_questions(word: str) -> None:
    page = (FOLDER / f"{word}.md").read_text()
    meanings = [reason.meaning for kind in (Reason, ProbeReason) if (reason := kind.__members__.get(word))]
    places = [page.find(head) for head in ("\n**Poolkeeper** ", "\n**Look**\n", "\n**Do**\n", "\n**Goes away:** ")]

    assert words_of(page).startswith(f"# {word} {meanings[0]}"), "wanted its meaning (api/reasons.py) below the heading"
    assert all(meaning in words_of(page) for meaning in meanings)
    assert -1 not in places, "wanted **Poolkeeper** …, **Look**, **Do**, **Goes away:** …, as other pages have them"
    assert places == sorted(places)
    assert len(page.splitlines()) <= LONGEST
    if word in ProbeReason.__members__:
        assert consequence(MEANING[ProbeReason[word]]) in words_of(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_only_what_exists(page: Path) -> None:
    text = page.read_text()

    assert unknown_commands(text) == []
    assert set(re.findall(r"\b(?:poolkeeper|gen_ai)_\w+", text)) <= metrics()
    assert unknown_fields(text) == []
    assert set(re.findall(r"\bpoolkeeper\.dev/[a-z-]+[a-z]", text)) <= set(map(str, vars(labels).values()))
    assert set(re.findall(r"\b(?:epool|fopol|epools|fopols)\b", text)) <= {kind.SHORT_NAME for kind in KINDS}


def test_other_pages_name_only_commands_that_exist() -> None:
    assert {page.name: found for page in OTHERS if (found := unknown_commands(page.read_text()))} == {}


def unknown_commands(text: str) -> list[str]:
    """Lines that call a command, or an option of it, that there is not."""
    return [
        line
        for line in code(text)
        for command in re.split(r"[|>]|&&| {3,}|#", line)
        if (called := re.match(r"(?:\$ |kubectl |\.venv/bin/)*poolkeeper +([a-z]\S*)(.*)", command.strip()))
        if called[1] not in COMMANDS or not _options(called[2]) <= _known_options(called[1])
    ]


@cache
def metrics() -> set[str]:
    families = runtime().eval(b'require("core.metrics.families")')
    return {name.decode() for name in families} | set(TABLE)


def unknown_fields(text: str) -> list[str]:
    pool, policy = fields()
    sections = {path.split(".")[1] for path in policy if path.count(".") == 1}
    unknown = []
    for said in code(text):
        first = said.split(":")[0].split(".")[0]
        if re.fullmatch(r"spec\.[\w.\[\]]+", said):
            known = said.replace("[]", "") in pool
        elif re.fullmatch(r"\w+\.\w+(: \w+)?", said) and first in sections:
            known = f"spec.{said.split(':')[0]}" in policy
        elif said in {"weight", "tier", "mode", "maxConnections"}:
            known = f"spec.endpoints.{said}" in pool
        else:
            continue
        if not known:
            unknown.append(said)
    return unknown


@cache
def fields() -> tuple[set[str], set[str]]:
    """Of a pool and of a policy, as paths."""
    return _fields(structural(EndpointPool)), _fields(structural(FailoverPolicy))


def _options(rest: str) -> set[str]:
    return {word.split("=")[0] for word in shlex.split(rest) if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)}


def _known_options(verb: str) -> set[str]:
    assert isinstance(main, click.Group)
    command = main.get_command(click.Context(main), verb)
    return {option for parameter in command.params for option in parameter.opts} if command else set()


def _fields(schema: Json, path: str = "") -> set[str]:
    if not isinstance(schema, dict):
        return set()
    found = _fields(schema.get("items"), path)
    properties = schema.get("properties")
    for name, part in properties.items() if isinstance(properties, dict) else ():
        below = f"{path}.{name}" if path else name
        found |= {below} | _fields(part, below)
    return found
