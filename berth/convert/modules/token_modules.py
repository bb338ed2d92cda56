"""bge-m3's sparse_linear.pt and colbert_linear.pt become Dense modules as sentence-transformers writes them.

The pickles are read as all others are (berth/convert/pickles.py).
"""

import json
from collections.abc import Iterator
from pathlib import Path

from ...checkpoint_files import COLBERT_LINEAR, CONFIG, TOKEN_MODULES, WEIGHTS
from ...errors import Refused
from ...progress import Progress
from ...safetensors_header import read_header
from ..child import run_isolated
from ..folders import transformer_of
from ..pickles import check_pickle

NO_ACTIVATION, RELU = "torch.nn.modules.linear.Identity", "torch.nn.modules.activation.ReLU"
MATRIX = 2


def applies(folder: Path) -> bool:
    """Whether such a pickle lies beside the weights; Refused when it is damaged, or outside the checkpoint."""
    pickles = list(_pickles(folder))
    for pickle in pickles:
        check_pickle(folder, pickle)
    return bool(pickles)


def convert(folder: Path, progress: Progress) -> str:
    """Write a Dense module in the place of each pickle."""
    progress.begin("converting the weights")
    for pickle in (pickles := list(_pickles(folder))):
        module = pickle.with_suffix("")
        if module.is_file():
            raise Refused(f"{module} is a file, and {pickle.name} becomes a folder of that name: move the file away")
        module.mkdir(exist_ok=True)
        for name in (WEIGHTS, CONFIG):
            (module / name).unlink(missing_ok=True)  # the file may be a link to the user's own
        job = {"files": [(str(pickle), str(module / WEIGHTS))]}
        run_isolated("unpickle", job, folder, pickle.stat().st_size)
        (module / CONFIG).write_text(json.dumps(_settings(pickle, module)), "utf-8")
        pickle.unlink()
    return f"{', '.join(pickle.name for pickle in pickles)} became modules of safetensors"


def _pickles(folder: Path) -> Iterator[Path]:
    paths = (transformer_of(folder) / f"{name}.pt" for name in TOKEN_MODULES)
    return (path for path in paths if path.is_file() or path.is_symlink())


def _settings(pickle: Path, module: Path) -> dict[str, object]:
    """A Dense module's config.json; Refused where the pickle held something else than a matrix, perhaps with a bias."""
    with (module / WEIGHTS).open("rb") as file:
        shapes = {name: tensor.shape for name, tensor in read_header(file, str(module / WEIGHTS)).items()}
    weight, bias = shapes.get("weight", ()), shapes.get("bias")
    makes_vectors = pickle.stem == COLBERT_LINEAR
    is_right = len(weight) == MATRIX and set(shapes) <= {"weight", "bias"} and bias in (None, weight[:1])
    if not is_right or (weight[0] != 1 and not makes_vectors):
        raise Refused(f"{pickle} does not hold the matrix that bge-m3 has there: download the checkpoint again")
    return {
        "in_features": weight[1],
        "out_features": weight[0],
        "bias": bias is not None,
        "activation_function": NO_ACTIVATION if makes_vectors else RELU,
    }
