"""Manifests nobody writes on purpose, and some who do: each is refused in words with file and line, at once.

`poolkeeper run` reads its files again and again while it serves: what kills the reader would end the service.
"""

import json
from pathlib import Path

import pytest
import yaml

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.local import yaml_text
from poolkeeper.local.manifest_files import read

POOL = "apiVersion: poolkeeper.dev/v1alpha1\nkind: EndpointPool\nmetadata: {name: chat}\nspec: "
LAUGHS = "\n".join(f"  a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 10)}]" for i in range(12))
MERGES = "\n".join(f"  a{i + 1}: &a{i + 1} {{<<: [{', '.join([f'*a{i}'] * 10)}]}}" for i in range(12))
CHAIN = "\n".join(f"  a{i + 1}: &a{i + 1} [*a{i}]" for i in range(500))
ITSELF = "refers to itself; write out what is meant"
TOO_LONG = "line 2: wanted a whole number of at most 64 bits; if it is text, put it in quotes"
TOO_DEEP = f"nested more than {yaml_text.MAX_DEPTH} deep"
TOO_MANY = f"more than {yaml_text.MAX_VALUES} values"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("a: &a [*a]\n", f"line 1: the alias *a {ITSELF}"),
        (f"{POOL}&a\n  endpoints: [*a]\n", f"line 5: the alias *a {ITSELF}"),
        ("apiVersion: v1\nkind: List\nitems: &a [{apiVersion: v1, kind: List, items: *a}]\n", ITSELF),
        ("kind: x\nb: &a {<<: *a}\n", f"line 2: the alias *a {ITSELF}"),
        ("kind: !!str &a {=: *a}\n", ITSELF),
        (f"{POOL}{'[' * 100_000}\n", f"line 4: {TOO_DEEP}"),
        (f'{{"a":{"[" * 5_000}{"]" * 5_000}}}', f"line 1: {TOO_DEEP}"),
        ("- " * 5_000 + "a\n", TOO_DEEP),
        (f"{POOL}\n  a0: &a0 [x]\n{CHAIN}\n", TOO_DEEP),
        (f"{POOL}\n  a0: &a0 [x]\n{LAUGHS}\n", f"line 10: {TOO_MANY}"),
        (f"{POOL}\n  a0: &a0 {{x: 1}}\n{MERGES}\n", TOO_MANY),
        pytest.param("- a\n" * (yaml_text.MAX_VALUES + 1), TOO_MANY, id="one value too many", marks=pytest.mark.slow),
        ("kind: x\nb: " + "9" * 5_000, TOO_LONG),
        ("kind: x\nb: 0x" + "f" * 50_000, TOO_LONG),
        ("kind: 1" + ":59" * 2_000 + ".5\n", "line 1: wanted a number"),
        ("kind: 0x_\n", "line 1: wanted a whole number"),
        ("kind: !!int ''\n", "line 1: wanted a whole number"),
        ("kind: !!bool maybe\n", "line 1: wanted true or false"),
        ("kind: !!map text\n", "line 1: expected a mapping"),
        ("kind: !!timestamp yesterday\n", "line 1: could not determine a constructor"),
        ("kind: !!set {a, b}\n", "line 1: could not determine a constructor"),
        ('kind: x\nb: "\\ud800"\n', "line 2: half of a surrogate pair"),
        ('kind: x\nb: "\\U00110000"\n', "line 2: an escape that stands for no character"),
        ('kind: x\nb: "\\UFFFFFFFF"\n', "line 2: an escape that stands for no character"),
        ("kind: \0\n", "a character that no text has (U+0000)"),
        ("kind: x\n\tb: y\n", "line 2: found character '\\t'"),
        ("? [a, b]\n: c\n", "line 1: found unhashable key"),
        (".nan: x\n", "a key that is not text"),
        ("hello\n", "seen a str; wanted an object"),
        ("", None),
        ("---\n---\n# nothing\n", None),
    ],
)
def test_what_is_hostile_is_refused_in_words(tmp_path: Path, text: str, want: str | None) -> None:
    file = tmp_path / "pool.yaml"
    file.write_text(text)

    found = read([file])

    if want is None:
        assert (found.documents, found.findings) == ((), ())
    else:
        assert [want in str(finding) and str(file) in str(finding) for finding in found.findings] == [True], found


def test_a_file_is_read_no_further_than_a_manifest_goes() -> None:
    found = read([Path("/dev/zero")])

    shown = f"it is larger than {yaml_text.MAX_BYTES >> 20} MiB; split it into several files"
    assert [str(finding) for finding in found.findings] == [f"/dev/zero: cannot be read: {shown}"]


@pytest.mark.timeout(100)
def test_thousands_of_wrong_items_are_reported_in_seconds() -> None:
    spec = {"models": ["m"], "endpoints": [1] * 50_000}

    found = EndpointPool.parse({"metadata": {"name": "chat"}, "spec": spec})

    assert isinstance(found, tuple)
    assert len(found) == 50_000


def test_an_alias_is_what_it_stands_for(tmp_path: Path) -> None:
    assert list(yaml_text.documents("a: &a [x, y]\nb: *a\nc: {<<: &c {d: 1, e: 2}, e: 3}\n---\na: &a z\nb: *a\n")) == [
        {"a": ["x", "y"], "b": ["x", "y"], "c": {"d": 1, "e": 3}},
        {"a": "z", "b": "z"},
    ]


def test_a_key_given_twice_is_reported_with_its_own_line() -> None:
    with pytest.raises(yaml.YAMLError) as raised:
        list(yaml_text.documents("a: &a {b: 1}\nc: &c {<<: *a, b: 2}\nd: {<<: *c}\ne:\n  f: 1\n  g: 1\n  f: 2\n"))

    assert yaml_text.why(raised.value) == "line 7: the key 'f' is given twice"


def test_what_json_writes_is_read(tmp_path: Path) -> None:
    """Characters beyond the first 65 536 are two escapes there."""
    file = tmp_path / "core.json.encode"
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"k": "🐋 deep"}}
    file.write_text(json.dumps(body))
    assert "\\ud83d" in file.read_text()

    found = read([file])

    assert found.findings == ()
    assert found.documents[0].body == body


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "pool.yaml"
    file.write_bytes(b"\xef\xbb\xbfapiVersion: v1\nkind: Secret\nmetadata: {name: a}\n")

    assert [document.object for document in read([file]).documents] == ["Secret/a"]
