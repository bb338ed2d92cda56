"""Small, seeded sparse encoders whose queries are looked up, as sentence-transformers saves them or OpenSearch does.

OpenSearch's own repositories have the documents' transformer in the folder itself, which router_config.json then calls
by an empty name; no file of theirs is here.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from handler.config import Task

from . import make_checkpoint
from .sentence_transformers import quieten

TABLE, TRANSFORMER = "query_0_SparseStaticEmbedding", "document_0_Transformer"


def make_routes(
    folder: Path,
    *,
    architecture: str = "distilbert",
    is_published: bool = False,
    prompts: Mapping[str, str] | None = None,
) -> Path:
    """A SparseEncoder in `folder`, with as many weights as words; `is_published`: laid out as OpenSearch's."""
    from sentence_transformers import SparseEncoder  # noqa: PLC0415 - seconds
    from sentence_transformers.base.modules import Router  # noqa: PLC0415
    from sentence_transformers.sparse_encoder import modules as st  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as base:
        checkpoint = str(make_checkpoint(Path(base), architecture, Task.FILL_MASK))
        transformer: Any = st.Transformer(checkpoint, transformer_task="fill-mask")
    quieten(transformer.model)
    torch.manual_seed(19)
    table = st.SparseStaticEmbedding(transformer.tokenizer, 9 * torch.rand(len(transformer.tokenizer)), frozen=True)
    router = Router.for_query_document([table], [transformer, st.SpladePooling("max", "log1p_relu")])
    model = SparseEncoder(modules=[router], device="cpu", prompts=dict(prompts or {}))
    model.save_pretrained(str(folder), create_model_card=False)
    if is_published:
        _lay_out_as_published(folder)
    return folder


def _lay_out_as_published(folder: Path) -> None:
    for file in (folder / TRANSFORMER).iterdir():
        file.rename(folder / file.name)
    (folder / TRANSFORMER).rmdir()
    router = folder / "router_config.json"
    said = json.loads(router.read_text("utf-8"))
    said["types"][""] = said["types"].pop(TRANSFORMER)
    said["structure"]["document"][0] = ""
    del said["parameters"]["route_mappings"]  # which sentence-transformers 5.0 did not write
    router.write_text(json.dumps(said), "utf-8")
    (folder / "idf.json").write_text("{}", "utf-8")  # the same weights by their words, which nothing here reads
