"""nomic-embed-text v1 and v1.5: nomic-ai/nomic-bert-2048's NomicBertModel is transformers' own NomicBertModel.

The published config.json has GPT-2's names (`n_embd`), newer revisions transformers' beside them. Their code:
nomic-ai/contrastors on GitHub, src/contrastors/models/encoder. Weights keep their names: transformers splits Wqkv.
"""

from .family import Config, Family, number

SIZES = {
    "hidden_size": "n_embd",
    "num_hidden_layers": "n_layer",
    "num_attention_heads": "n_head",
    "intermediate_size": "n_inner",
    "layer_norm_eps": "layer_norm_epsilon",
}
TRAINED_POSITIONS = 2048  # the published code's, where none is written
# The published code has other defaults for these, so they have to be written.
REQUIRED = {
    "activation_function": "swiglu",
    "qkv_proj_bias": False,
    "mlp_fc1_bias": False,
    "mlp_fc2_bias": False,
    "rotary_emb_fraction": 1.0,
}


def _settings(config: Config) -> Config:
    """transformers' names for GPT-2's.

    Positions: without a `rotary_scaling_factor` they are the same at any length, and the published class reads
    `n_positions` of them (8192), whatever `max_position_embeddings` and `max_trained_positions` say beside it (2048).
    With one they are up to those that the model was trained with; beyond, the published code stretches them by the
    length of the longest text of a batch, so that a text's vector would depend on its neighbours.
    """
    trained = number(config, "max_trained_positions", TRAINED_POSITIONS)
    positions = number(config, "max_position_embeddings", trained)
    if config.get("rotary_scaling_factor"):
        positions = min(trained, positions)
    else:
        positions = number(config, "n_positions", positions)
    return {
        **{native: number(config, published) for native, published in SIZES.items()},
        "hidden_act": "silu",
        "max_position_embeddings": positions,
        "rope_parameters": {"rope_type": "default", "rope_theta": float(number(config, "rotary_emb_base"))},
    }


NOMIC = Family(
    model_type="nomic_bert",
    architectures={"NomicBertModel": "NomicBertModel"},
    fixed={
        "causal": False,
        "num_experts": 0,
        "parallel_block": False,
        "prenorm": False,
        "rotary_emb_interleaved": False,
        "rotary_emb_scale_base": None,
        "scale_attn_by_inverse_layer_idx": False,
        "scale_attn_weights": True,
        "use_rms_norm": False,
    },
    required=REQUIRED,
    settings=_settings,
)
NOMIC_SAVED = Family(model_type="nomic_bert", architectures={"NomicBertModel": "NomicBertModel"})
"""What transformers' own class saved: its names already, and an auto_map that it keeps."""
