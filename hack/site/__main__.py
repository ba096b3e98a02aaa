"""`make docs`: the documentation as a site, in build/site/html. It fails at a warning: a link or an anchor that leads
nowhere, a page that no navigation has."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from hack.site.navigation import in_navigation, navigation
from hack.site.tree import ROOT, Site, repository, site
from testing.gateways.environments import environment

HERE = Path(__file__).parent
OUT = ROOT / "build/site"
STYLE = "site.css"


def main() -> None:
    build(OUT, site(repository()))
    print(f"open {(OUT / 'html/index.html').relative_to(Path.cwd())}")


def build(out: Path, found: Site, root: Path = ROOT) -> None:
    shutil.rmtree(out, ignore_errors=True)
    write(found, root, out / "pages")
    config = out / "mkdocs.yml"
    config.write_text(yaml.safe_dump(settings(found, out), sort_keys=False, allow_unicode=True))
    command = [str(tool()), "build", "--config-file", str(config)]
    done = subprocess.run(command, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=False)
    if done.returncode:
        sys.exit("make docs: the lines above name a page and what is wrong in it; fix the page in the repository")


def tool() -> Path:
    return environment("site", ((HERE / "site.lock").read_text(),)).folder / "bin/mkdocs"


def write(found: Site, root: Path, folder: Path) -> None:
    for name, text in found.pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name in found.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, folder / name)
    shutil.copyfile(HERE / STYLE, folder / STYLE)


def settings(found: Site, out: Path) -> dict[str, object]:
    nav = navigation(found.pages)
    rest = sorted(set(found.pages) - set(in_navigation(nav)))
    return {
        "INHERIT": str(HERE / "mkdocs.yml"),
        "docs_dir": str(out / "pages"),
        "site_dir": str(out / "html"),
        "nav": nav,
        "not_in_nav": "\n".join(f"/{name}" for name in rest),
    }


if __name__ == "__main__":
    main()
