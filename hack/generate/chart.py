"""Chart.yaml: its version and that of the images it installs are the package's."""

import re
from pathlib import Path

from poolkeeper import __version__

PLACE = Path("charts/poolkeeper/Chart.yaml")


def with_version(text: str, version: str = __version__) -> str:
    text, chart = re.subn(r"^version: .*$", f"version: {version}", text, flags=re.M)
    text, app = re.subn(r"^appVersion: .*$", f'appVersion: "{version}"', text, flags=re.M)
    assert (chart, app) == (1, 1), f"{PLACE}: seen {chart} lines `version:` and {app} `appVersion:`; wanted one of each"
    return text
