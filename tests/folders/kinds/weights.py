"""Weights in forms of before and beside safetensors, of half the size, and as adapters; and those that are refused."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers

from handler.config import Task
from tests.support.checkpoints import LABELS, make_checkpoint
from tests.support.checkpoints.sentence_transformers import DenseLayer, make_sentence_checkpoint
from tests.support.checkpoints.weights import (
    PICKLE,
    WantsCode,
    make_2019,
    make_adapter,
    make_lora,
    old_weights,
    save_as,
    save_pickle,
    shard_pickle,
)

from ..kind import Kind, Numbers

Make = Callable[[Path], str]
MASKED = ("the ship lies in the [MASK] .", "[MASK] is a town in france .")
BASE = "trained-from"


def _classifier(change: Callable[[Path], object], folder: Path) -> str:
    change(make_checkpoint(folder, "bert", Task.TEXT_CLASSIFICATION))
    return str(folder)


def _scores(folder: Path, texts: Sequence[str]) -> Numbers:
    """transformers' own scores; it reads pytorch_model.bin itself."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
    return _scores_of(model, transformers.AutoTokenizer.from_pretrained(folder), texts)


def _scores_of_loop(folder: Path, texts: Sequence[str]) -> Numbers:
    """The same of a training loop's checkpoint, taken apart by hand."""
    config, weights = transformers.AutoConfig.from_pretrained(folder), old_weights(folder)["state_dict"]
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    model.load_state_dict(weights)
    return _scores_of(model, transformers.AutoTokenizer.from_pretrained(folder), texts)


@torch.inference_mode()
def _scores_of(model: Any, tokenizer: Any, texts: Sequence[str]) -> Numbers:
    model.eval()
    encoded = [tokenizer(text, truncation=True, max_length=512, return_tensors="pt") for text in texts]
    return [model(**each).logits[0].softmax(-1).tolist() for each in encoded]


def _pickle_with(content: Callable[[dict[str, Any]], object], folder: Path) -> None:
    """Put something else into the pickle than plain weights."""
    torch.save(content(old_weights(save_pickle(folder))), folder / PICKLE)


