"""The form of an error is that of the address, at the root as behind a model's."""

import pytest

from berth.gateway.over_http.app import form_of
from handler.doors.paths import ROOT_PATHS, Form, RootPath


@pytest.mark.parametrize("root", ROOT_PATHS, ids=lambda root: root.url_path)
def test_a_models_own_address_has_the_form_of_the_root(root: RootPath) -> None:
    assert form_of(f"/{root.url_path}") == form_of(f"/predictions/bert/1.0/{root.url_path}") == root.form


def test_other_addresses() -> None:
    assert form_of("/predictions/bert") == form_of("/predictions/bert/1.0") == Form.NATIVE
    assert form_of("/v2/models/bert/infer") == Form.V2
