"""Every report says where its figures come from."""

from bench.machine import describe_run


def test_a_run_is_described() -> None:
    facts = describe_run("make bench")
    assert set(facts) == {"command", "date", "commit", "host", "versions"}
    assert facts["command"] == "make bench"
    assert isinstance(facts["host"], dict)
    assert facts["host"]["cores"] >= 1
    assert facts["host"]["cpu"]
    assert isinstance(facts["versions"], dict)
    assert {"python", "torch", "transformers", "torchserve"} <= set(facts["versions"])
