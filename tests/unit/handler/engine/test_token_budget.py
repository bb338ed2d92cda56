"""The token budget shrinks to half of what did not fit and comes back by itself."""

from handler.engine.token_budget import DOUBLES_EVERY_S, TokenBudget


def test_it_halves_and_doubles_up_to_its_limit() -> None:
    budget = TokenBudget(1000)
    assert budget.at(1e9) == 1000
    budget.shrink(1000, 50.0)
    budget.shrink(500, 60.0)
    after = [0.0, DOUBLES_EVERY_S - 0.1, DOUBLES_EVERY_S, 2 * DOUBLES_EVERY_S, 1e9]
    assert [budget.at(60.0 + seconds) for seconds in after] == [250, 250, 500, 1000, 1000]


def test_a_small_batch_that_did_not_fit_is_parted_all_the_same() -> None:
    budget = TokenBudget(1000)
    budget.shrink(41, 0.0)
    assert budget.at(0.0) == 20


def test_it_never_ends() -> None:
    budget = TokenBudget(1000)
    budget.shrink(1, 0.0)
    assert budget.at(0.0) == 1
    assert budget.at(9 * DOUBLES_EVERY_S) == 512
    assert budget.at(10 * DOUBLES_EVERY_S) == 1000
