"""What the package gliner finds: `python gliner_answers.py FOLDER...`, with cases on stdin, where it is installed.

It writes a JSON object: for each folder's name a list, of each case's entities [start, end, label, score]. A text of
more words than the model takes at once is read in windows, which gliner does not do: here by its own model and its own
choice among spans, each of which is scored by the window in which it has most context.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from gliner import GLiNER
from gliner.decoding.decoder import Span

Entity = list[Any]


def find(model: Any, text: str, labels: list[str], parameters: dict[str, Any]) -> list[Entity]:
    """Entities of one text."""
    words, (starts,), (ends,) = model.prepare_inputs([text])
    if len(words[0]) <= model.config.max_len:
        found = model.predict_entities(text, labels, **parameters)
        return [[each["start"], each["end"], each["label"], round(each["score"], 7)] for each in found]
    best: dict[tuple[int, int, int], tuple[int, float]] = {}
    for first, scores in window_scores(model, words[0], labels):
        last = first + len(scores) - 1
        for begin, widths in enumerate(scores.tolist()):
            for width, of_types in enumerate(widths[: len(scores) - begin]):
                depth = min(begin, last - first - begin - width)
                for number, score in enumerate(of_types):
                    key = (first + begin, first + begin + width, number)
                    if key not in best or depth > best[key][0]:
                        best[key] = (depth, score)
    return choose(model, best, labels, parameters, list(zip(starts, ends, strict=True)))


def window_scores(model: Any, words: list[str], labels: list[str]) -> list[tuple[int, torch.Tensor]]:
    """The first word of each window, and how sure the model is of its spans and types [W, K, C]."""
    begin, end, found = 0, 0, []
    while end < len(words):
        end = min(len(words), begin + model.config.max_len)
        batch = model.collate_batch(model.prepare_base_input([words[begin:end]]), labels, model.create_collator())
        inputs = {name: each for name, each in batch.items() if isinstance(each, torch.Tensor)}
        with torch.no_grad():
            found.append((begin, model.model(**inputs).logits[0].sigmoid()))
        begin = end - min(2 * model.config.max_width, (end - begin) // 2)
    return found


def choose(
    model: Any, best: dict[Any, Any], labels: list[str], parameters: dict[str, Any], places: list[tuple[int, int]]
) -> list[Entity]:
    """Those that gliner keeps of spans with their scores."""
    threshold = parameters.get("threshold", 0.5)
    spans = [
        Span(start=first, end=last, entity_type=labels[number], score=score)
        for (first, last, number), (_, score) in sorted(best.items())
        if score > threshold
    ]
    kept = model.decoder.greedy_search(
        spans, parameters.get("flat_ner", True), multi_label=parameters.get("multi_label", False)
    )
    return [[places[each.start][0], places[each.end][1], each.entity_type, round(each.score, 7)] for each in kept]


def main() -> None:
    """Answer all cases with each model."""
    torch.set_num_threads(1)
    cases = json.load(sys.stdin)
    answers = {}
    for folder in sys.argv[1:]:
        model = GLiNER.from_pretrained(folder, strict=True, local_files_only=True)
        answers[Path(folder).name] = [find(model, *case) for case in cases]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
