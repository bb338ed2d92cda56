"""huggingface_hub's InferenceClient, whose model is an address: every task that berth serves."""

from collections.abc import Callable
from importlib.metadata import version as installed
from typing import Any

from huggingface_hub import InferenceClient

from tests.clients.call import Call
from tests.clients.place import NO_KEY, TEXTS, Place

CLIENT = "huggingface_hub InferenceClient"
LABELS = ["travel", "cooking", "dancing"]
QUESTION: dict[str, Any] = {"question": "Who founded it?", "context": "Ada founded it in London with Charles."}
MASKED = "one [MASK] two"


def version() -> str:
    """Of the package."""
    return installed("huggingface_hub")


def _at(model: str, ask: Callable[[InferenceClient], Any]) -> Callable[[Place], Any]:
    """Asks at a model's own address, of a server of several."""
    return lambda place: ask(InferenceClient(f"{place.own(model)}/hf", token=NO_KEY))


def _plain(found: Any) -> Any:
    """Results as JSON would have them, without what a task left out."""
    if isinstance(found, list):
        return [_plain(each) for each in found]
    return {key: value for key, value in dict(found).items() if value is not None}


def _similarity(place: Place) -> list[float]:
    """The cosines of the native door's vectors, which have length 1 in both models."""
    vectors = place.native(TEXTS, model="embeddings")
    source, *others = vectors
    return [_dot(source, other) / (_dot(source, source) * _dot(other, other)) ** 0.5 for other in others]


def _dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _truncated_features(client: InferenceClient) -> Any:
    return client.feature_extraction(TEXTS[0], truncate=True, normalize=True)[0].tolist()


CALLS = [
    Call(
        name="feature_extraction of a list",
        ask=_at("embeddings", lambda client: client.feature_extraction(TEXTS).tolist()),
        expected=lambda place: place.native(TEXTS, model="embeddings"),
        at="all",
    ),
    Call(
        name="feature_extraction, normalize=True, truncate=True",
        ask=_at("embeddings", _truncated_features),
        expected=lambda place: place.native(TEXTS[0], model="embeddings"),
        at="all",
    ),
    Call(
        name="sentence_similarity",
        ask=_at("embeddings", lambda client: client.sentence_similarity(TEXTS[0], TEXTS[1:])),
        expected=_similarity,
        at="all",
    ),
    Call(
        name="text_classification",
        ask=_at("text-classification", lambda client: _plain(client.text_classification(TEXTS[0]))),
        expected=lambda place: place.native(TEXTS[0], {"top_k": None}, model="text-classification"),
        at="all",
    ),
    Call(
        name="text_classification, top_k=2, function_to_apply='sigmoid'",
        ask=_at(
            "text-classification",
            lambda client: _plain(client.text_classification(TEXTS[0], top_k=2, function_to_apply="sigmoid")),
        ),
        expected=lambda place: place.native(
            TEXTS[0], {"top_k": 2, "function_to_apply": "sigmoid"}, model="text-classification"
        ),
        at="all",
    ),
    Call(
        name="token_classification, aggregation_strategy='simple'",
        ask=_at(
            "token-classification",
            lambda client: _plain(client.token_classification(TEXTS[0], aggregation_strategy="simple")),
        ),
        expected=lambda place: place.native(TEXTS[0], {"aggregation_strategy": "simple"}, model="token-classification"),
        at="all",
    ),
    Call(
        name="question_answering",
        ask=_at("question-answering", lambda client: _plain(client.question_answering(**QUESTION))),
        expected=lambda place: place.native(QUESTION, model="question-answering"),
        at="all",
    ),
    Call(
        name="question_answering, top_k=2, max_question_len=64, max_answer_len=10",
        ask=_at(
            "question-answering",
            lambda client: _plain(
                client.question_answering(**QUESTION, top_k=2, max_question_len=64, max_answer_len=10)
            ),
        ),
        expected=lambda place: place.native(QUESTION, {"top_k": 2, "max_answer_len": 10}, model="question-answering"),
        at="all",
    ),
    Call(
        name="fill_mask, top_k=3",
        ask=_at("fill-mask", lambda client: _plain(client.fill_mask(MASKED, top_k=3))),
        expected=lambda place: place.native(MASKED, {"top_k": 3}, model="fill-mask"),
        at="all",
    ),
    Call(
        name="zero_shot_classification",
        ask=_at("zero-shot-classification", lambda client: _plain(client.zero_shot_classification(TEXTS[0], LABELS))),
        expected=lambda place: [
            {"label": label, "score": score} for label, score in _zero_shot(place, {"candidate_labels": LABELS})
        ],
        at="all",
    ),
    Call(
        name="zero_shot_classification, multi_label=True, hypothesis_template",
        ask=_at(
            "zero-shot-classification",
            lambda client: _plain(
                client.zero_shot_classification(
                    TEXTS[0], LABELS, multi_label=True, hypothesis_template="It is about {}."
                )
            ),
        ),
        expected=lambda place: [
            {"label": label, "score": score}
            for label, score in _zero_shot(
                place,
                {"candidate_labels": LABELS, "multi_label": True, "hypothesis_template": "It is about {}."},
            )
        ],
        at="all",
    ),
    Call(
        name="feature_extraction at URL/hf",
        ask=lambda place: InferenceClient(f"{place.url}/hf", token=NO_KEY).feature_extraction(TEXTS).tolist(),
        expected=lambda place: place.native(TEXTS),
    ),
]


def _zero_shot(place: Place, parameters: dict[str, Any]) -> list[tuple[str, float]]:
    found = place.native(TEXTS[0], parameters, model="zero-shot-classification")
    return list(zip(found["labels"], found["scores"], strict=True))
