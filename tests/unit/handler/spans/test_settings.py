"""The setting `spans` of model-config.yaml."""

from typing import Any

import pytest

from handler.config import HandlerConfig
from handler.errors import ConfigError
from handler.spans.settings import SpanSettings

SETTINGS: dict[str, Any] = {"max_width": 12, "max_words": 384, "type_token": "<<ENT>>", "text_token": "<<SEP>>"}
SECTION = {"task": "zero-shot-token-classification", "max_tokens": 512}


def test_it_comes_back_as_it_was_written() -> None:
    config = HandlerConfig.from_mapping(SECTION | {"spans": SETTINGS})
    assert config.spans == SpanSettings(**SETTINGS)
    assert HandlerConfig.from_mapping(config.to_mapping()) == config


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"max_width": 0}, "max_width of spans is 0"),
        ({"max_words": True}, "max_words of spans is True"),
        ({"type_token": ""}, "type_token of spans is ''"),
        ({"reads_type_token": 1}, "reads_type_token of spans is 1"),
        ({"more": 1}, "must have the settings max_width"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        HandlerConfig.from_mapping(SECTION | {"spans": SETTINGS | changed})


def test_only_its_task_has_it_and_that_needs_it() -> None:
    with pytest.raises(ConfigError, match="spans are for zero-shot-token-classification, which needs them"):
        HandlerConfig.from_mapping(SECTION)
    with pytest.raises(ConfigError, match="which needs them"):
        HandlerConfig.from_mapping({"task": "embeddings", "max_tokens": 512, "spans": SETTINGS})
