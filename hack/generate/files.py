"""Which files are generated, and which of them are not what the models say."""

from collections.abc import Mapping
from pathlib import Path

from hack.dashboards.grafana import as_json
from hack.dashboards.table import DASHBOARDS
from hack.generate import (
    addresses,
    admission,
    alerts,
    argocd,
    chart,
    cli,
    crds,
    dialects,
    metrics,
    reference,
    runbooks,
    status_schema,
    values,
)
from poolkeeper.api.base import GROUP

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (
    Path("crds"),
    Path("charts/poolkeeper/templates/crds"),
    Path("docs/reference"),
    Path("charts/poolkeeper/files"),
    Path("charts/poolkeeper/templates/admission"),
)
"""Everything in these is generated: a file nobody generates any more is as wrong as one with other content."""


def generated() -> dict[Path, str]:
    """Path from the root of the checkout -> content; the same for the same models, always."""
    plain, template, docs, of_chart, policies = FOLDERS
    rules = alerts.source()
    of_values = values.with_models((ROOT / values.VALUES).read_text(encoding="utf-8"))
    files = {
        docs / "cli.md": cli.page(),
        docs / "conditions.md": reference.of_conditions(crds.KINDS),
        docs / "metrics.md": metrics.page(),
        docs / "status.schema.json": status_schema.text(),
        values.VALUES: of_values,
        values.SCHEMA: values.schema(of_values),
        values.README: values.readme((ROOT / values.README).read_text(encoding="utf-8"), of_values),
        argocd.PLACE: argocd.snippet(ROOT),
        chart.PLACE: chart.with_version((ROOT / chart.PLACE).read_text(encoding="utf-8")),
        Path("docs/runbooks/README.md"): runbooks.index(),
        Path("docs/alerts/README.md"): alerts.page(rules),
        of_chart / alerts.SOURCE.name: alerts.for_chart(rules),
        Path("router/lua/core/error/rules.lua"): dialects.as_lua(),
        Path("router/lua/core/http/forbidden.lua"): addresses.as_lua(),
    }
    files |= {of_chart / "dashboards" / f"{one.slug}.json": as_json(one) for one in DASHBOARDS}
    files |= {policies / name: text for name, text in admission.templates().items()}
    for kind in crds.KINDS:
        name = f"{GROUP}_{kind.PLURAL}.yaml"
        files[plain / name] = crds.as_yaml(kind)
        files[template / name] = crds.as_template(kind)
        files[docs / f"{kind.__name__.lower()}.md"] = reference.of_kind(kind)
    return files


def stale(files: Mapping[Path, str], root: Path = ROOT) -> list[str]:
    """What differs between the files as they should be and as they are, a line each."""
    lines = []
    for path, content in files.items():
        there = root / path
        if not there.exists():
            lines.append(f"{path}: missing; run `make generate`")
        elif there.read_text(encoding="utf-8") != content:
            lines.append(f"{path}: not what the models say; run `make generate`")
    found = {file.relative_to(root) for folder in FOLDERS for file in (root / folder).rglob("*") if file.is_file()}
    return lines + [f"{path}: nothing generates it; remove it" for path in sorted(found - files.keys())]
