"""What is asked, for each task: (input, parameters) as a request has them. `MASK` stands for a model's own mask."""

from typing import Any

from handler.config import Task
from tests.support.texts import mixed_texts

MASK = "{mask}"
Case = tuple[Any, dict[str, Any]]
SHORT = "Ada Lovelace wrote to Charles Babbage in London, in 1843."
SCRIPTS = "Zoë 👩‍🔬 ate crème brûlée in 東京 with Zürich's naïve Привет 🚢, e\u0301t\u00e9!"
MIXED = mixed_texts(10, seed=11)
LONG = " ".join(mixed_texts(30, seed=5))  # thousands of tokens
LABELS = ["shipping", "the weather", "a label of several words"]
TEXTS = [SHORT, SCRIPTS, *MIXED]
STRATEGIES = ["none", "simple", "first", "average", "max"]

CASES: dict[Task, list[Case]] = {
    Task.EMBEDDINGS: [(text, {}) for text in TEXTS],
    Task.TEXT_CLASSIFICATION: [
        *((text, {"top_k": None}) for text in TEXTS),
        (SHORT, {}),
        (SHORT, {"top_k": 2, "function_to_apply": "sigmoid"}),
        ({"text": SHORT, "text_pair": SCRIPTS}, {"top_k": None}),
        ({"text": LONG, "text_pair": LONG}, {"top_k": None}),
    ],
    Task.TOKEN_CLASSIFICATION: [
        *((text, {"aggregation_strategy": strategy}) for text in (SHORT, SCRIPTS) for strategy in STRATEGIES),
        *((text, {"aggregation_strategy": "simple", "ignore_labels": []}) for text in MIXED),
        *((LONG, {"aggregation_strategy": strategy, "stride": 100}) for strategy in STRATEGIES[1:]),
    ],
    Task.FILL_MASK: [
        (f"{SHORT} {MASK}.", {}),
        (f"The {MASK} of {SCRIPTS}", {"top_k": 20}),
        (f"{MASK} and {MASK} are here", {"top_k": 3}),
        (f"It is {MASK}.", {"targets": ["the", "model", "unbelievablylong"]}),
        (f"It is {MASK}.", {"targets": "the"}),
        (f"{MASK} {LONG}", {"top_k": 3}),
    ],
    Task.TEXT_RANKING: [
        ({"query": SHORT, "texts": TEXTS}, {}),
        ({"query": "short", "texts": [SHORT, SHORT, "", LONG]}, {"top_k": 3}),
        ({"query": LONG, "texts": [LONG, SHORT]}, {}),
        ({"query": SHORT, "texts": [SCRIPTS]}, {"function_to_apply": "none"}),
    ],
    Task.ZERO_SHOT_CLASSIFICATION: [
        *((text, {"candidate_labels": LABELS}) for text in (SHORT, SCRIPTS, LONG)),
        (SHORT, {"candidate_labels": LABELS, "multi_label": True}),
        (SHORT, {"candidate_labels": ["alone"]}),
        (SCRIPTS, {"candidate_labels": "one, two", "hypothesis_template": "Es geht um {}."}),
    ],
}
