"""tests/gpu, counted."""

import subprocess
import sys
import xml.etree.ElementTree as ET

from ..scene import Scene

COUNTS = ("failures", "errors", "skipped", "tests")


def run(scene: Scene) -> None:
    """Run the tests; those that fail are named."""
    report = scene.folder / "report.xml"
    options = ["-q", "-rs", "-W", "default", "-p", "no:cacheprovider", f"--junitxml={report}"]
    subprocess.run([sys.executable, "-m", "pytest", *options, "tests/gpu"], stdout=sys.stderr, check=False)
    if not report.is_file():
        scene.fail("pytest ended without a report: its lines above say why")
        return
    root = ET.parse(report).getroot()  # noqa: S314 - written by our own pytest a moment ago
    counts = {name: sum(int(suite.get(name, "0")) for suite in root.iter("testsuite")) for name in COUNTS}
    bad = [case.get("name", "") for case in root.iter("testcase") if {"failure", "error"} & {each.tag for each in case}]
    for name in bad:
        scene.fail(name)
    if counts["tests"] == counts["skipped"]:
        scene.skip("no CUDA device: all of tests/gpu were skipped")
        return
    scene.note("answers.passed", counts["tests"] - counts["skipped"] - len(bad))
    scene.note("answers.failed", len(bad))
    scene.note("answers.skipped", counts["skipped"])
