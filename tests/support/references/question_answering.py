"""Answers of the question-answering pipeline of transformers 4.57, the last version that has one.

Made once, by hand: the checkpoints with this project's transformers, the answers with the older one.

    .venv/bin/python -m tests.support.references.make_checkpoints /tmp/checkpoints
    python3 -m venv /tmp/older
    /tmp/older/bin/pip install torch==2.13.0 'transformers==4.57.*'
    /tmp/older/bin/python -m tests.support.references.question_answering /tmp/checkpoints

They are in question_answering.json, a line for each case of cases.py on each architecture.
"""

import json
import sys
from collections.abc import Iterator
from itertools import count, islice, pairwise
from pathlib import Path
from typing import Any

from transformers import AutoModelForQuestionAnswering, AutoTokenizer, PreTrainedTokenizerFast, pipeline

from .cases import QUESTION_CASES, QuestionCase, question_case

RESULTS = Path(__file__).with_suffix(".json")
SMALLEST_GAP = 0.002  # of a score, to the next one: two versions of transformers differ by 1e-5 of a score
MAX_TRIED = 20  # bert's [CLS] is never likely


def main(checkpoints: Path) -> None:
    """Write the answers to every case on every checkpoint."""
    references = [reference for folder in sorted(checkpoints.iterdir()) for reference in refer(folder)]
    lines = [json.dumps(reference, ensure_ascii=False) for reference in references]
    RESULTS.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")


def refer(folder: Path) -> Iterator[dict[str, Any]]:
    """The answers to every case on one checkpoint."""
    pipe = load_pipeline(folder)
    for name in QUESTION_CASES:
        variant = find_variant(pipe, name)
        answer = ask(pipe, question_case(name, variant))
        yield {"architecture": folder.name, "case": name, "variant": variant, "answer": answer}


def load_pipeline(folder: Path) -> Any:
    """The pipeline, of a checkpoint as transformers 5 writes it.

    It gives a tokenizer without a class of its own a name that 4.57 does not know, and lists the tokens that 4.57 wants
    by name; they are in tokenizer.json too.
    """
    model = AutoModelForQuestionAnswering.from_pretrained(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, extra_special_tokens={})
    except ValueError:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, extra_special_tokens={})
    return pipeline("question-answering", model=model, tokenizer=tokenizer)  # type: ignore[call-overload]


def find_variant(pipe: Any, name: str) -> int:
    """The first clear variant of a case; if there may be no answer, preferably one that says so."""
    clear = (variant for variant in count() if is_clear(pipe, question_case(name, variant)))
    if "handle_impossible_answer" not in question_case(name, 0).parameters:
        return next(clear)
    tried = list(islice(clear, MAX_TRIED))
    return next((variant for variant in tried if may_be_none(ask(pipe, question_case(name, variant)))), tried[0])


def is_clear(pipe: Any, case: QuestionCase) -> bool:
    """Whether no two answers are nearly equal, nor the last and one that just missed."""
    further = ask(pipe, case, top_k=case.parameters.get("top_k", 1) + 1)
    scores = [answer["score"] for answer in as_list(further)]
    return all(one - other > SMALLEST_GAP * one for one, other in pairwise(scores))


def may_be_none(answer: Any) -> bool:
    """Whether "no answer" is among the answers."""
    return any(item["answer"] == "" and item["score"] > 0 for item in as_list(answer))


def ask(pipe: Any, case: QuestionCase, **changes: Any) -> Any:
    """The answer to one case."""
    return pipe(question=case.question, context=case.context, **(case.parameters | changes))


def as_list(answer: Any) -> list[dict[str, Any]]:
    """The answers as a list: the pipeline gives a single one by itself."""
    return answer if isinstance(answer, list) else [answer]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
