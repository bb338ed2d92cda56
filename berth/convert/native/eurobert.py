"""EuroBERT: transformers took its classes over with their names; only the classifier's pooling is called otherwise."""

from .family import Config, Family

HEADS = ("Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification")


def _settings(config: Config) -> Config:
    """`clf_pooling` is `classifier_pooling`; rotary positions are read by transformers as they are."""
    return {"classifier_pooling": config["clf_pooling"]} if "clf_pooling" in config else {}


EUROBERT = Family(
    model_type="eurobert",
    architectures={f"EuroBert{head}": f"EuroBert{head}" for head in HEADS},
    settings=_settings,
)
