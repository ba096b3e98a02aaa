"""The two versions: a chart and two images each, made from a commit and from the working tree."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from testing.cluster_bed import cluster_environment

ROOT = Path(__file__).resolve().parents[2]
BACK = "HEAD~50"


@dataclass(frozen=True)
class Version:
    name: str
    chart: Path
    operator: str
    router: str

    def values(self) -> list[str]:
        sets = {"image": self.operator, "router.image": self.router}
        pairs = [(key, *image.rsplit(":", 1)) for key, image in sets.items()]
        return [
            word for key, name, tag in pairs for word in ("--set-string", f"{key}.repository={name},{key}.tag={tag}")
        ]


def previous(revision: str = "") -> str:
    """The last release; before the first one, what landed fifty changes ago."""
    if revision:
        return git("rev-parse", revision)
    released = subprocess.run(
        ["git", "describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD~1"], cwd=ROOT, capture_output=True, text=True
    )
    return git("rev-parse", released.stdout.strip() if released.returncode == 0 else BACK)


def of_commit(commit: str, folder: Path) -> Version:
    tree = folder / "tree"
    tree.mkdir(parents=True)
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(tree)], input=packed, check=True)
    return of_tree(tree, git("log", "-1", "--format=%h of %cs", commit), folder)


def of_tree(tree: Path, name: str, folder: Path) -> Version:
    folder.mkdir(parents=True, exist_ok=True)
    build = str(tree / "hack/images/build.sh")
    run(build, "operator", "router")
    packed = run("helm", "package", str(tree / "charts/poolkeeper"), "-d", str(folder))
    chart = Path(packed.strip().rsplit(": ", 1)[-1])
    return Version(name, chart, run(build, "--print", "operator").strip(), run(build, "--print", "router").strip())


def fake_image() -> str:
    build = str(ROOT / "hack/images/build.sh")
    run(build, "fake")
    return run(build, "--print", "fake").strip()


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=cluster_environment(), stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        print(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr.strip()[-1000:]}", file=sys.stderr)
        raise SystemExit(1)
    return done.stdout
