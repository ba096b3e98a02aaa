"""`make audit`: is a vulnerability known in any Python package that we pin? Asks OSV (api.osv.dev) by pip-audit.

Exit 1: yes; each is named, with the version that fixes it. Exit 2: nobody knows. Without the network nothing has been
audited, and a package that was passed over is not a good one; so a release does not go on then, either.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hack.release import sources
from testing.gateways.environments import environment

LOCK = Path(__file__).with_name("audit.lock")
PINNED = (
    "requirements.lock",
    "requirements-dev.lock",
    "hack/site/site.lock",
    "hack/release/sbom.lock",
    "hack/release/audit.lock",
    "hack/images/model.lock",
    "hack/images/llama.lock",
)
TIMEOUT_S = 600
SHOWN = 5


@dataclass(frozen=True)
class Audit:
    """vulnerable: one line each. unknown: packages about which the database said nothing, and why."""

    packages: int
    vulnerable: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return 1 if self.vulnerable else 2 if self.unknown or not self.packages else 0


def read(report: str) -> Audit:
    """What pip-audit says as JSON."""
    found = json.loads(report)["dependencies"]
    return Audit(
        packages=len(found),
        vulnerable=tuple(_line(one, known) for one in found for known in one.get("vulns", ())),
        unknown=tuple(f"{one['name']}: {one['skip_reason']}" for one in found if "skip_reason" in one),
    )


def _line(package: Mapping[str, object], known: Mapping[str, object]) -> str:
    fixes = known.get("fix_versions")
    fixed_in = " or ".join(fixes) if isinstance(fixes, list) else ""
    to_do = f"to do: pin {fixed_in} (make lock)" if fixed_in else "no version fixes it"
    return f"{package['name']} {package['version']}: {known['id']}; {to_do}"


def in_words(file: str, audit: Audit) -> Sequence[str]:
    if audit.exit_code == 0:
        return [f"{file}: {audit.packages} packages, no vulnerability is known"]
    more = len(audit.unknown) - SHOWN
    return [
        *(f"{file}: {line}" for line in audit.vulnerable),
        *(f"{file}: not audited: {line}" for line in audit.unknown[:SHOWN]),
        *([f"{file}: not audited: {more} more"] if more > 0 else []),
        *([f"{file}: not audited: no package was looked at"] if not audit.packages and not audit.unknown else []),
    ]


def ask(tool: Path, file: str) -> Audit:
    """Of one lock file. Everything in it is pinned, so nothing is installed or resolved."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "audit.json"
        options = ["--disable-pip", "--no-deps", "-s", "osv", "--progress-spinner", "off", "-f", "json", "-o", str(out)]
        done = subprocess.run(
            [str(tool), *options, "-r", str(sources.ROOT / file)], capture_output=True, text=True, timeout=TIMEOUT_S
        )
        if out.exists():
            return read(out.read_text())
        return Audit(0, unknown=(f"api.osv.dev gave no answer: {_last(done.stderr)}",))


def _last(text: str) -> str:
    return next((line.strip()[:200] for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


def main() -> int:
    tool = environment("pip-audit", (LOCK.read_text(),)).folder / "bin/pip-audit"
    audits = {file: ask(tool, file) for file in PINNED}
    for file, audit in audits.items():
        print("\n".join(in_words(file, audit)))
    codes = {audit.exit_code for audit in audits.values()}
    code = 1 if 1 in codes else max(codes)
    if code == 2:
        print("Not everything was audited, so nothing is proved. To do: try again where api.osv.dev can be reached.")
    return code


if __name__ == "__main__":
    sys.exit(main())
