"""The command as a process: run to its end, or killed when so many parts are there; its output here or in a bucket."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from berth.bulk.manifest import NAME
from tests.support.buckets import Bucket

DEADLINE_S = 300.0
MAIN = "from berth.cli import main; main()"
WAIT = """
import pathlib, time
from berth.bulk.manifest import Manifest, Part
append = Manifest.append
def wait_and_append(manifest, line):
    while isinstance(line, Part) and line.part == {part} and not pathlib.Path({path!r}).exists():
        time.sleep(0.01)
    append(manifest, line)
Manifest.append = wait_and_append
"""


def waits_before(part: int, path: Path) -> str:
    """A prelude: the command does not note this part before `path` is there."""
    return WAIT.format(part=part, path=str(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`berth bulk` with these words."""

    archive: Path
    inputs: Path | str
    output: Path
    """Where it writes; below `bucket` where there is one."""
    options: Sequence[str] = ()
    prelude: str = "pass"
    """What the process does before it becomes the command."""
    bucket: Bucket | None = None
    prefix: Sequence[str] = ()
    """What starts it."""

    def with_options(self, *more: str) -> Self:
        """The same with further options."""
        return replace(self, options=(*self.options, *more))

    def run(self, deadline_s: float | None = DEADLINE_S) -> "subprocess.CompletedProcess[str]":
        """Run it to its end, whatever that is."""
        return subprocess.run(self._words(), capture_output=True, text=True, timeout=deadline_s, check=False)

    def kill_at(self, parts: int, after_s: float = 0.0) -> bool:
        """Kill it with SIGKILL, `after_s` after its manifest has so many parts; False where it ended before."""
        process = subprocess.Popen(self._words(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        deadline_s = time.monotonic() + DEADLINE_S
        while process.poll() is None and self.num_parts() < parts and time.monotonic() < deadline_s:
            time.sleep(0.01)
        time.sleep(after_s)
        was_running = process.poll() is None
        process.kill()
        _, said = process.communicate()
        assert was_running or process.returncode == 0, said
        return was_running

    def run_until(
        self, parts: int, act: Callable[[], object], deadline_s: float | None = DEADLINE_S
    ) -> "subprocess.CompletedProcess[str]":
        """Run it to its end, and do something else when its manifest has so many parts; it must not end before."""
        words = self._words()
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while process.poll() is None and self.num_parts() < parts:
                time.sleep(0.01)
            was_running = process.poll() is None
            act()
            said, errors = process.communicate(timeout=deadline_s)
        assert was_running, f"it ended ({process.returncode}) before it had {parts} parts: {errors}"
        return subprocess.CompletedProcess(words, process.returncode, said, errors)

    def num_parts(self) -> int:
        """Parts that the manifest has, whole lines only."""
        if self.bucket:
            content = self.bucket.read(f"{self.output}/{NAME}")
        else:
            manifest = self.output / NAME
            content = manifest.read_bytes() if manifest.exists() else b""
        return max(0, content.count(b"\n") - 1)

    def _words(self) -> list[str]:
        output = self.bucket.address(str(self.output)) if self.bucket else str(self.output)
        words = ["bulk", str(self.archive), str(self.inputs), "--output", output, *self.options]
        return [*self.prefix, sys.executable, "-c", f"{self.prelude}\n{MAIN}", *words]