def _cut(folder: Path) -> None:
    content = (save_pickle(folder) / PICKLE).read_bytes()
    (folder / PICKLE).write_bytes(content[: len(content) // 2])


def _sentence_pickles(folder: Path) -> str:
    make_sentence_checkpoint(folder, dense=[DenseLayer(32)], normalize=True)
    for module in (folder, folder / "2_Dense"):
        save_pickle(module)
    return str(folder)


def _vectors(folder: Path, texts: Sequence[str]) -> Numbers:
    """sentence-transformers' own vectors; it reads pytorch_model.bin itself."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return [model.encode(text).tolist() for text in texts]


def _old(task: Task, folder: Path) -> str:
    return str(make_2019(folder, task))


def _old_model(folder: Path, model_class: Any) -> tuple[Any, Any]:
    """The checkpoint of 2019 as transformers takes it once it is given the configuration by hand."""
    old = transformers.BertConfig.from_json_file(folder / "bert_config.json")
    old.num_labels = len(LABELS)
    model = model_class.from_pretrained(None, config=old, state_dict=old_weights(folder))
    return model.eval(), transformers.BertTokenizer(vocab=str(folder / "vocab.txt"))


def _old_scores(folder: Path, texts: Sequence[str]) -> Numbers:
    return _scores_of(*_old_model(folder, transformers.BertForSequenceClassification), texts)


def _old_words(folder: Path, texts: Sequence[str]) -> Numbers:
    """The scores of the most likely words, as transformers' own pipeline gives them."""
    model, tokenizer = _old_model(folder, transformers.BertForMaskedLM)
    fill = transformers.pipeline("fill-mask", model=model, tokenizer=tokenizer, device="cpu")
    return [[word["score"] for word in fill(text)] for text in texts]


def _lora(settings: dict[str, Any], folder: Path) -> str:
    """An adapter beside its base, which it names relative to itself."""
    base = make_checkpoint(folder / BASE, "bert", Task.EMBEDDINGS)
    return _named_beside(make_lora(folder / "adapter", base, **settings))


def _named_beside(adapter: Path) -> str:
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": f"../{BASE}"}))
    return str(adapter)


def _merged_scores(folder: Path, texts: Sequence[str]) -> Numbers:
    """What peft answers with the adapter beside its base, not merged."""
    import peft  # noqa: PLC0415

    auto = transformers.AutoModelForSequenceClassification
    base = auto.from_pretrained(folder / BASE, num_labels=len(LABELS), dtype=torch.float32)
    model = peft.PeftModel.from_pretrained(base, folder / "adapter")
    return _scores_of(model, transformers.AutoTokenizer.from_pretrained(folder / BASE), texts)


def _prompt_tuning(folder: Path) -> str:
    import peft  # noqa: PLC0415

    base = make_checkpoint(folder / BASE, "bert", Task.EMBEDDINGS)
    config = peft.PromptTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=4)
    return str(make_adapter(folder / "adapter", base, config, "AutoModelForSequenceClassification"))


def _lora_alone(folder: Path) -> str:
    adapter = Path(_lora({}, folder))
    for file in (folder / BASE).iterdir():
        file.unlink()
    (folder / BASE).rmdir()
    return str(adapter)


def _named(*names: str) -> Make:
    """A folder with config.json and files of these names: names are all that is looked at."""

    def make(folder: Path) -> str:
        (folder / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"weights")
        return str(folder)

    return make


def _setfit(folder: Path) -> str:
    """As SetFit 1 saves it: sentence-transformers' files, and its head and configuration beside them."""
    make_sentence_checkpoint(folder)
    (folder / "config_setfit.json").write_text('{"labels": ["no", "yes"], "normalize_embeddings": false}')
    (folder / "model_head.pkl").write_bytes(b"\x80\x04.")
    return str(folder)


def _served(name: str, change: Callable[[Path], object]) -> Kind:
    return Kind(name=name, make=partial(_classifier, change), expected=_scores)


def _refused(name: str, make: Make, sentence: str) -> Kind:
    return Kind(name=name, make=make, sentence=sentence)


AS_CLASSIFIER = ("--task", Task.TEXT_CLASSIFICATION)
HOSTILE = partial(_pickle_with, lambda weights: weights | {"x": WantsCode()})
FLOAT8 = partial(save_as, dtype=torch.float8_e4m3fn)
OLD_CLASSIFIER = partial(_old, Task.TEXT_CLASSIFICATION)


def _google(folder: Path) -> str:
    (folder / "bert_config.json").write_text('{"hidden_size": 768, "vocab_size": 30522}')
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
    (folder / "bert_model.ckpt.index").write_bytes(b"weights")
    return str(folder)


KINDS = (
    _served("pytorch_model.bin", save_pickle),
    _served("pytorch_model.bin of before torch 1.6", partial(save_pickle, is_old_format=True)),
    _served("pytorch_model.bin in three shards", shard_pickle),
    _served("weights in bf16", partial(save_as, dtype=torch.bfloat16)),
    _served("weights in fp16", partial(save_as, dtype=torch.float16)),
    _served("weights in fp64", partial(save_as, dtype=torch.float64)),
    Kind(
        name="pytorch_model.bin of a training loop, under state_dict",
        make=partial(_classifier, partial(_pickle_with, lambda weights: {"epoch": 3, "state_dict": weights})),
        expected=_scores_of_loop,
    ),
    Kind(name="sentence-transformers with pickles", make=_sentence_pickles, expected=_vectors),
    Kind(
        name="the layout of 2019: a classifier",
        make=OLD_CLASSIFIER,
        options=AS_CLASSIFIER,
        expected=_old_scores,
    ),
    Kind(
        name="the layout of 2019: a masked language model",
        make=partial(_old, Task.FILL_MASK),
        inputs=MASKED,
        expected=_old_words,
    ),
    Kind(name="LoRA adapter with a classifier", make=partial(_lora, {}), expected=_merged_scores),
    Kind(
        name="DoRA adapter, rank-stabilised, with biases",
        make=partial(_lora, {"use_dora": True, "use_rslora": True, "bias": "all"}),
        expected=_merged_scores,
    ),
    _refused("prompt tuning", _prompt_tuning, "PROMPT_TUNING, which cannot be merged"),
    _refused("LoRA adapter without its base", _lora_alone, r"names its base .* there is no folder \.\./trained-from"),
    Kind(
        name="the layout of 2019: a classifier, without --task",
        make=OLD_CLASSIFIER,
        sentence="cannot tell the task",
        from_files=False,  # the names of its weights are in the pickle
    ),
    _refused(
        "pytorch_model.bin that wants code",
        partial(_classifier, HOSTILE),
        r"wants \w+\.system, .* nothing of it was run",
    ),
    _refused("pytorch_model.bin that is cut off", partial(_classifier, _cut), "cut off, .* download"),
    _refused(
        "weights in float8",
        partial(_classifier, FLOAT8),
        "is F8_E4M3, and berth reads",
    ),
    _refused("TensorFlow weights", _named("tf_model.h5"), r"TensorFlow's weights .*'transformers<4\.50'.* tf-keras"),
    _refused(
        "Google's BERT of TensorFlow",
        _google,
        r"load_tf_weights_in_bert\(.*/bert_model\.ckpt'\)",
    ),
    _refused("Flax weights", _named("flax_model.msgpack"), "Flax's weights .* from_flax=True"),
    _refused("ONNX alone", _named("onnx/model.onnx"), r"ONNX \(onnx/model\.onnx\)"),
    _refused("OpenVINO alone", _named("openvino_model.xml", "openvino_model.bin"), "OpenVINO's form"),
    _refused("GGUF", _named("bert-q4_0.gguf"), "GGUF, llama.cpp's form"),
    _refused("Core ML", _named("coreml/text/float32_model.mlpackage"), "Core ML's form"),
    _refused("Lightning's checkpoint", _named("epoch=2-step=1200.ckpt"), "the state of a training loop"),
    _refused("SetFit", _setfit, "SetFit model .*--task embeddings"),
    Kind(name="SetFit with --task embeddings", make=_setfit, options=("--task", "embeddings"), expected=_vectors),
)
