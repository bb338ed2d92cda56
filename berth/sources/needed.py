"""Which files of a checkpoint elsewhere are fetched: what packing reads, the weights in one format, nothing else."""

import re
from collections.abc import Collection, Iterator, Mapping

from ..checkpoint_files import CONFIG, PICKLES, TOKEN_MODULES, WEIGHTS, WEIGHTS_INDEX
from ..errors import Refused
from ..layouts.forms import find_form, of_training
from ..layouts.gliner import GLINER_CONFIG
from .hub_id import parse_hub_id

MODULE_FOLDER = re.compile(r"(\w+_)?\d+_\w+")  # sentence-transformers: 1_Pooling, 0_Transformer, query_0_Router
CHECKPOINT = re.compile(r"checkpoint-(\d+)")  # transformers.Trainer: checkpoint-500
TEXTS = (
    "vocab.txt",
    "merges.txt",
    "README.md",
    "artifact.metadata",
    "model_head.pkl",
)  # ColBERT's settings; SetFit's classifier
ENDINGS = (".json", ".model", ".codes")  # settings, sentencepiece, fastBPE
MAX_SETTINGS_BYTES = 64 * 2**20  # the largest tokenizer.json of known encoders has 17 MB; data sets are larger
SAFETENSORS_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
PICKLE_SHARD = re.compile(r"pytorch_model-\d+-of-\d+\.bin")
TOKEN_PICKLES = tuple(f"{name}.pt" for name in TOKEN_MODULES)
ADAPTERS = ("adapter_model.safetensors", "adapter_model.bin")
CONFIGS = (CONFIG, "bert_config.json", "adapter_config.json", "modules.json", GLINER_CONFIG)
OTHER_FORMATS = (".h5", ".msgpack", ".onnx", ".gguf", ".ot", ".tflite", ".ckpt", ".pt", ".pth", ".bin", ".safetensors")


def needed_files(sizes: Mapping[str, int], where: str) -> list[str]:
    """Names of the files to fetch out of `sizes` (bytes by name, folders by /): the weights last, the small ones first.

    Raises Refused, naming `where`, when they hold no model that can be packed.
    """
    chosen: list[str] = []
    for folder in _folders(sizes):
        names = {name.removeprefix(folder): size for name, size in sizes.items() if _is_in(folder, name)}
        kept = [name for name, size in names.items() if _is_setting(name, size)] + weights_of(names)
        chosen += [folder + name for name in kept]
    _require_model(sizes, chosen, where)
    return sorted(chosen, key=lambda name: (is_weights(name), sizes[name], name))


def is_weights(name: str) -> bool:
    """Whether a file that is needed holds weights, and no settings."""
    return name.endswith((".safetensors", ".bin", *TOKEN_PICKLES))


def weights_of(names: Collection[str]) -> list[str]:
    """The weights among the files of one folder: safetensors, else pickles; and an adapter's, if it has any."""
    model = _first(names, WEIGHTS) or _shards(names, WEIGHTS_INDEX, SAFETENSORS_SHARD)
    model = model or _first(names, PICKLES[0]) or _shards(names, PICKLES[1], PICKLE_SHARD)
    of_tokens = [name for name in TOKEN_PICKLES if name in names] if model else []
    return model + of_tokens + _first(names, *ADAPTERS)


def _first(names: Collection[str], *wanted: str) -> list[str]:
    return [name for name in wanted if name in names][:1]


def _shards(names: Collection[str], index: str, shard: re.Pattern[str]) -> list[str]:
    """The index and all that is named as its shards are; nothing without an index."""
    return [index, *(name for name in names if shard.fullmatch(name))] if index in names else []


def _folders(names: Collection[str]) -> Iterator[str]:
    """The folder itself, as "", and those of sentence-transformers' modules, as "1_Pooling/"."""
    yield ""
    inner = {name.split("/", 1)[0] for name in names if "/" in name}
    yield from (f"{folder}/" for folder in sorted(inner) if MODULE_FOLDER.fullmatch(folder))


def _is_in(folder: str, name: str) -> bool:
    return name.startswith(folder) and "/" not in name.removeprefix(folder)


def _is_setting(name: str, size: int) -> bool:
    if name in TEXTS:
        return True
    return name.endswith(ENDINGS) and not name.endswith(".index.json") and size <= MAX_SETTINGS_BYTES


def _require_model(sizes: Collection[str], chosen: list[str], where: str) -> None:
    names = {name.rsplit("/", 1)[-1] for name in chosen}
    if weights_of(names):
        if not names & set(CONFIGS):
            raise Refused(f"{where} holds weights and no {CONFIG}: it is not a model that transformers saved")
        return
    _refuse_checkpoints(sizes, where)
    _refuse_forms(sizes, where)
    raise Refused(f"{where} holds no weights: berth packs a folder with {CONFIG} and {WEIGHTS} or {PICKLES[0]}")


def _refuse_checkpoints(sizes: Collection[str], where: str) -> None:
    """Refuse a training's output without a model of its own: an address at the Hub has no folders."""
    inner = {name.split("/", 1)[0] for name in sizes}
    numbers = sorted(int(match[1]) for name in inner if (match := CHECKPOINT.fullmatch(name)))
    if not numbers:
        return
    last = f"checkpoint-{numbers[-1]}"
    is_of_hub = parse_hub_id(_address(where)) is not None
    bring, folder = _bring(where, last) if is_of_hub else ("", _address(where))
    listed = _listed([f"checkpoint-{number}" for number in numbers])
    raise Refused(f"{where} holds no model, but {listed}: {bring}give one of them as the address ({folder}/{last})")


def _refuse_forms(sizes: Collection[str], where: str) -> None:
    """Refuse weights that are there only in another form."""
    nothing = f"{where} holds no {WEIGHTS} or {PICKLES[0]}"
    for place in _folders(sizes):
        if found := find_form([name.removeprefix(place) for name in sizes if name.startswith(place)]):
            bring, folder = _bring(where)
            way = f"{bring}`berth pack {folder}` then says how to convert it" if found.needs_folder else found.form.way
            raise Refused(f"{nothing}, only {found.form.name} ({place}{found.name}): {way}")
    others = sorted(name for name in sizes if name.endswith(OTHER_FORMATS) and not of_training(name))
    if others:
        raise Refused(
            f"{nothing}, but {_listed(others)}: load the model with the library that made them, convert it to PyTorch, "
            "and pack the folder that save_pretrained writes"
        )


def _address(where: str) -> str:
    """The address in what a refusal calls it: `org/name of the Hub`."""
    return where.removesuffix(" of the Hub")


def _bring(where: str, inner: str = "") -> tuple[str, str]:
    """How to have it, or a folder in it, on this machine, as the beginning of a sentence; and the folder there."""
    address = _address(where)
    model = parse_hub_id(address)
    if model is None:
        folder = address.rstrip("/").rpartition("/")[2]
        return f"copy it to {folder} here; ", folder
    revision = f" --revision {model.revision}" if model.revision else ""
    include = f" --include '{inner}/*'" if inner else ""
    return f"download it (`hf download {model.repository}{revision}{include} --local-dir {model.name}`); ", model.name


def _listed(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
