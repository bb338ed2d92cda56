"""Settings are checked at load, and each error names the setting and what it may be."""

import pytest

from handler.config import HandlerConfig, Pooling, Task
from handler.errors import ConfigError
from handler.precision import Precision
from handler.worker.environment import Environment

MINIMAL = {"task": "embeddings", "max_tokens": 256}


def test_what_is_written_is_read_back() -> None:
    config = HandlerConfig(
        task=Task.TEXT_CLASSIFICATION,
        max_tokens=128,
        precision=Precision.BF16,
        pooling=(Pooling.CLS, Pooling.MEAN),
        truncate_dim=16,
        normalize=True,
        requires=("torch>=2.11",),
    )
    assert HandlerConfig.from_mapping(config.to_mapping()) == config


def test_a_pooling_alone_is_a_string_as_older_archives_have_it() -> None:
    config = HandlerConfig.from_mapping({**MINIMAL, "pooling": "cls"})
    assert (config.pooling, config.to_mapping()["pooling"]) == ((Pooling.CLS,), "cls")


@pytest.mark.parametrize(
    ("section", "part"),
    [
        (None, "no `handler` section"),
        ({"max_tokens": 5}, "'task' is missing"),
        ({**MINIMAL, "task": "translation"}, "text-classification"),
        ({**MINIMAL, "task": None}, "text-classification"),
        ({**MINIMAL, "max_tokens": 0}, "1 or more"),
        ({**MINIMAL, "max_tokens": True}, "1 or more"),
        ({**MINIMAL, "token_budget": 255}, "below max_tokens"),
        ({**MINIMAL, "pooling": []}, "one or a list of mean, cls"),
        ({**MINIMAL, "pooling": ["mean", "median"]}, "'median'; it must be one of mean, cls"),
        ({**MINIMAL, "truncate_dim": 0}, "1 or more"),
        ({**MINIMAL, "normalize": "yes"}, "true or false"),
        ({**MINIMAL, "requires": "torch"}, "list of strings"),
        ({**MINIMAL, "poolling": "mean"}, "'poolling'"),
    ],
)
def test_wrong_settings_are_named(section: object, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        HandlerConfig.from_mapping(section)


@pytest.mark.parametrize(
    ("name", "value"), [("BERTH_DEVICE", "gpu"), ("BERTH_LONE_TEXTS", "onnx"), ("TS_MAX_RESPONSE_SIZE", "6MB")]
)
def test_wrong_environment_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name):
        Environment.read()
