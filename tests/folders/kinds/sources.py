"""Where checkpoints come from: the Hub and its cache, trainings, archives of folders, addresses of fsspec.

What is of the Hub comes from a stand-in in this process, to which HF_ENDPOINT leads from the first such row on.
"""

import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification
from transformers.trainer_callback import TrainerState

from handler.config import Task
from tests.support.checkpoints import LABELS, make_checkpoint
from tests.support.hub.repository import Repository, read_repository
from tests.support.hub.shared import shared_hub
from tests.support.plain_transformers import classify_one_by_one

from ..kind import Kind, Numbers

Make = Callable[[Path], str]


def _classifier(folder: Path) -> Path:
    return make_checkpoint(folder, "bert", Task.TEXT_CLASSIFICATION)


def _scores(folder: Path, texts: Sequence[str]) -> Numbers:
    return [[scores[label] for label in LABELS.values()] for scores in classify_one_by_one(folder, texts, 512)]


def _scores_of(name: str) -> Callable[[Path, Sequence[str]], Numbers]:
    return lambda folder, texts: _scores(folder / name, texts)


def _hub_model(folder: Path) -> str:
    model = read_repository(_classifier(folder))
    shared_hub().models["org/mood"] = Repository(model.files | {"tf_model.h5": b"not needed"})
    return "org/mood"


def _hub_commit(folder: Path) -> str:
    model = shared_hub().models["org/pinned"] = read_repository(_classifier(folder))
    return f"org/pinned@{model.commit}"


def _cut_download(folder: Path) -> str:
    hub = shared_hub()
    hub.models["org/cut"] = Repository(read_repository(_classifier(folder)).files, cuts=[1000, 2000, 3000])
    return "org/cut"


def _altered_download(folder: Path) -> str:
    model = read_repository(_classifier(folder))
    weights = model.files["model.safetensors"]
    shared_hub().models["org/altered"] = Repository(model.files, altered={"model.safetensors": weights[:-1] + b"\0"})
    return "org/altered"


def _gated(_folder: Path) -> str:
    shared_hub().models["org/gated"] = Repository({"config.json": b"{}", "model.safetensors": b"weights"}, gated=True)
    return "org/gated"


def _tensorflow(_folder: Path) -> str:
    shared_hub().models["org/tensorflow"] = Repository({"config.json": b"{}", "tf_model.h5": b"weights"})
    return "org/tensorflow"


def _t5(_folder: Path) -> str:
    config = b'{"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]}'
    shared_hub().models["org/t5"] = Repository({"config.json": config, "model.safetensors": b"never fetched"})
    return "org/t5"


def _hub_address(address: str) -> Make:
    def make(_folder: Path) -> str:
        shared_hub().models["org/small"] = Repository({"config.json": b"{}"})
        return address

    return make


def _cache_folder(folder: Path) -> str:
    _classifier(folder)
    repository = folder.parent / "models--org--mood"
    shutil.copytree(folder, repository / "snapshots" / ("a" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40, "utf-8")
    return str(repository)


def _snapshot_folder(folder: Path) -> str:
    return str(Path(_cache_folder(folder), "snapshots", "a" * 40))


def _training(best: str | None) -> Make:
    """Two checkpoints that answer differently, as Trainer writes them; `best` is what it notes."""

    def make(folder: Path) -> str:
        for step in (500, 1000):
            checkpoint = _classifier(folder / f"checkpoint-{step}")
            model = AutoModelForSequenceClassification.from_pretrained(checkpoint)
            with torch.no_grad():
                model.classifier.bias += torch.tensor([0.0, step / 1000, 0.0])
            model.save_pretrained(checkpoint)
            TrainerState(global_step=step, best_model_checkpoint=best).save_to_json(
                str(checkpoint / "trainer_state.json")
            )
        return str(folder)

    return make


def _training_without_tokenizers(folder: Path) -> str:
    _training(None)(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / "checkpoint-500" / name, folder)
        for step in (500, 1000):
            (folder / f"checkpoint-{step}" / name).unlink()
    return str(folder)


def _archive(form: str) -> Make:
    return lambda folder: shutil.make_archive(
        str(folder.parent / "mood"), form, _classifier(folder).parent, folder.name
    )


def _zip_that_leads_out(folder: Path) -> str:
    with zipfile.ZipFile(folder / "mood.zip", "w") as archive:
        archive.writestr("../config.json", "{}")
    return str(folder / "mood.zip")


def _half_an_archive(folder: Path) -> str:
    path = Path(_archive("gztar")(folder))
    path.write_bytes(path.read_bytes()[:1000])
    return str(path)


def _fsspec_address(folder: Path) -> str:
    return _classifier(folder).as_uri()


KINDS = (
    Kind(name="a model of the Hub, by its id", make=_hub_model, expected=_scores),
    Kind(name="a model of the Hub, at a commit", make=_hub_commit, expected=_scores),
    Kind(name="a model of the Hub whose download is cut off three times", make=_cut_download, expected=_scores),
    Kind(name="a model of the Hub that arrives altered", make=_altered_download, sentence="is not what the Hub names"),
    Kind(name="a gated model of the Hub", make=_gated, sentence="org/gated is gated: ask for access"),
    Kind(name="a model that the Hub does not have", make=_hub_address("org/absent"), sentence="no model of that name"),
    Kind(
        name="a revision that a model does not have", make=_hub_address("org/small@v2"), sentence="has no revision v2"
    ),
    Kind(
        name="a model of the Hub for TensorFlow only",
        make=_tensorflow,
        sentence="holds no .*, only TensorFlow.s weights .*--local-dir tensorflow",
    ),
    Kind(name="a T5 of the Hub, before its weights are fetched", make=_t5, sentence="says that this is t5"),
    Kind(name="models--org--name of the Hub's cache", make=_cache_folder, expected=_scores),
    Kind(name="a snapshot in the Hub's cache", make=_snapshot_folder, expected=_scores),
    Kind(
        name="Trainer folder, its best checkpoint",
        make=_training("out/checkpoint-500"),
        expected=_scores_of("checkpoint-500"),
    ),
    Kind(name="Trainer folder, its last checkpoint", make=_training(None), expected=_scores_of("checkpoint-1000")),
    Kind(
        name="Trainer folder whose checkpoints lack the tokenizer",
        make=_training_without_tokenizers,
        sentence="checkpoint-1000 has no tokenizer, but .*/model has one: copy it with `cp ",
    ),
    Kind(name=".zip of a folder", make=_archive("zip"), expected=_scores),
    Kind(name=".tar.gz of a folder", make=_archive("gztar"), expected=_scores),
    Kind(name=".zip that leads out of its folder", make=_zip_that_leads_out, sentence="would write outside its folder"),
    Kind(name=".tar.gz that is cut off", make=_half_an_archive, sentence="is damaged or not what its name says"),
    Kind(name="an address of fsspec", make=_fsspec_address, expected=_scores),
    Kind(name="gs:// without gcsfs", make=lambda _folder: "gs://bucket/mood", sentence=r"pip install 'berth\[gcs\]'"),
    Kind(
        name="a path that is not there", make=lambda folder: f"{folder}/absent", sentence="is not there: check the path"
    ),
)
