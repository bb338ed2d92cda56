"""What a request can be refused for on account of its parameters; the other part of errors.py's table."""

from handler.config import Task

from .errors import LONG_TEXT, NASTY, QUESTION, RANKING, TEXT, wrong_parameter

LABELS = {"candidate_labels": ["b", "c"]}

WRONG_PARAMETERS = [
    wrong_parameter(Task.EMBEDDINGS, TEXT, "topk", 1, "unknown parameter 'topk'"),
    wrong_parameter(Task.EMBEDDINGS, TEXT, NASTY, 1, repr(NASTY)),
    wrong_parameter(Task.EMBEDDINGS, TEXT, "n" * 200_000, 1, "'nnn", param="/parameters"),
    wrong_parameter(Task.EMBEDDINGS, TEXT, "prompt_name", "query", "unknown prompt 'query'"),
    wrong_parameter(Task.EMBEDDINGS, TEXT, "prompt_name", NASTY, repr(NASTY)),
    wrong_parameter(Task.EMBEDDINGS, TEXT, "dimensions", 10_000, "64"),
    wrong_parameter(Task.EMBEDDINGS, TEXT, "dimensions", 0, ">= 1"),
    wrong_parameter(Task.EMBEDDINGS, TEXT, "dimensions", "many", "integer"),
    wrong_parameter(Task.EMBEDDINGS, TEXT, "truncation", "no", "boolean"),
    wrong_parameter(Task.TEXT_CLASSIFICATION, TEXT, "top_k", 0, ">= 1"),
    wrong_parameter(Task.TEXT_CLASSIFICATION, TEXT, "top_k", "three", "integer"),
    wrong_parameter(Task.TEXT_CLASSIFICATION, TEXT, "threshold", {"no": 0.5}, "'no'", param="/parameters/threshold/no"),
    wrong_parameter(
        Task.TEXT_CLASSIFICATION, TEXT, "threshold", {NASTY: 0.5}, repr(NASTY), param=f"/parameters/threshold/{NASTY}"
    ),
    wrong_parameter(Task.TOKEN_CLASSIFICATION, TEXT, "aggregation_strategy", "median", "median"),
    wrong_parameter(Task.TOKEN_CLASSIFICATION, TEXT, "stride", 500, "at most 256"),
    wrong_parameter(Task.QUESTION_ANSWERING, QUESTION, "max_seq_len", 1000, "at most 512"),
    wrong_parameter(Task.FILL_MASK, ["[MASK]"], "top_k", 101, "100"),
    wrong_parameter(Task.TEXT_RANKING, RANKING, "function_to_apply", "softmax", "(sigmoid, none)"),
    wrong_parameter(
        Task.ZERO_SHOT_CLASSIFICATION, TEXT, "multi_label", True, "missing", param="/parameters/candidate_labels"
    ),
    wrong_parameter(Task.ZERO_SHOT_CLASSIFICATION, TEXT, "candidate_labels", [], "length >= 1"),
    wrong_parameter(
        Task.ZERO_SHOT_CLASSIFICATION,
        TEXT,
        "candidate_labels",
        ["b", ""],
        "length >= 1",
        param="/parameters/candidate_labels/1",
    ),
    wrong_parameter(Task.ZERO_SHOT_CLASSIFICATION, TEXT, "candidate_labels", " , ", "at least one label"),
    wrong_parameter(Task.ZERO_SHOT_CLASSIFICATION, TEXT, "candidate_labels", ["b"] * 257, "length <= 256"),
    wrong_parameter(Task.ZERO_SHOT_CLASSIFICATION, TEXT, "candidate_labels", [LONG_TEXT], "token", kind="InputTooLong"),
    wrong_parameter(Task.ZERO_SHOT_CLASSIFICATION, TEXT, "hypothesis_template", "{} or {}", "one {}", others=LABELS),
    wrong_parameter(
        Task.ZERO_SHOT_TOKEN_CLASSIFICATION, TEXT, "flat_ner", True, "missing", param="/parameters/candidate_labels"
    ),
    wrong_parameter(Task.ZERO_SHOT_TOKEN_CLASSIFICATION, TEXT, "candidate_labels", ["b"] * 257, "length <= 256"),
    wrong_parameter(Task.ZERO_SHOT_TOKEN_CLASSIFICATION, TEXT, "threshold", 1.5, "<= 1", others=LABELS),
]
