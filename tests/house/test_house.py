"""Rules of the house that a machine can hold."""

import re
import subprocess
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("operator", "router", "charts", "hack", "testing", "tests")
LONGEST = 300
"""Lines in a file of ours before it must have a second question in it."""
LONGER = {
    "operator/poolkeeper/api/router_document.py": "one document, read from top to bottom",
    "router/lua/core/health/breaker.lua": "a state machine: all that changes it is in one place",
    "router/lua/core/error/rules.lua": "the same table, generated",
}
"""Files that may be longer, and why."""
FULLEST = 20
"""Files in a folder of ours before a reader needs a reason why they stand side by side."""
FULLER = {
    "operator/poolkeeper/api": "the contract: a file for each shape that users, routers and probes write or read",
    "operator/poolkeeper/kube": "adapters: a file for each thing that is asked of an API server",
    "operator/poolkeeper/local": "adapters of `poolkeeper run`: the same, of files and one nginx",
    "operator/poolkeeper/plan": "a file for each part of the document, in layers that .importlinter names",
    "router/lua/core/answer": "a file for each question about an answer's bytes; all are asked of one event in turn",
    "router/lua/nginx/request": "one request's life: its phases call each other, so a cut would go through calls",
    "testing/conformance/table": "a file for each group of cases",
    "testing/fakes/deepseek": "one provider: a file for each thing that a scenario may make it do",
    "hack/bench/speed": "one benchmark: a file for each thing that it measures, and for each that it writes",
    "hack/tests": "a file for each tool",
    "tests/lua/vectors/whole": "a file for each API and form of an answer",
    "tests/router": "a file for each behaviour of the router; all share one harness",
    "tests/unit/kube": "a file for each of operator/poolkeeper/kube",
}
"""Folders that may be fuller, and why."""


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def test_operator_is_a_source_directory_and_no_package() -> None:
    """An operator/__init__.py shadows the standard library's `operator` and breaks `python -m pytest`."""
    assert not (ROOT / "operator/__init__.py").exists()


def test_a_file_answers_one_question() -> None:
    """Of what is shipped, and of what tests and tools share; a test may list as many cases as there are."""
    files = tracked("operator/*.py", "router/*.lua", "hack/*.py", "hack/*.sh", "testing/*.py")

    assert files
    long = {str(file.relative_to(ROOT)) for file in files if len(file.read_text().splitlines()) > LONGEST}
    assert long == LONGER.keys()


def test_a_folder_can_be_seen_at_a_glance() -> None:
    """Of code; pages, runbooks and decisions are lists by nature."""
    files = Counter(str(file.parent.relative_to(ROOT)) for file in tracked(*(f"{top}/*" for top in CODE)))

    assert sum(files.values()) > 1000
    assert {folder for folder, count in files.items() if count > FULLEST} <= FULLER.keys()
    assert {folder for folder in FULLER if folder not in files} == set()


def test_every_module_says_what_it_is_for() -> None:
    silent = [file for file in tracked("operator/*.py") if not file.read_text().startswith('"""')]

    assert silent == []


def test_generated_files_say_so_and_name_their_verb() -> None:
    files = [*tracked("crds/*"), *tracked("charts/poolkeeper/templates/crds/*"), *tracked("docs/reference/*")]

    assert files
    for file in files:
        first = file.read_text().splitlines()[0].lower()
        assert "generated" in first, file
        assert "make generate" in first, file


def test_tests_ask_without_reading_the_systems_certificates() -> None:
    """httpx reads them for each client, and for each request without one: 20 to 60 ms, more than most tests take."""
    costly = re.compile(r"\bhttpx\.(get|post|put|stream|request|Client|AsyncClient)\(")
    asking = [file for file in tracked("tests/*.py", "testing/*.py") if costly.search(file.read_text())]

    assert asking == [], "testing.plain_http has the same without"


def test_nginx_conf_is_static() -> None:
    """Nothing may write into it: no placeholder of any templating (`${prefix}` is lua_package_path's own)."""
    text = (ROOT / "router/nginx.conf").read_text().replace("${prefix}", "")

    assert not re.search(r"\{\{|\$\{|@@|%s", text)


def test_no_path_of_a_developers_machine_and_no_registry_host_is_committed() -> None:
    own = Path(__file__).relative_to(ROOT)
    banned = re.compile(
        r"/work/(main|shared)|files\.pythonhosted|pypi\.org/simple|proxy\.golang|registry\.npmjs|deb\.debian"
    )

    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in tracked()
        if file.relative_to(ROOT) != own and file.suffix not in (".png", ".svg", ".gz")
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1)
        if banned.search(line)
    ]

    assert found == []


def test_locked_dependencies_carry_hashes() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        pins = re.findall(r"^[a-z0-9][^\s=]*==\S+", text, re.MULTILINE | re.IGNORECASE)

        assert pins
        assert text.count("--hash=sha256:") >= len(pins)


def test_images_pin_their_base_and_run_without_root() -> None:
    files = tracked("hack/images/*.Dockerfile")

    assert files
    for file in files:
        text = file.read_text()
        assert re.search(r"^USER \d+", text, re.MULTILINE), (
            f"{file.name}: a numeric USER, so that runAsNonRoot can be checked"
        )
        assert "latest" not in text, file.name


def test_a_decision_has_a_number_of_its_own_and_is_referred_to_by_its_name() -> None:
    files = {file.name: file for file in tracked("docs/adr/*.md")}
    numbers = [name[:4] for name in files]
    titled = {name: file.read_text().partition(".")[0] for name, file in files.items()}
    referred = {
        (str(file.relative_to(ROOT)), name)
        for file in tracked("*.md", "*.py", "*.lua", "*.in", "*.sh")
        for name in re.findall(r"\b\d{4}-[a-z0-9-]+\.md\b", file.read_text())
    }

    assert sorted(numbers) == sorted(set(numbers))
    assert titled == {name: f"# {int(name[:4])}" for name in files}
    assert referred
    assert {(file, name) for file, name in referred if name not in files} == set()


def test_what_the_package_links_to_goes_into_its_image() -> None:
    """A symbolic link that dangles in the image's context would be found out in somebody's cluster."""
    inputs = re.search(r'\[operator\]="([^"]*)"', (ROOT / "hack/images/build.sh").read_text())
    links = [path for path in (ROOT / "operator").rglob("*") if path.is_symlink()]

    assert inputs
    assert links
    assert {str(link.resolve().relative_to(ROOT)) for link in links} <= set(inputs[1].split())


def test_vectors_of_the_contract_are_read_by_both_languages() -> None:
    """What only one reads holds nothing in step; the router's own are in tests/lua/vectors."""
    names = {file.stem for file in tracked("tests/contract/router/*.json")}
    patterns = ("tests/*.py", "tests/*.lua")
    readers = {pattern: "".join(file.read_text() for file in tracked(pattern)) for pattern in patterns}

    assert names
    for pattern, text in readers.items():
        assert {name for name in names if f'vectors("{name}")' not in text} == set(), pattern


def test_compressed_bytes_are_the_same_each_time() -> None:
    """They may be in a test's name, and gzip writes the second into what it compresses. Workers that collect other
    names than the others run nothing at all."""
    files = tracked("tests/*.py", "hack/tests/*.py")
    calls = [(file, call) for file in files for call in re.findall(r"gzip\.compress\(.*", file.read_text())]

    assert calls
    assert [f"{file.relative_to(ROOT)}: {call}" for file, call in calls if "mtime=0" not in call] == []
