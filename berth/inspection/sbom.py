"""A CycloneDX bill of materials of an archive: the model, its members, and what serves it in this environment."""

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..archive.content import Content
from ..archive.members import open_archive
from ..archive.verify import verify_archive
from ..errors import UsageError
from .facts import Facts, read_facts
from .frontend_jar import frontend_jar, read_libraries

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

OWN_PACKAGE = "berth"


def write_sbom(archive: Path) -> str:
    """The bill of a .mar or an unpacked folder as JSON (CycloneDX 1.6); Refused where it is altered or no archive."""
    if not importlib.util.find_spec("cyclonedx"):
        raise UsageError("--sbom needs cyclonedx-python-lib, which is not installed: pip install 'berth[sbom]'")
    from cyclonedx.model.bom import Bom  # noqa: PLC0415 - an extra
    from cyclonedx.output.json import JsonV1Dot6  # noqa: PLC0415

    content = verify_archive(archive)
    with open_archive(archive) as members:
        model = _model(read_facts(members), content)
    bom = Bom(components=[*_packages(serving_packages()), _frontend(frontend_jar())])
    bom.metadata.component = model
    bom.register_dependency(model, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def serving_packages(root: str = OWN_PACKAGE) -> dict[str, str]:
    """The Python packages that berth needs to serve, itself among them, and their versions here; by name, sorted."""
    versions: dict[str, str] = {}
    wanted = [root]
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name not in versions:
            try:
                found = importlib.metadata.distribution(name)
            except importlib.metadata.PackageNotFoundError:  # it is for another system, or left out of an image
                continue
            versions[name] = found.version
            wanted.extend(_required(found))
    return dict(sorted(versions.items()))


def _required(package: importlib.metadata.Distribution) -> Iterator[str]:
    """What a package needs here, without its extras."""
    for line in package.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name


def _model(facts: Facts, content: Content) -> "Component":
    """The archive: its content's id as its hash, its members as files."""
    from cyclonedx.model import HashAlgorithm, HashType, Property  # noqa: PLC0415
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415

    said = {"source": facts.source, "revision": facts.revision, "packed by": facts.berth and f"berth {facts.berth}"}
    known = {**said, "task": facts.task, "architecture": facts.architecture}
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=facts.name,
        version=facts.version,
        bom_ref=f"content:{content.id}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=content.id)],
        properties=[Property(name=f"berth:{name}", value=value) for name, value in known.items() if value],
        components=[
            Component(
                type=ComponentType.FILE,
                name=name,
                bom_ref=f"member:{name}",
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
            )
            for name, digest in content.digests.items()
        ],
    )


def _packages(versions: Mapping[str, str]) -> Iterator["Component"]:
    from cyclonedx.model.component import Component  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    for name, version in versions.items():
        purl = PackageURL(type="pypi", name=name, version=version)
        yield Component(name=name, version=version, purl=purl, bom_ref=str(purl))


def _frontend(jar: Path) -> "Component":
    """TorchServe's jar, and the libraries in it."""
    from cyclonedx.model import HashAlgorithm, HashType  # noqa: PLC0415
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    libraries = []
    for each in read_libraries(jar):
        purl = PackageURL(type="maven", namespace=each.group, name=each.name, version=each.version)
        libraries.append(
            Component(group=each.group, name=each.name, version=each.version, purl=purl, bom_ref=str(purl))
        )
    with jar.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Component(
        type=ComponentType.APPLICATION,
        name=jar.name,
        version=importlib.metadata.version("torchserve"),
        bom_ref=jar.name,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        components=libraries,
    )
