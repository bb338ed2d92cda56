"""What is left of a run: the rows between the parts that are there, and behind the last."""

from berth.bulk.claims import Gap
from berth.bulk.manifest import Part
from berth.bulk.run import find_gaps
from berth.bulk.text_records import START, Position
from berth.cli.bulk.command import fill_ray


def part(number: int, source: int, first: int, last: int) -> Part:
    """A part of ten bytes a row."""
    return Part(
        part=number,
        file="",
        input=source,
        rows=(first, last),
        bytes=(first * 10, last * 10),
        size=0,
        sha256="",
        errors={},
        cut=0,
        tokens=0,
    )


def whole(source: int) -> Gap:
    return Gap(source=source, start=START, stop=None)


def test_of_nothing_all_files_are_left() -> None:
    assert list(find_gaps({}, 3)) == [whole(0), whole(1), whole(2)]


def test_behind_the_last_part_its_file_goes_on() -> None:
    there = {0: part(0, 0, 0, 5), 1: part(1, 1, 0, 5)}
    assert list(find_gaps(there, 3)) == [Gap(source=1, start=Position(row=5, byte=50), stop=None), whole(2)]


def test_a_hole_ends_before_the_next_part_in_its_file_or_a_later_one() -> None:
    there = {0: part(0, 0, 0, 5), 2: part(2, 0, 10, 15), 5: part(5, 2, 5, 8)}
    after_first = Gap(source=0, start=Position(row=5, byte=50), stop=10)
    after_third = Gap(source=0, start=Position(row=15, byte=150), stop=None)
    before_sixth = Gap(source=2, start=START, stop=5)
    last = Gap(source=2, start=Position(row=8, byte=80), stop=None)
    assert list(find_gaps(there, 3)) == [after_first, after_third, whole(1), before_sixth, last]


def test_ray_may_stand_without_an_address() -> None:
    assert fill_ray(["--ray", "auto", "a"]) == ["--ray", "auto", "a"]
    assert fill_ray(["--ray", "texts.parquet"]) == ["--ray", "local", "texts.parquet"]
    assert fill_ray(["a", "--ray"]) == ["a", "--ray", "local"]
    assert fill_ray(["--ray", "ray://head:10001", "--json"]) == ["--ray", "ray://head:10001", "--json"]
    assert fill_ray(["--ray", "10.0.0.1:6379"]) == ["--ray", "10.0.0.1:6379"]
