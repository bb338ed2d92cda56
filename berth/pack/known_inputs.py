"""The known inputs that a model can read: no pairs where its tokenizer gives them a token type that the model lacks.

klue/roberta is such a model: a RoBERTa with one token type, behind BERT's tokenizer, which has two.
"""

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ..errors import Refused
from .checkpoint import Checkpoint
from .references.reference import Reference, Texts


def known_inputs(
    checkpoint: Checkpoint,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    reference: Reference,
    texts: Texts,
) -> tuple[object, ...]:
    """The task's inputs, made of `texts`; Refused when all of them are pairs and the model reads none."""
    inputs = reference.inputs(checkpoint, tokenizer.mask_token, texts)
    if _reads_pairs(model, tokenizer):
        return inputs
    alone = tuple(item for item in inputs if all(len(each) == 1 for each in reference.texts(checkpoint, item)))
    if not alone:
        raise Refused(
            f"{checkpoint.root}: its tokenizer gives the second text of a pair a token type that the model does not "
            f"have (type_vocab_size in config.json), and {checkpoint.task} reads pairs: pack a checkpoint that was "
            "trained with pairs"
        )
    return alone


def _reads_pairs(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the model's matrix of types has a row for each of a pair's; a model without a matrix ignores them."""
    num_types = getattr(model.config, "type_vocab_size", 0)
    return not num_types or max(tokenizer("a", "a").get("token_type_ids", [0])) < num_types
