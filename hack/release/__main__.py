"""`make package`: everything that people install Poolkeeper from, in one folder. The same commit gives the same bytes.

Without a registry the chart and install.yaml name images that are not published, as the chart in the checkout does.
"""

import subprocess
from pathlib import Path

import click

from hack.release import chart, krew, manifests, provenance, sbom, sources, wheel
from hack.release.images import read, unpublished


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--images", "pushed", type=click.Path(path_type=Path, exists=True), help="What hack/release/push.sh wrote."
)
@click.option("--url", default="", help="Where a release's files can be downloaded: for Krew's manifest.")
@click.option("--source", default="https://example.com/poolkeeper", show_default=True, help="The repository's address.")
@click.option("--builder", default="https://example.com/by-hand", show_default=True, help="Who builds, for provenance.")
def main(out: Path, pushed: Path | None, url: str, source: str, builder: str) -> None:
    """Write a release's files into OUT."""
    out.mkdir(parents=True, exist_ok=True)
    time_s = sources.epoch_s()
    images = read(pushed) if pushed else unpublished()

    package = wheel.build(out)
    packed = chart.write(out, images, time_s)
    lint(packed)
    (out / "crds.yaml").write_text(manifests.crds())
    (out / "install.yaml").write_text(manifests.install(packed))
    (out / "sbom.cdx.json").write_bytes(sbom.python_packages())
    if url:
        krew.write(out, package, url, time_s)
    made = [file for file in out.iterdir() if file.name not in NOT_LISTED and file.suffix != ".sig"]
    (out / "provenance.intoto.json").write_text(provenance.statement(made, images, source, sources.commit(), builder))
    (out / "SHA256SUMS").write_text(provenance.checksums([*made, out / "provenance.intoto.json"]))
    for file in sorted(out.iterdir()):
        click.echo(f"  {file.stat().st_size:>9}  {file}")
    if not url:
        click.echo("  no Krew manifest: it names an address for downloads; give one with URL=https://...")


NOT_LISTED = ("SHA256SUMS", "provenance.intoto.json")


def lint(packed: Path) -> None:
    done = subprocess.run([manifests.helm(), "lint", "--strict", str(packed)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"helm lint --strict {packed.name}: {done.stdout.strip()}")


if __name__ == "__main__":
    main()
