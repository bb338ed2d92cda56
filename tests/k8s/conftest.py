"""What the tests of k8s/ start from: rendered objects, and stand-ins for a cloud."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

from .gke.cloud import Cloud, make_cloud
from .renderings import Document, has_kubectl, render

Rendered = Callable[[str], list[Document]]

needs_kubectl = pytest.mark.skipif(not has_kubectl(), reason="there is no kubectl to render with")


@pytest.fixture(scope="session")
def rendered() -> Rendered:
    """rendered(name): fresh copies of a rendering's objects."""
    if not has_kubectl():
        pytest.skip("there is no kubectl to render with")
    return lambda name: deepcopy(list(render(name)))


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    """An empty one."""
    return make_cloud(tmp_path)
