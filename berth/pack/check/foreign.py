"""What is no text encoder of transformers, said in one sentence from names of files and from JSON alone.

Neither torch nor transformers is imported, and nothing is converted before: it is the first look at a folder.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from ...checkpoint_files import CONFIG, load_json
from ...errors import Refused
from ...layouts.gliclass import is_gliclass, load_gliclass
from ...layouts.gliner import GLINER_CONFIG, is_gliner, load_gliner
from ...layouts.sentence import load_modules, transformer_folder
from .families import (
    ALONE,
    DECODERS,
    EMBEDDING_DECODERS,
    ENCODERS_ALONE,
    FAMILIES,
    INSTEAD,
    SERVED,
    UNPROVEN_EMBEDDERS,
    family_of,
)
from .quantized import refuse_quantized

# Files that other libraries write, each with what it is; where there are several, all of them are there.
MARKS: Mapping[tuple[str, ...], str] = {
    ("model_index.json",): "a pipeline of diffusers, which makes images or sound",
    ("open_clip_config.json",): "a model of OpenCLIP, for images beside text",
    ("meta.json", "config.cfg"): "a pipeline of spaCy",
    ("model.bin", "shared_vocabulary.*"): "a model of CTranslate2, which transformers' ct2 converters made",
    ("model.bin", "vocabulary.*"): "a model of CTranslate2, which transformers' ct2 converters made",
    ("params.json", "consolidated*"): "a decoder in its maker's own format, which writes text",
    ("*.nemo",): "a model of NVIDIA NeMo",
    ("*.ftz",): "a model of fastText",
}
# How the classes of other kinds end: for types that are not in any table.
ENDINGS: Mapping[tuple[str, ...], str] = {
    ("ForCausalLM", "LMHeadModel", "DoubleHeadsModel"): FAMILIES[DECODERS],
    ("ForConditionalGeneration", "ForSeq2SeqLM"): "a model that writes text",
    ("ForImageClassification", "ForObjectDetection", "ForSemanticSegmentation", "ForMaskedImageModeling"): (
        "a model of images"
    ),
    ("ForCTC", "ForAudioClassification", "ForSpeechSeq2Seq", "ForXVector"): "a model of sound",
}
PARTS = {"vision_config": "images", "audio_config": "sound"}
SERVES = f"berth serves encoders of text ({', '.join(sorted(SERVED))} and their kin): pack one of these"
EMBEDS = ", or one that embeds, with the modules.json that sentence-transformers writes"


def refuse_foreign(folder: Path) -> None:
    """Refuse what another library made, what is no text encoder, and weights that are quantised."""
    if what := next(_marks(folder), None):
        raise Refused(f"{folder} is {what}; {SERVES}")
    if is_gliner(folder):
        _refuse_encoder(folder / GLINER_CONFIG, load_gliner(folder))
        return
    if is_gliclass(folder):
        _refuse_encoder(folder / CONFIG, load_gliclass(folder))
        return
    modules = load_modules(folder)
    config_file = transformer_folder(folder, modules) / CONFIG
    if not config_file.is_file():
        return
    config = load_json(config_file)
    embedder = str(config.get("model_type")) if modules else ""
    if embedder not in EMBEDDING_DECODERS and (what := _family(config)):
        kind = str(config.get("model_type"))
        cure = UNPROVEN_EMBEDDERS.get(embedder) or INSTEAD.get(kind, SERVES)
        raise Refused(f"{config_file} says that this is {what}; {cure}{EMBEDS if kind in EMBEDDING_DECODERS else ''}")
    refuse_quantized(config_file, config)


def _refuse_encoder(config_file: Path, config: Mapping[str, object]) -> None:
    """Refuse a model with layers of its own behind an encoder, where that is none."""
    encoder = config.get("encoder_config")
    if isinstance(encoder, dict) and (what := _family(encoder)):
        raise Refused(f"{config_file} says that its encoder is {what}; {SERVES}")


def _marks(folder: Path) -> Iterator[str]:
    """What the folder is by the files in it."""
    for patterns, what in MARKS.items():
        if all(any(folder.glob(pattern)) for pattern in patterns):
            yield what
    if (folder / "model.bin").is_file() and not (folder / CONFIG).is_file():
        yield "a model of fastText"


def _family(config: Mapping[str, object]) -> str | None:
    """What the model is by its config.json, with the name that says so; None when it may be a text encoder."""
    model_type, architecture = str(config.get("model_type", "")), architecture_of(config)
    if architecture in ENCODERS_ALONE:
        return f"{architecture}, {ALONE}"
    if what := family_of(model_type):
        return f"{model_type}, {what}"
    if what := family_of(architecture) or _family_of_class(architecture):
        return f"{architecture}, {what}"
    return _family_of_settings(config)


def _family_of_class(architecture: str) -> str | None:
    found = (what for endings, what in ENDINGS.items() if architecture.endswith(endings))
    return next(found, None)


def _family_of_settings(config: Mapping[str, object]) -> str | None:
    """What settings say that no text encoder has."""
    if _is_set(config, "is_decoder"):
        return f"a model with is_decoder set, {FAMILIES[DECODERS]}"
    if _is_set(config, "is_encoder_decoder"):
        return "a model with is_encoder_decoder set, which turns one text into another"
    if "pretrained_cfg" in config and "model_type" not in config:
        return f"{config.get('architecture')}, a model of timm, for images"
    return next(
        (f"a model with a {part}, for {what} beside text" for part, what in PARTS.items() if part in config), None
    )


def _is_set(config: Mapping[str, object], flag: str) -> bool:
    """Whether a flag is true, however it is spelled: what is spelled otherwise is mended later."""
    return str(config.get(flag)).lower() in ("true", "1")


def architecture_of(config: Mapping[str, object]) -> str:
    """The first of config.json's architectures; empty when it names none."""
    named = config.get("architectures")
    first = named[0] if isinstance(named, list) and named else named
    return first if isinstance(first, str) else ""
