"""gte v1.5 and mGTE: Alibaba-NLP/new-impl's NewModel is transformers' GteModel.

snowflake-arctic-embed-m-v2.0 has the same code under transformers' names. Weights keep theirs: transformers takes
`new.` off and splits qkv_proj and up_gate_proj.
"""

from .family import Config, Differs, Family, number

HEADS = ("Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification")


def _settings(config: Config) -> Config:
    """Rotary positions in transformers' words.

    The published NTK scaling is on whatever the length (https://kexue.fm/archives/9706): frequencies of the base
    times the factor, all divided by factor ** (2 / head size), which is what `linear` does in transformers.
    """
    if "rope_parameters" in config:  # transformers' own class has saved it, and kept the auto_map
        return {}
    theta, scaling = number(config, "rope_theta", 10_000.0), config.get("rope_scaling")
    if scaling is None:
        return {"rope_parameters": {"rope_type": "default", "rope_theta": float(theta)}}
    if not isinstance(scaling, dict) or scaling.get("type") != "ntk" or scaling.get("mixed_b") is not None:
        raise Differs(f"rope_scaling is {scaling!r}, and transformers' class has only NTK's, without a mixed_b")
    factor = number(scaling, "factor")
    head_size = number(config, "hidden_size") / number(config, "num_attention_heads")
    rope = {"rope_type": "linear", "rope_theta": float(theta * factor), "factor": float(factor ** (2 / head_size))}
    return {"rope_parameters": rope, "rope_scaling": None}


GTE = Family(
    model_type="gte",
    architectures={f"{prefix}{head}": f"Gte{head}" for prefix in ("New", "Gte") for head in HEADS},
    fixed={
        "layer_norm_type": "layer_norm",
        "logn_attention_clip1": False,
        "logn_attention_scale": False,
        "pack_qkv": True,
        "position_embedding_type": "rope",
    },
    settings=_settings,
)
