"""What an installation would decide, where there is none: the settings of `run`, `render` and `validate`."""

from poolkeeper import __version__
from poolkeeper.api.installation import Installation
from poolkeeper.plan.snapshot import Settings

ROUTER_IMAGE = f"poolkeeper-router:{__version__}"
PROBE_IMAGE = f"poolkeeper-operator:{__version__}"
DEFAULT_INSTALLATION = Installation()


def settings_for(
    local: bool, router_image: str = ROUTER_IMAGE, installation: Installation = DEFAULT_INSTALLATION
) -> Settings:
    return Settings(
        router_image=router_image,
        probe_image=PROBE_IMAGE,
        local=local,
        children=installation.children,
        operator=installation.operator,
        limits=None if local else installation.limits,
    )
