"""What a CPU is fast in, by its flags, and what a worker takes of that."""

from pathlib import Path

import pytest

from handler.config import HandlerConfig, Task
from handler.errors import ConfigError
from handler.precision import Precision, cpu_flags, fast_precisions, layer_number

PROVEN = {"bf16": 0.9999, "int8": 0.995}
AMX = ("avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def config(precision: Precision, **settings: object) -> HandlerConfig:
    return HandlerConfig.from_mapping({"task": "embeddings", "max_tokens": 8, "precision": str(precision), **settings})


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((), []),
        (("avx2", "avx512f"), []),
        (("avx512_vnni",), [Precision.INT8]),
        (("avx512_vnni", "avx512_bf16"), [Precision.INT8]),
        (("avx512_bf16",), []),
        (AMX, [Precision.BF16, Precision.INT8]),
    ],
)
def test_flags_say_what_is_fast(flags: tuple[str, ...], expected: list[Precision]) -> None:
    assert fast_precisions(flags) == expected


def test_fastest_takes_only_what_is_proven() -> None:
    assert config(Precision.FASTEST, cpu_precisions=PROVEN).precisions_on("cpu", AMX) == ["bf16", "int8", "fp32"]
    assert config(Precision.FASTEST, cpu_precisions={"int8": 0.99}).precisions_on("cpu", AMX) == ["int8", "fp32"]
    assert config(Precision.FASTEST).precisions_on("cpu", AMX) == ["fp32"]
    assert config(Precision.FASTEST, cpu_precisions=PROVEN).precisions_on("cpu", ()) == ["fp32"]
    assert config(Precision.AUTO, cpu_precisions=PROVEN).precisions_on("cpu", AMX) == ["fp32"]


def test_a_gpu_has_no_int8() -> None:
    for precision in (Precision.AUTO, Precision.FASTEST, Precision.INT8):
        assert config(precision, cpu_precisions=PROVEN).precisions_on("cuda") == ["bf16"]
    assert config(Precision.FP16).precisions_on("cuda") == ["fp16"]


def test_flags_are_read_as_linux_writes_them(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nflags\t\t: fpu avx512_vnni\nprocessor\t: 1\nflags\t\t: fpu amx_bf16\n")
    assert cpu_flags(file) == {"fpu", "avx512_vnni"}
    assert cpu_flags(tmp_path / "none") == frozenset()


def test_settings_come_back_as_they_were_written() -> None:
    tried = {"cpu_precisions": {"int8": 0.995}, "int8_kept": [0, 5], "cpu_refused": {"bf16": "another label"}}
    written = config(Precision.FASTEST, **tried)
    assert HandlerConfig.from_mapping(written.to_mapping()) == written
    assert written.tried_on_cpu == tried


def test_an_archive_of_which_nothing_was_tried_says_nothing_of_it() -> None:
    plain = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=8)
    assert not {"cpu_precisions", "int8_kept", "cpu_refused"} & set(plain.to_mapping())
    assert plain.tried_on_cpu == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bert.encoder.layer.11.attention.self.query.weight", 11),
        ("distilbert.transformer.layer.0.ffn.lin1", 0),
        ("model.layers.3", 3),
        ("albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.weight", 0),
        ("embeddings.LayerNorm.weight", None),
        ("classifier.weight", None),
    ],
)
def test_a_layer_is_known_by_its_name(name: str, expected: int | None) -> None:
    assert layer_number(name) == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cpu_precisions": {"int9": 0.9}}, "cpu_precisions is 'int9'; it must be one of"),
        ({"cpu_precisions": ["int8"]}, "it must map precisions to numbers"),
        ({"cpu_refused": {"int8": 0.1}}, "cpu_refused is .*; it must map names to texts"),
        ({"int8_kept": [True]}, "it must be a list of whole numbers"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config(Precision.FASTEST, **settings)
