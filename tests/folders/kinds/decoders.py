"""Embedders of the decoder kind: causal attention and the last token's vector, with an instruction before a query."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.checkpoints import spread, tokens

from ..kind import Kind
from .sentence import vectors

# Qwen/Qwen3-Embedding-0.6B but for the sizes: heads of another size than their part of the width, keys that are shared.
QWEN3: dict[str, Any] = {
    **{"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "max_position_embeddings": 512},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32, "rms_norm_eps": 1e-6},
    **{"rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0}, "tie_word_embeddings": True},
}
QUERY = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"


def _qwen3(default_prompt: str | None, folder: Path) -> str:
    """As sentence-transformers saves it; architectures has the class that it was trained as."""
    import torch  # noqa: PLC0415 - seconds
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from sentence_transformers.sentence_transformer import modules as st  # noqa: PLC0415
    from transformers import AutoConfig, AutoModel  # noqa: PLC0415

    base = folder.parent / "base"
    tokenizer = tokens.MAKERS["modernbert"](folder)
    tokenizer.padding_side = "left"
    own = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(23)
    model = AutoModel.from_config(AutoConfig.for_model("qwen3", **QWEN3, **own))
    spread(model)
    model.save_pretrained(base)
    tokenizer.save_pretrained(base)
    SentenceTransformer(
        modules=[st.Transformer(str(base)), st.Pooling(64, "lasttoken"), st.Normalize()],
        device="cpu",
        prompts={"query": QUERY, "document": ""},
        default_prompt_name=default_prompt,
    ).save_pretrained(str(folder), create_model_card=False)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"architectures": ["Qwen3ForCausalLM"]}), "utf-8")
    return str(folder)


KINDS = (
    Kind(name="Qwen3-Embedding", make=partial(_qwen3, None), expected=vectors),
    Kind(name="Qwen3-Embedding, its instruction for queries", make=partial(_qwen3, "query"), expected=vectors),
)
