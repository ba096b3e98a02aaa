"""The site is the repository's pages: no page is lost, no link has another target than in the repository."""

from pathlib import Path

import pytest
import yaml

from hack.site.__main__ import build, tool
from hack.site.navigation import in_navigation, navigation
from hack.site.tree import ROOT, repository, site
from testing.gateways.environments import CannotBeMadeError

INDEX = """\
# Documentation
## Start
[concepts](concepts.md#terms), [why](../README.md), [manifests](../examples/), [elsewhere](https://example.com/x.md)
## On call
[runbooks](runbooks/README.md), [concepts](concepts.md) again
"""
PAGES = {
    "README.md": "# Why\n[docs](docs/README.md)",
    "docs/README.md": INDEX,
    "docs/concepts.md": "# Concepts\n![a picture](a.svg), [a manifest](../examples/one.yaml), `[code](../examples/)`",
    "docs/a.svg": "<svg/>",
    "docs/runbooks/README.md": "# Runbooks",
    "docs/runbooks/Busy.md": "# Busy",
    "examples/one.yaml": "kind: EndpointPool",
    "examples/sub/two.yaml": "kind: EndpointPool",
    "operator/secret.py": "no page links here",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in PAGES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_site_has_the_pages_and_what_they_link_to(root: Path) -> None:
    found = site(PAGES, root)

    assert set(found.pages) == {name for name in PAGES if name.endswith(".md")} | {"examples/README.md"}
    assert found.files == {"docs/a.svg", "examples/one.yaml", "examples/sub/two.yaml"}


def test_a_link_to_a_folder_leads_to_a_page_that_lists_it(root: Path) -> None:
    found = site(PAGES, root)

    assert "[manifests](../examples/README.md)" in found.pages["docs/README.md"]
    assert "`[code](../examples/)`" in found.pages["docs/concepts.md"]
    assert found.pages["examples/README.md"].splitlines() == [
        "# examples",
        "",
        "- [one.yaml](one.yaml)",
        "- [sub/two.yaml](sub/two.yaml)",
    ]


def test_the_navigation_has_the_sections_of_the_index_and_each_page_once(root: Path) -> None:
    assert navigation(site(PAGES, root).pages) == [
        {"Why": "README.md"},
        {"Start": ["docs/concepts.md", "examples/README.md"]},
        {"On call": [{"Runbooks": ["docs/runbooks/README.md", "docs/runbooks/Busy.md"]}]},
    ]


def test_every_page_of_the_documentation_is_in_the_navigation() -> None:
    pages = site(repository()).pages
    docs = {name for name in pages if name.startswith("docs/")} - {"docs/README.md"}

    assert sorted(docs - set(in_navigation(navigation(pages)))) == []


def test_the_site_loads_nothing_from_elsewhere() -> None:
    """The theme would fetch fonts, and scripts for diagrams."""
    settings = yaml.safe_load(
        "".join(line for line in (ROOT / "hack/site/mkdocs.yml").open() if "!!python" not in line)
    )

    assert settings["theme"]["font"] is False
    assert [name for name, text in site(repository()).pages.items() if "```mermaid" in text] == []


@pytest.fixture
def generator() -> None:
    try:
        tool()
    except CannotBeMadeError as reason:
        pytest.skip(f"the generator is not available: {reason}")


@pytest.mark.slow
@pytest.mark.usefixtures("generator")
def test_the_generator_builds_it_without_a_warning(tmp_path: Path) -> None:
    build(tmp_path, site(repository()))

    assert "<h1" in (tmp_path / "html/docs/concepts/index.html").read_text()


@pytest.mark.slow
@pytest.mark.usefixtures("generator")
@pytest.mark.parametrize("link", ["concepts.md#nowhere", "nowhere.md", "../nowhere/"])
def test_the_generator_refuses_a_link_that_leads_nowhere(tmp_path: Path, root: Path, link: str) -> None:
    (root / "docs/concepts.md").write_text(f"# Concepts\n## Terms\n[lost]({link})")

    with pytest.raises(SystemExit, match="make docs"):
        build(tmp_path / "out", site(PAGES, root), root)
