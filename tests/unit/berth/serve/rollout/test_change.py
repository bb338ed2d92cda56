"""Which archives are served after an order, and when a new version is worse."""

from pathlib import Path

import pytest

from berth.archive.served_model import ServedModel
from berth.errors import Refused
from berth.front.reports.counters import Counters
from berth.rollout.messages import Action, Order
from berth.rollout.state import State
from berth.serve.prepare import prepare_models
from berth.serve.rollout.change import Served, archives_after, changed, is_so, require_same_tasks
from berth.serve.rollout.judge import why_slower, why_worse
from tests.support.rollout.versions import FAILS_WHEN_ASKED, make_version

BERT, TINY, NEW = Path("/bert.mar"), Path("/tiny.mar"), Path("/new.mar")
NOTHING = State(asked=())


def model(name: str, content: str = "a", version: str = "1.0") -> ServedModel:
    return ServedModel(name=name, version=version, folder=Path("/cache", f"{name}-{version}-{content}"))


LIVE = Served(archives=(BERT, TINY), models=(model("bert"), model("tiny")))
OLD = Path("/bert-0.9.mar")
TWO = Served(archives=(BERT, TINY, OLD), models=(model("bert"), model("tiny"), model("bert", version="0.9")))
"""Two versions of bert, of which 1.0 is the default."""


@pytest.mark.parametrize(
    ("order", "live", "name", "archives"),
    [
        (Order(action=Action.ROLLOUT, archive=str(NEW)), LIVE, "bert", (NEW, TINY)),
        (Order(action=Action.ROLLOUT, archive=str(NEW)), TWO, "bert", (NEW, TINY, OLD)),
        (Order(action=Action.REGISTER, archive=str(NEW)), LIVE, "new", (BERT, TINY, NEW)),
        (Order(action=Action.REGISTER, archive=str(NEW)), LIVE, "bert", (BERT, TINY, NEW)),
        (Order(action=Action.TAKE, archive=str(NEW)), LIVE, "bert", (NEW, TINY)),
        (Order(action=Action.TAKE, archive=str(NEW)), LIVE, "new", (BERT, TINY, NEW)),
        (Order(action=Action.UNREGISTER, name="bert"), TWO, "", (TINY,)),
        (Order(action=Action.UNREGISTER, name="bert/1.0"), TWO, "", (OLD, TINY)),
        (Order(action=Action.DEFAULT, name="bert", version="0.9"), TWO, "", (OLD, BERT, TINY)),
    ],
)
def test_what_is_served_after_an_order(order: Order, live: Served, name: str, archives: tuple[Path, ...]) -> None:
    after = archives_after(order, live, NOTHING, model(name, version="2.0"))
    assert tuple(archive.path for archive in after) == archives
    assert {archive.source for archive in after} <= {NEW, *(each.folder for each in live.models)}  # where it is live


def test_a_default_that_is_removed_leaves_it_to_the_highest_version() -> None:
    versions = ("2.0", "1.9", "1.10")
    live = Served(archives=tuple(map(Path, versions)), models=tuple(model("bert", version=each) for each in versions))
    after = archives_after(Order(action=Action.UNREGISTER, name="bert/2.0"), live, NOTHING)
    assert [str(archive.path) for archive in after] == ["1.10", "1.9"]


