"""A sparse encoder that looks queries up (OpenSearch's) becomes its documents' model, with the table beside it.

sentence-transformers' Router has a folder for each module of a route; in the repositories that OpenSearch publishes the
documents' transformer lies in the folder itself.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handler.vectors.late import DOCUMENT, QUERY
from handler.vectors.static import WEIGHT

from ...checkpoint_files import CONFIG, QUERY_TABLE, TOKENIZER, WEIGHTS, load_json
from ...errors import Refused
from ...layouts.sentence import MODULES_FILE, TRANSFORMERS, Module, check_inside, load_modules
from ...progress import Progress
from ...safetensors_header import read_header
from ..tokenizer.saved import replace_json

ROUTER_FILE = "router_config.json"
TABLE, POOLING = "SparseStaticEmbedding", "SpladePooling"
SETTINGS = {"frozen"}  # whether training changes it
NOT_OF_WORDS = {"version", "truncation", "padding", "post_processor", "decoder"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The modules that queries and documents go through."""

    table: Module
    transformer: Module
    pooling: Module
    default: object
    """The route of a text that is called neither."""


def applies(folder: Path) -> bool:
    """Whether a Router sends queries to a table of weights, and documents to a masked-language model."""
    return _routes(folder) is not None


def convert(folder: Path, progress: Progress) -> str:
    """Write the documents' route as modules.json, and the table as QUERY_TABLE; Refused where they do not fit."""
    progress.begin("converting the weights")
    routes = _routes(folder)
    assert routes is not None
    _check_default(folder / ROUTER_FILE, routes.default)
    table, transformer = folder / routes.table.path, folder / routes.transformer.path
    _check_table(table, transformer)
    table.rename(folder / QUERY_TABLE)
    if transformer != folder:
        for file in transformer.iterdir():
            file.replace(folder / file.name)
    replace_json(folder / MODULES_FILE, _modules(routes))
    return f"a query's words weigh what {routes.table.path} says, and no model reads them"


def _routes(folder: Path) -> Routes | None:
    """What router_config.json says; None for a folder of another model, and for other routes."""
    if [(module.kind, module.path) for module in load_modules(folder)] != [("Router", "")]:
        return None
    router: Mapping[str, Any] = load_json(folder / ROUTER_FILE)
    types, structure, parameters = (router.get(name) or {} for name in ("types", "structure", "parameters"))
    routes = {
        name: [Module(type=str(types.get(each)), path=str(each)) for each in modules]
        for name, modules in structure.items()
    }
    kinds = {name: [module.kind for module in modules] for name, modules in routes.items()}
    if kinds not in WAYS or parameters.get("route_mappings"):
        return None
    (table,), (transformer, pooling) = routes[QUERY], routes[DOCUMENT]
    check_inside(folder / ROUTER_FILE, (table, transformer, pooling))
    first = next(iter(structure)) if parameters.get("allow_empty_key", True) else DOCUMENT
    default = parameters.get("default_route") or first
    return Routes(table=table, transformer=transformer, pooling=pooling, default=default)


WAYS = [{QUERY: [TABLE], DOCUMENT: [transformer, POOLING]} for transformer in TRANSFORMERS]


def _check_default(router: Path, default: object) -> None:
    if default != DOCUMENT:
        raise Refused(
            f"{router}: default_route is {default}, and berth reads a text that is called neither query nor document "
            "as a document: write document there, and ask for queries with prompt_name"
        )


def _check_table(table: Path, transformer: Path) -> None:
    """Refused unless the table is of the words of the transformer's tokenizer."""
    for file in (table / WEIGHTS, table / TOKENIZER, transformer / TOKENIZER):
        if not file.is_file():
            raise Refused(f"{file.parent} has no {file.name}: save the model again with sentence-transformers")
    if others := {name for name, value in load_json(table / CONFIG).items() if value} - SETTINGS:
        raise Refused(
            f"{table / CONFIG} sets {min(others)}, which berth does not know: load the model with "
            "sentence-transformers and save it again, which writes the weights beside that file"
        )
    words, number = _words(table / TOKENIZER)
    if words != _words(transformer / TOKENIZER)[0]:
        raise Refused(
            f"{table / TOKENIZER} makes other words of a text than {transformer / TOKENIZER}, and an archive has one "
            "tokenizer: serve this model with sentence-transformers"
        )
    with (table / WEIGHTS).open("rb") as weights:
        shapes = {name: tensor.shape for name, tensor in read_header(weights, str(table / WEIGHTS)).items()}
    shape = shapes.get(WEIGHT, ())
    if len(shape) != 1 or shape[0] < number:
        raise Refused(
            f"{table / WEIGHTS} has no weight for each of {number} tokens, but {shapes}: download the model again"
        )


def _words(tokenizer: Path) -> tuple[dict[str, Any], int]:
    """What a tokenizer makes words by, and how many ids its words have."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - seconds

    loaded = Tokenizer.from_file(str(tokenizer))  # other versions wrote the same in other words
    content = json.loads(loaded.to_str())
    words = {name: value for name, value in content.items() if name not in NOT_OF_WORDS}
    return words, max(loaded.get_vocab(with_added_tokens=True).values()) + 1


def _modules(routes: Routes) -> list[dict[str, object]]:
    """modules.json of the documents' route, with the transformer in the folder itself."""
    steps = enumerate(((routes.transformer.type, ""), (routes.pooling.type, routes.pooling.path)))
    return [{"idx": number, "name": str(number), "path": path, "type": kind} for number, (kind, path) in steps]
