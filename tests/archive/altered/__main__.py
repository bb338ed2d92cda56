"""Alter an archive 1,000 times and count by kind what is refused: `python -m tests.archive.altered [NUMBER] [SEED]`."""

import sys
import tempfile
from pathlib import Path

from berth.archive.signature import load_signer, sign_archive
from tests.support.signing import make_keys

from .run import alter_and_ask, make_archive, total

NUMBER, SEED = 1000, 21


def main() -> int:
    """Print a table; 1 where an altered archive was taken, or anything but a refusal was said."""
    given = [int(argument) for argument in sys.argv[1:]]
    number, seed = [*given, *(NUMBER, SEED)[len(given) :]]
    with tempfile.TemporaryDirectory() as work:
        key, public = make_keys(Path(work), "ada")
        archive = make_archive(Path(work))
        sign_archive(archive, load_signer(key))
        counts = alter_and_ask(archive, public, number, seed)
    print(f"{number} altered archives, seed {seed}")
    print(f"{'kind':20} {'refused':>8} {'by signature':>13} {'member named':>13} {'could be':>9} {'wrong':>6}")
    for kind, each in counts.items():
        print(
            f"{kind:20} {each.refused:8} {each.refused_by_signature:13} {each.named:13} {each.nameable:9} "
            f"{len(each.wrong):6}"
        )
    sums = total(counts)
    print(f"{'in all':20} {sums['refused']:8} {sums['by_signature']:13} {'':13} {'':9} {sums['wrong']:6}")
    for line in [line for each in counts.values() for line in each.wrong]:
        print(line)
    return int(sums["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())