@pytest.mark.parametrize(
    ("order", "name", "words"),
    [
        (Order(action=Action.ROLLOUT, archive=str(NEW)), "new", "`berth register /new.mar` adds it"),
        (Order(action=Action.UNREGISTER, name="new"), "", "this server has bert 1.0, tiny 1.0"),
        (Order(action=Action.DEFAULT, name="bert", version="2.0"), "", "there is no bert 2.0 here"),
        (Order(action=Action.ROLLBACK), "", "nothing was live before"),
    ],
)
def test_an_order_that_does_not_fit_says_what_does(order: Order, name: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        archives_after(order, LIVE, NOTHING, model(name))


@pytest.mark.parametrize(
    ("order", "version"),
    [
        (Order(action=Action.DEFAULT, name="bert", version="1.0"), "1.0"),
        (Order(action=Action.ROLLOUT, archive=str(NEW)), "1.0"),
        (Order(action=Action.REGISTER, archive=str(NEW)), "1.0"),
        (Order(action=Action.REGISTER, archive=str(NEW)), "0.9"),
    ],
)
def test_what_is_so_already_stays_as_it_is(order: Order, version: str) -> None:
    assert is_so(archives_after(order, TWO, NOTHING, model("bert", version=version)), TWO)


def test_a_rollout_of_another_version_that_is_served_says_how_it_becomes_the_default() -> None:
    with pytest.raises(Refused, match=r"`berth default bert 0\.9` makes it the default"):
        archives_after(Order(action=Action.ROLLOUT, archive=str(NEW)), TWO, NOTHING, model("bert", version="0.9"))


@pytest.mark.parametrize("action", [Action.ROLLOUT, Action.REGISTER, Action.TAKE])
def test_one_version_is_one_content(action: Action, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    archives = make_version(tmp_path / "a", "1.0"), make_version(tmp_path / "b", "1.0", FAILS_WHEN_ASKED)
    (live,), (new,) = prepare_models(archives[:1]), prepare_models(archives[1:])
    with pytest.raises(Refused, match=r"bert 1\.0, and so is .* another content: .* pack it with another --version"):
        archives_after(
            Order(action=action, archive=str(archives[1])), Served(archives=archives[:1], models=(live,)), NOTHING, new
        )


def test_the_only_model_stays() -> None:
    only = Served(archives=(BERT,), models=(model("bert"),))
    with pytest.raises(Refused, match="only model"):
        archives_after(Order(action=Action.UNREGISTER, name="bert"), only, NOTHING)


def test_what_has_changed_is_what_has_another_content() -> None:
    now = (model("bert", "b"), model("tiny"), model("more"))
    assert changed(TWO.models, now) == [(model("bert"), model("bert", "b"))]


def counters(requests: int, errors: int = 0, mean_ms: float = 10.0, refused: int = 0) -> Counters:
    return Counters(requests=requests, errors=errors, mean_ms=mean_ms, refused=refused)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (counters(1000), counters(1000, 9), "None"),
        (counters(1000), counters(1000, 11), "11 of 1000 answers are errors"),
        (counters(1000, 300), counters(1000, 305), "None"),
        (counters(0), counters(1, 1), "1 of 1 answers are errors"),
    ],
)
def test_errors_beyond_the_old_share(old: Counters, new: Counters, words: str) -> None:
    assert words in str(why_worse(old, new))


@pytest.mark.parametrize(
    ("new", "watched_s", "words"),
    [
        (counters(1000, mean_ms=70.0), 60.0, "None"),
        (counters(1000, mean_ms=71.0), 60.0, "71 ms on average, and took 10"),
        (counters(1000, mean_ms=500.0), 9.0, "None"),
        (counters(19, mean_ms=500.0), 60.0, "None"),
        (counters(100, refused=1), 60.0, "None"),
        (counters(100, refused=2), 60.0, "2 of 102 requests were refused for want of time, 0 of 1000 were"),
        (counters(100, refused=2), 9.0, "None"),  # a java is slow in its first seconds
    ],
)
def test_slower_than_twice_the_old_mean(new: Counters, watched_s: float, words: str) -> None:
    assert words in str(why_slower(counters(1000), new, watched_s))


def test_a_name_keeps_its_task(tmp_path: Path) -> None:
    kinds = {"vectors": "handler: {task: embeddings}", "labels": "handler: {task: text-classification}", "other": "{}"}
    models = {}
    for content, settings in kinds.items():
        (tmp_path / content).mkdir()
        (tmp_path / content / "model-config.yaml").write_text(settings)
        models[content] = ServedModel(name="bert", version="1.0", folder=tmp_path / content)
    with pytest.raises(Refused, match=r"served as embeddings, and 1\.0 is of the task text-classification"):
        require_same_tasks([models["vectors"]], [models["labels"]])
    with pytest.raises(Refused, match="a handler of its own"):
        require_same_tasks([models["other"]], [models["labels"]])
    require_same_tasks([models["labels"], model("tiny")], [models["labels"], model("new")])
