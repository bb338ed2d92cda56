"""Small, seeded, real checkpoints of sentence-transformers, made and saved by itself.

It is imported late: that takes seconds, and few tests need it.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file

from handler.config import Task
from tests.support.checkpoints import make_checkpoint


class DenseLayer(NamedTuple):
    """A Dense module: its width, its bias, and its activation's name in torch.nn."""

    width: int
    bias: bool = True
    activation: str = "Tanh"


def make_sentence_checkpoint(
    folder: Path,
    *,
    architecture: str = "bert",
    pooling: str | tuple[str, ...] = "mean",
    dense: Sequence[DenseLayer | str] = (),
    normalize: bool = False,
    truncate_dim: int | None = None,
    prompts: Mapping[str, str] | None = None,
    default_prompt: str | None = None,
    include_prompt: bool = True,
) -> Path:
    """A SentenceTransformer in `folder`; `dense` may name the modules LayerNorm and Dropout too."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from sentence_transformers.sentence_transformer import modules as st  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as base:
        transformer = st.Transformer(str(make_checkpoint(Path(base), architecture, Task.EMBEDDINGS)))
    pooled = st.Pooling(transformer.get_embedding_dimension(), pooling, include_prompt=include_prompt)
    torch.manual_seed(21)
    behind = list(_modules_behind(pooled.get_embedding_dimension(), dense))
    model = SentenceTransformer(
        modules=[transformer, pooled, *behind, *([st.Normalize()] if normalize else [])],
        device="cpu",
        prompts=dict(prompts or {}),
        default_prompt_name=default_prompt,
        truncate_dim=truncate_dim,
    )
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def _modules_behind(width: int, layers: Sequence[DenseLayer | str]) -> Iterator[torch.nn.Module]:
    """The modules behind a pooling of `width` numbers."""
    from sentence_transformers.sentence_transformer import modules as st  # noqa: PLC0415

    for layer in layers:
        if layer == "Dropout":
            yield st.Dropout()
        elif layer == "LayerNorm":
            yield _spread_norm(st.LayerNorm(width))
        elif isinstance(layer, DenseLayer):
            activation = getattr(torch.nn, layer.activation)()
            yield st.Dense(width, layer.width, bias=layer.bias, activation_function=activation)
            width = layer.width


def _spread_norm(module: Any) -> Any:
    """Weights of a LayerNorm as training leaves them, not 1 and 0."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(0.5, 1.5)
    return module


def make_cross_encoder(
    folder: Path,
    *,
    architecture: str = "bert",
    labels: Sequence[str] = ("LABEL_0",),
    activation: str | None = None,
    max_length: int | None = None,
) -> Path:
    """A CrossEncoder in `folder`; its activation is a name in torch.nn, or sentence-transformers' own choice."""
    from sentence_transformers import CrossEncoder  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as base:
        model = CrossEncoder(
            str(make_checkpoint(Path(base), architecture, Task.TEXT_CLASSIFICATION, id2label=dict(enumerate(labels)))),
            activation_fn=None if activation is None else getattr(torch.nn, activation)(),
            max_length=max_length,
            device="cpu",
            local_files_only=True,
        )
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def pickle_weights(folder: Path) -> None:
    """Put the weights in `folder` into a pickle, as they were saved before safetensors."""
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def make_sparse_encoder(
    folder: Path,
    *,
    architecture: str = "bert",
    pooling: str = "max",
    activation: str = "relu",
    max_active_dims: int | None = None,
    prompts: Mapping[str, str] | None = None,
) -> Path:
    """A SparseEncoder in `folder`, of which a text has some hundred words, as of a trained one."""
    from sentence_transformers import SparseEncoder  # noqa: PLC0415
    from sentence_transformers.sparse_encoder import modules as st  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as base:
        checkpoint = str(make_checkpoint(Path(base), architecture, Task.FILL_MASK))
        transformer: Any = st.Transformer(checkpoint, transformer_task="fill-mask")
    model = SparseEncoder(
        modules=[transformer, st.SpladePooling(pooling, activation)],  # type: ignore[arg-type]
        device="cpu",
        prompts=dict(prompts or {}),
        max_active_dims=max_active_dims,
    )
    quieten(transformer.model)
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def quieten(network: Any) -> None:
    """Lower the bias of all words, so that hardly any has a logit above 0."""
    with torch.no_grad():
        logits = network(input_ids=torch.arange(5, 69)[None]).logits
        network.get_output_embeddings().bias.sub_(logits.quantile(0.999, dim=-1).mean())
