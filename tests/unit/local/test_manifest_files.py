"""What is read from files, and what people see about the files as such."""

from pathlib import Path

import pytest

from poolkeeper.errors import UserError
from poolkeeper.local.manifest_files import files_in, read

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: deepseek}\nstringData: {key: sk-canary}\n"


def write(folder: Path, text: str, name: str = "pool.yaml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_every_document_knows_its_place(tmp_path: Path) -> None:
    file = write(tmp_path, f"{SECRET}---\n{SECRET.replace('deepseek', 'other')}")

    found = read([file])

    assert [(str(doc.place), doc.object, doc.namespace) for doc in found.documents] == [
        (f"{file}, document 1", "Secret/deepseek", "default"),
        (f"{file}, document 2", "Secret/other", "default"),
    ]
    assert found.findings == ()


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("a: [1", "document 1: is not YAML: line 1:"),
        (f"{SECRET}---\nkey: *alias\n", "document 2: is not YAML"),
        ("kind: Secret\nkind: ConfigMap\n", "the key 'kind' is given twice"),
        ("- a\n- b\n", "document 1: seen a list; wanted an object with apiVersion, kind and metadata"),
        ("apiVersion: v1\n", "document 1: kind: is missing; wanted one of EndpointPool"),
        ("apiVersion: v2\nkind: Secret\nmetadata: {name: a}\n", "Secret: apiVersion: seen 'v2'; wanted 'v1'"),
        ("apiVersion: v1\nkind: Secret\n", "Secret: metadata.name: is missing"),
        (
            "apiVersion: poolkeeper.dev/v1alpha1\nkind: EndpointsPool\nmetadata: {name: chat}\n",
            "EndpointsPool: kind: poolkeeper.dev has no such kind; did you mean EndpointPool?",
        ),
        (
            "apiVersion: poolkeeper.dev/v1alpha1\nkind: Model\nmetadata: {name: chat}\n",
            "Model: kind: poolkeeper.dev has no such kind; wanted EndpointPool or FailoverPolicy",
        ),
        (f"{SECRET}---\n{SECRET}", "document 2: Secret/deepseek: appears twice, first in"),
    ],
)
def test_what_is_wrong_with_a_file_is_reported_with_its_place(tmp_path: Path, text: str, want: str) -> None:
    found = read([write(tmp_path, text)])

    assert len(found.findings) == 1
    assert want in str(found.findings[0])


def test_all_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    files = [write(tmp_path, "a: [", "a.yaml"), tmp_path / "missing.yaml", write(tmp_path, SECRET, "c.yaml")]

    found = read(files)

    assert [finding.place.file for finding in found.findings] == [str(files[0]), str(files[1])]
    assert len(found.documents) == 1


def test_a_broken_secret_is_not_quoted(tmp_path: Path) -> None:
    found = read([write(tmp_path, SECRET.replace("sk-canary", "[sk-canary"))])

    assert "sk-canary" not in "".join(map(str, found.findings))


def test_other_kinds_are_left_alone_with_a_note(tmp_path: Path) -> None:
    found = read([write(tmp_path, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: vllm}\n")])

    assert (found.documents, found.findings) == ((), ())
    assert "Deployment vllm is ignored" in found.notes[0]


def test_a_list_is_what_is_in_it(tmp_path: Path) -> None:
    """As `kubectl get -o yaml` prints it."""
    items = ", ".join(
        f"{{apiVersion: v1, kind: Secret, metadata: {{name: {name}}}, stringData: {{key: v}}}}" for name in ("a", "b")
    )

    found = read([write(tmp_path, f"apiVersion: v1\nkind: List\nitems: [{items}]\n")])

    assert [document.object for document in found.documents] == ["Secret/a", "Secret/b"]
    assert (found.findings, found.notes) == ((), ())


def test_empty_documents_count_but_say_nothing(tmp_path: Path) -> None:
    found = read([write(tmp_path, f"---\n---\n{SECRET}")])

    assert found.documents[0].place.document == 2
    assert found.findings == ()


def test_dates_stay_text(tmp_path: Path) -> None:
    found = read([write(tmp_path, SECRET.replace("sk-canary", "2026-01-01"))])

    assert found.documents[0].body["stringData"] == {"key": "2026-01-01"}


def test_a_folder_is_read_in_order_of_name_and_each_file_once(tmp_path: Path) -> None:
    second, first = write(tmp_path, SECRET, "b.yml"), write(tmp_path, SECRET, "a.yaml")
    write(tmp_path, "no manifest", "notes.txt")

    assert files_in([tmp_path, second]) == (first, second)


def test_a_folder_without_manifests_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no file that ends in"):
        files_in([tmp_path])
