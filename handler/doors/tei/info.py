"""GET info: what runs here, in TEI's words."""

from typing import Any

from ...config import MAX_INPUTS_PER_REQUEST, HandlerConfig, Task
from ...payload import Answered, ModelIdentity, Served
from ...vectors.settings import Kind
from ..call import Call, FormedReply
from ..paths import Form

DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "int8": "int8"}


def open_call(_: object, model: ModelIdentity) -> Call:
    """Answer with the model's facts; the body, if there is one, says nothing."""
    facts: dict[str, Any] = model.running.describe()
    value = {
        "model_id": model.name,
        "model_sha": None,
        "model_dtype": DTYPES[facts["precision"]],
        "model_type": _describe_type(model.contract.task, model.running),
        "max_input_length": facts["max_tokens"],
        "max_batch_tokens": facts["token_budget"],
        "max_client_batch_size": MAX_INPUTS_PER_REQUEST,
        "auto_truncate": True,
        "version": model.version,
    }
    return Call(item=Answered(value, is_users=False), reply=FormedReply(form=Form.TEI))


def describe_pooling(config: HandlerConfig) -> str:
    """Name what makes vectors of tokens; of ColBERT's, which stay those of tokens, TEI has no word."""
    if config.vectors is not None and config.vectors.late is not None:
        return str(Kind.MULTI_VECTOR)
    return "splade" if config.vectors is not None and config.vectors.words else "+".join(config.pooling)


def _describe_type(task: Task, served: Served) -> dict[str, object]:
    """Say what kind of model it is; TEI has no word for five of the tasks."""
    labels = [str(label) for label in served.labels]
    labelled = {
        "id2label": {str(place): label for place, label in enumerate(labels)},
        "label2id": {label: place for place, label in enumerate(labels)},
    }
    match task:
        case Task.EMBEDDINGS:
            return {"embedding": {"pooling": describe_pooling(served.config)}}
        case Task.TEXT_CLASSIFICATION:
            return {"classifier": labelled}
        case Task.TEXT_RANKING:
            return {"reranker": labelled}
        case _:
            return {str(task): labelled}
