"""What an archive's model is asked to prove it: a few inputs for each task, chosen to show mistakes."""

from handler.config import Task

HARBOUR = (
    "A berth is the place where a ship lies when she is in harbour: deep enough for her keel, long enough "
    "for her hull, with bollards to hold her and cranes to unload her. The harbour master gives it to her "
    "before she arrives, by her length and her draught, and not by her flag. When the tide turns she leaves "
    "it clean for the next one, and nobody on the quay needs to know her by name."
)
TEXTS = (
    "hello world",
    "",
    "A",
    "Größe, naïveté, 東京タワー, Привет мир, שלום 🚢⚓️👩‍🔬",
    "The quick brown fox jumps over the lazy dog; 12,345.67 % of readers have seen it do so before!",
    HARBOUR,
    " ".join([HARBOUR] * 8),  # longer than most models take: proves where they cut, windows, and any sliding window
)
QUESTION = "How deep is the harbour?"
PAIR = {"text": QUESTION, "text_pair": "At low tide there are nine metres of water."}
LABELS = ["ships", "weather", "a rather long label about nothing in particular"]


def known_inputs(task: Task, mask_token: str | None) -> tuple[object, ...]:
    """Inputs as a request has them; `mask_token` is the tokenizer's own."""
    match task:
        case Task.TEXT_CLASSIFICATION:
            return (*TEXTS, PAIR)
        case Task.QUESTION_ANSWERING:
            return tuple({"question": QUESTION, "context": text} for text in TEXTS if text)
        case Task.FILL_MASK:
            return tuple(f"{mask_token} {text} {mask_token}" for text in TEXTS)
        case Task.TEXT_RANKING:
            first, *others, long = (text for text in TEXTS if text)  # the first input is what every health check asks
            return tuple({"query": QUESTION, "texts": texts} for texts in ([first], others, [long]))
        case _:
            return TEXTS


def known_parameters(task: Task) -> dict[str, object]:
    """The parameters that go with them."""
    return {"candidate_labels": LABELS} if task is Task.ZERO_SHOT_CLASSIFICATION else {}
