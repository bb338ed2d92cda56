"""Where a server can run. Imports nothing, so that any system gets as far as this sentence."""

from ..errors import Refused

SERVED = "linux"


def require_served(platform: str) -> None:
    """Refused on a system that serves nothing; `platform` is sys.platform."""
    if platform != SERVED:
        raise Refused(
            f"`berth serve` runs on Linux, and this is {platform}: pack and verify here, and serve the archive on "
            "Linux or in a container"
        )
