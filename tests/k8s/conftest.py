"""What every test of k8s/ starts from: rendered objects."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache

import pytest

from .renderings import Document, has_kubectl, render

Rendered = Callable[[str], list[Document]]


@pytest.fixture(scope="session")
def rendered() -> Rendered:
    """rendered(name): fresh copies of a rendering's objects."""
    if not has_kubectl():
        pytest.skip("there is no kubectl to render with")
    once = cache(render)
    return lambda name: deepcopy(once(name))
