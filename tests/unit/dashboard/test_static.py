"""The files of the page: nothing from elsewhere, no markup made of text, and only fields that the document has."""

import hashlib
import re
from collections.abc import Iterator
from importlib import resources
from itertools import chain

import pytest
from pydantic import BaseModel

from poolkeeper.dashboard import search_model, view_model
from poolkeeper.dashboard.site import FILES

FOLDER = resources.files("poolkeeper.dashboard").joinpath("static")
VENDORED = {
    "uplot.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
"""Files of uPlot 1.6.32 as npm has them (docs/adr): their SHA-256."""
STATIC = {name: FOLDER.joinpath(name).read_text() for name, _ in FILES.values() if name not in VENDORED}
SCRIPTS = {name: text for name, text in STATIC.items() if name.endswith(".js")}
VIEWS: dict[str, type[BaseModel]] = {
    "board": view_model.Document,
    "pool": view_model.PoolDoc,
    "condition": view_model.ConditionDoc,
    "tier": view_model.TierDoc,
    "endpoint": view_model.EndpointDoc,
    "step": view_model.StepDoc,
    "minute": view_model.MinuteDoc,
    "told": view_model.ToldDoc,
    "view": view_model.ViewDoc,
    "model": view_model.ModelDoc,
    "change": view_model.ChangeDoc,
    "span": view_model.SpanDoc,
    "tierSpan": view_model.TierSpanDoc,
    "searched": search_model.SearchDoc,
    "hit": search_model.FoundDoc,
    "attempt": search_model.AttemptDoc,
}
"""What the page's script calls a thing -> what it is."""


def fields(kind: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in kind.model_fields.items()}


def used(name: str) -> set[str]:
    return set(re.findall(rf"(?<![\w./]){name}\??\.(\w+)", "".join(SCRIPTS.values())))


def test_every_file_of_the_folder_is_served() -> None:
    assert {entry.name for entry in FOLDER.iterdir()} == {*STATIC, *VENDORED}


@pytest.mark.parametrize(("name", "want"), VENDORED.items())
def test_what_is_not_ours_is_unchanged(name: str, want: str) -> None:
    assert hashlib.sha256(FOLDER.joinpath(name).read_bytes()).hexdigest() == want


@pytest.mark.parametrize("name", STATIC)
def test_nothing_is_loaded_from_elsewhere(name: str) -> None:
    text = STATIC[name].replace("http://www.w3.org/2000/svg", "")

    assert not re.search(r"(https?:)?//[\w-]+\.\w", text)
    assert "@import" not in text


def test_no_script_and_no_style_stands_in_the_page_itself() -> None:
    assert re.findall(r"<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=", STATIC["index.html"]) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_text_never_becomes_markup_or_code(name: str) -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", SCRIPTS[name])


@pytest.mark.parametrize("name", VIEWS)
def test_the_page_asks_only_for_fields_that_there_are(name: str) -> None:
    assert used(name)
    assert used(name) - fields(VIEWS[name]) == set()


def names_missing() -> Iterator[str]:
    """Fields of the document that no part of the page shows."""
    shown = set(chain.from_iterable(used(name) for name in VIEWS))
    for name, kind in VIEWS.items():
        yield from (f"{name}.{field}" for field in fields(kind) - shown)


def test_every_field_is_shown() -> None:
    assert set(names_missing()) == set()


def test_colour_is_never_the_only_sign() -> None:
    """Every state has a sign and a word beside its class."""
    tables = re.findall(r'(\w+): \["([^"]+)", "([^"]+)", "(good|warn|bad)"\]', STATIC["view.js"])

    assert {state for state, *_ in tables} == {
        *("Well", "Look", "Unknown", "Down"),
        *("Closed", "HalfOpen", "Open", "Healthy", "Unhealthy"),
    }
    assert all(sign.strip() and word.strip() for _, sign, word, _ in tables)
