"""Settings are checked at load, and each error names the setting and what it may be."""

import pytest

from handler.config import Environment, HandlerConfig, Pooling, Precision, Task
from handler.errors import ConfigError

MINIMAL = {"task": "embeddings", "max_tokens": 256}


def test_what_is_written_is_read_back() -> None:
    config = HandlerConfig(
        task=Task.TEXT_CLASSIFICATION,
        max_tokens=128,
        precision=Precision.BF16,
        pooling=Pooling.CLS,
        normalize=True,
        requires=("torch>=2.11",),
    )
    assert HandlerConfig.from_mapping(config.to_mapping()) == config


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
        ({**MINIMAL, "normalize": "yes"}, "true or false"),
        ({**MINIMAL, "requires": "torch"}, "list of strings"),
        ({**MINIMAL, "poolling": "mean"}, "'poolling'"),
    ],
)
def test_wrong_settings_are_named(section: object, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        HandlerConfig.from_mapping(section)


@pytest.mark.parametrize(("name", "value"), [("BERTH_DEVICE", "gpu"), ("TS_MAX_RESPONSE_SIZE", "6MB")])
def test_wrong_environment_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name):
        Environment.read()
