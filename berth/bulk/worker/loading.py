"""The archive's own engine, whatever other handler is installed."""

import sys
from pathlib import Path
from typing import Any

import yaml

from ...archive.content import MODEL_CONFIG
from ..messages import Setup


def load_engine(setup: Setup) -> Any:
    """Load handler.bulk.rows.RowEngine of the unpacked archive, what reads rows for no answers, or what asks a server.

    ImportError where another handler was found than the archive's.
    """
    if setup.server:
        from .remote import RemoteEngine  # noqa: PLC0415 - or the archive's

        return RemoteEngine.connect(setup.server, setup.parameters)
    folder = Path(setup.folder)
    sys.path.insert(0, str(folder))
    import handler  # noqa: PLC0415 - the archive's

    if not Path(handler.__path__[0]).resolve().is_relative_to(folder.resolve()):
        raise ImportError(f"the handler was imported from {handler.__path__[0]}, not from the archive")
    section = yaml.safe_load((folder / MODEL_CONFIG).read_text("utf-8"))["handler"]
    if setup.reads_only:
        from handler.bulk.reading import RowReader  # noqa: PLC0415

        return RowReader.load(folder, section, setup.parameters)
    from handler.bulk.rows import RowEngine  # noqa: PLC0415

    return RowEngine.load(folder, section, setup.parameters, setup.gpu_id, setup.threads)
