"""Weights of a form that berth does not take, told by their names, and the way to one that it does."""

import re
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import NamedTuple


class Form(NamedTuple):
    """A form of weights: what it is, by which names it is known, and what to do with it."""

    name: str
    patterns: tuple[str, ...]
    way: str
    """Has `{folder}` where the files are needed on this machine, and `{prefix}` for a name that TensorFlow splits."""


class Found(NamedTuple):
    """A form, and the first file of it."""

    form: Form
    name: str

    @property
    def needs_folder(self) -> bool:
        """Whether what to do with it needs the files on this machine."""
        return "{folder}" in self.form.way

    def way(self, folder: str) -> str:
        """What to do with it, where it lies in `folder`."""
        prefix = PART_OF_CHECKPOINT.sub("", PurePosixPath(self.name).name)
        return self.form.way.replace("{folder}", folder).replace("{prefix}", prefix)


# Tried with transformers 4.49.0, tensorflow 2 and flax 0.12 on seeded checkpoints: of TensorFlow's and Google's no
# weight differed, Flax's were only written. With 4.57.6 TensorFlow's line ends with `Cannot copy out of meta tensor`.
IN_TRANSFORMERS_4 = (
    "transformers 5 reads it no longer, so convert it once in an environment of its own:\n"
    "    python3 -m venv transformers4\n"
    "    transformers4/bin/pip install 'transformers<4.50' torch {packages}\n"
    "    transformers4/bin/python -c \"import transformers as t; t.{loads}.save_pretrained('{folder}-safetensors'); "
    "t.AutoTokenizer.from_pretrained('{folder}').save_pretrained('{folder}-safetensors')\""
)
LOADS_GOOGLES = (
    "m = t.BertForPreTraining(t.BertConfig.from_json_file('{folder}/bert_config.json')); "
    "t.load_tf_weights_in_bert(m, m.config, '{folder}/{prefix}')"
)
CLASS = "AutoModelForSequenceClassification"  # the user's own may be another
EXPORT = "an export cannot be turned back: take the checkpoint that it was made from"


def _of_transformers_4(name: str, stem: str, ending: str, packages: str, flag: str) -> Form:
    """Weights of another framework, which a class of transformers 4 loads by a flag."""
    loads = f"{CLASS}.from_pretrained('{{folder}}', {flag}=True)"
    way = IN_TRANSFORMERS_4.replace("{packages}", packages).replace("{loads}", loads)
    patterns = (f"{stem}{ending}", f"{stem}{ending}.index.json", f"{stem}-*{ending}")
    return Form(name, patterns, f"{way}\nwith the class that config.json names under architectures")


FORMS = (
    _of_transformers_4("TensorFlow's weights", "tf_model", ".h5", "tensorflow tf-keras", "from_tf"),
    Form(
        "Google's TensorFlow checkpoint",
        ("*.ckpt.index", "*.ckpt.meta", "*.ckpt.data-*", "model.ckpt-*.index"),
        IN_TRANSFORMERS_4.replace("{packages}", "tensorflow")
        .replace("t.{loads}.save", f"{LOADS_GOOGLES}; m.save")
        .replace("AutoTokenizer.from_pretrained('{folder}')", "BertTokenizer('{folder}/vocab.txt')"),
    ),
    _of_transformers_4("Flax's weights", "flax_model", ".msgpack", "flax", "from_flax"),
    Form(
        "GGUF, llama.cpp's form",
        ("*.gguf", "*.ggml"),
        "take the checkpoint that it was made from; its model card names it",
    ),
    Form(
        "OpenVINO's form",
        ("openvino_model.xml", "openvino/openvino_model*.xml", "openvino_model*.xml"),
        EXPORT,
    ),
    Form(
        "ONNX",
        ("*.onnx", "onnx/*.onnx"),
        EXPORT,
    ),
    Form(
        "Core ML's form",
        ("*.mlmodel", "*.mlpackage", "coreml/*/*.mlpackage", "coreml/*.mlpackage"),
        EXPORT,
    ),
    Form(
        "rust-bert's form",
        ("rust_model.ot",),
        "take the checkpoint that it was made from",
    ),
    Form(
        "the state of a training loop",
        ("*.ckpt", "*.pt", "*.pth", "*.tar"),
        "load it with the code that trained it, and save the transformers model inside, and its tokenizer, with "
        "save_pretrained('{folder}-safetensors')",
    ),
)
PART_OF_CHECKPOINT = re.compile(r"\.(index|meta|data-[^.]*)$")  # TensorFlow names a checkpoint without it
# What lies beside weights of every form.
OF_TRAINING = re.compile(r"(optimizer|scheduler|scaler|training_args)\.(pt|bin)|rng_state(_\d+)?\.pth")


def find_form(names: Collection[str]) -> Found | None:
    """The form of the weights among files of these names (folders by /); None where there are none of a known form."""
    places = sorted({*names, *_folders(names)})
    each = ((form, pattern, name) for form in FORMS for pattern in form.patterns for name in places)
    return next((Found(form, name) for form, pattern, name in each if _is_of(pattern, name)), None)


def _folders(names: Collection[str]) -> Iterator[str]:
    """The folders that the files lie in: an .mlpackage is one."""
    for name in names:
        yield from (str(parent) for parent in PurePosixPath(name).parents)


def of_training(name: str) -> bool:
    """Whether a file is what a Trainer keeps beside weights, of whatever form they are."""
    return OF_TRAINING.fullmatch(PurePosixPath(name).name) is not None


def _is_of(pattern: str, name: str) -> bool:
    """Whether a name is of a pattern, as a folder's glob has it: `*` does not lead into a folder."""
    is_as_deep = pattern.count("/") == name.count("/")
    return is_as_deep and fnmatchcase(name, pattern) and not of_training(name)
