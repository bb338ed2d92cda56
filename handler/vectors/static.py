"""How an archive holds a static embedding model: a table with a vector for each token, and no transformer.

config.json has this type of model, `vocab_size`, `hidden_size` and perhaps UNKNOWN; model.safetensors has TABLE.
"""

STATIC = "berth-static"
"""Its `model_type`, which no model of transformers has."""
TABLE = "embedding.weight"
"""[vocab_size, hidden_size], as sentence-transformers' StaticEmbedding calls it."""
UNKNOWN = "unknown_id"
"""The token that is left out of a text, as model2vec does; null: none is."""
WEIGHT = "weight"
"""What SparseStaticEmbedding calls its table, [vocab_size]: a weight for each token (engine/static/words.py)."""
