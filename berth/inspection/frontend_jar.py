"""The Java libraries inside TorchServe's frontend, by what its jar says of them.

TorchServe's build leaves META-INF/maven out of the jar (frontend/server/build.gradle), where each library names its
version. Some name it elsewhere too; of the others only the name is known.
"""

import importlib.metadata
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

JAR = "ts/frontend/model-server.jar"
_NETTY = "META-INF/io.netty.versions.properties"
_NETTY_VERSION = re.compile(rb"^([\w-]+)\.version=(\S+)$", re.MULTILINE)
_WEBJAR = re.compile(r"META-INF/resources/webjars/([^/]+)/([^/]+)/")
_GRPC = ("io/grpc/internal/GrpcUtil.class", re.compile(rb"grpc-java-\x01..(\d+[\d.]*)", re.DOTALL))
# Maven's group and name of a library, the member that tells its version, and how.
_TOLD = (
    ("io.grpc", "grpc-core", *_GRPC),
    ("io.grpc", "grpc-netty-shaded", *_GRPC),  # a Netty of its own, of the same release
    ("junit", "junit", "junit/runner/Version.class", re.compile(rb"\x01..(\d+\.[\d.]+)", re.DOTALL)),
    ("org.apache.ant", "ant", "org/apache/tools/ant/version.txt", re.compile(rb"VERSION=(\S+)")),
    # log4j-slf4j-impl's own list, which comes with the log4j of its version
    ("org.apache.logging.log4j", "log4j-core", "META-INF/DEPENDENCIES", re.compile(rb"log4j-core:jar:(\d[\d.]*)")),
    (
        "org.codehaus.groovy",
        "groovy",
        "META-INF/groovy-release-info.properties",
        re.compile(rb"ImplementationVersion=(\S+)"),
    ),
)
# Maven's group and name of a library that tells no version, and the folder of its classes.
_UNTOLD = (
    ("com.beust", "jcommander", "com/beust/jcommander/"),
    ("com.github.javaparser", "javaparser-core", "com/github/javaparser/"),
    ("com.google.api.grpc", "proto-google-common-protos", "com/google/api/"),
    ("com.google.code.gson", "gson", "com/google/gson/"),
    ("com.google.guava", "guava", "com/google/common/"),
    ("com.google.protobuf", "protobuf-java", "com/google/protobuf/"),
    ("com.lmax", "disruptor", "com/lmax/disruptor/"),
    ("com.thoughtworks.qdox", "qdox", "com/thoughtworks/qdox/"),
    ("commons-cli", "commons-cli", "org/apache/commons/cli/"),
    ("commons-io", "commons-io", "org/apache/commons/io/"),
    ("org.apache.commons", "commons-compress", "org/apache/commons/compress/"),
    ("info.picocli", "picocli", "picocli/"),
    ("io.prometheus", "simpleclient", "io/prometheus/client/"),
    ("jline", "jline", "jline/"),
    ("org.fusesource.jansi", "jansi", "org/fusesource/jansi/"),
    ("org.hamcrest", "hamcrest-core", "org/hamcrest/core/"),
    ("org.junit.jupiter", "junit-jupiter-api", "org/junit/jupiter/"),
    ("org.slf4j", "slf4j-api", "org/slf4j/"),
    ("org.testng", "testng", "org/testng/"),
    ("org.yaml", "snakeyaml", "org/yaml/snakeyaml/"),
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Library:
    """A Java library by Maven's names."""

    group: str
    name: str
    version: str | None
    """None: the jar does not tell it."""


def frontend_jar() -> Path:
    """Where the installed TorchServe has its frontend; PackageNotFoundError where it is not installed."""
    return Path(str(importlib.metadata.distribution("torchserve").locate_file(JAR)))


def read_libraries(jar: Path) -> list[Library]:
    """The libraries in a frontend's jar, sorted; BadZipFile or OSError where it is none."""
    with zipfile.ZipFile(jar) as opened:
        names = opened.namelist()
        folders = {name[: end + 1] for name in names for end, letter in enumerate(name) if letter == "/"}
        return sorted({*_told(opened, set(names)), *_untold(folders), *_webjars(folders)})


def _told(opened: zipfile.ZipFile, names: set[str]) -> Iterator[Library]:
    if _NETTY in names:
        for name, version in _NETTY_VERSION.findall(opened.read(_NETTY)):
            yield Library(group="io.netty", name=name.decode(), version=version.decode())
    for group, name, member, pattern in _TOLD:
        found = pattern.search(opened.read(member)) if member in names else None
        if found:
            yield Library(group=group, name=name, version=found[1].decode())


def _untold(folders: set[str]) -> Iterator[Library]:
    return (Library(group=group, name=name, version=None) for group, name, folder in _UNTOLD if folder in folders)


def _webjars(folders: set[str]) -> Iterator[Library]:
    for folder in folders:
        if found := _WEBJAR.fullmatch(folder):
            yield Library(group="org.webjars", name=found[1], version=found[2])
