"""What the package gliclass answers: `python gliclass_answers.py FOLDER...`, with cases on stdin, where it is there.

It writes a JSON object: for each folder's name a list, of each case's scores in the order of its labels. A text that
does not fit beside labels behind it has none: gliclass cuts the labels then.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from gliclass import GLiClassModel, ZeroShotClassificationPipeline
from transformers import AutoTokenizer


def answer(pipeline: Any, text: str, labels: list[str], *, is_multi: bool) -> list[float] | None:
    """The score of each label."""
    own = pipeline.pipe
    written = own.prepare_input(text, labels)
    is_cut = len(own.tokenizer(written)["input_ids"]) > own.max_length
    if is_cut and not own.model.config.prompt_first:
        return None
    kind = "multi-label" if is_multi else "single-label"
    (found,) = pipeline([text], labels, classification_type=kind, return_hierarchical=True)
    return [round(found[label], 7) for label in labels]


def main() -> None:
    """Answer all cases with each model."""
    torch.set_num_threads(1)
    asked = json.load(sys.stdin)
    answers = {}
    for folder in sys.argv[1:]:
        model = GLiClassModel.from_pretrained(folder, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        longest = asked["max_tokens"][Path(folder).name]
        pipeline = ZeroShotClassificationPipeline(
            model, tokenizer, max_length=longest, device="cpu", progress_bar=False
        )
        answers[Path(folder).name] = [
            answer(pipeline, text, labels, is_multi=is_multi) for text, labels, is_multi in asked["cases"]
        ]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
