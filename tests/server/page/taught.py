"""Three small models that the sample's encoder is taught in a minute each, so that pictures show sensible answers.

They know their own few sentences and nothing else.
"""

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from berth.sources.sample import sample_folder

STEPS, BATCH_SIZE = 80, 16
ENCODER_RATE, HEAD_RATE = 1e-4, 2e-3
LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")
NAMES = {
    "PER": ("Ada Lovelace", "Charles Babbage", "Grace Hopper", "Alan Turing", "Mary Kenneth Keller", "Maria Mitchell"),
    "LOC": ("London", "Rotterdam", "Lisbon", "Hamburg", "New York", "Boston", "Cape Town"),
    "ORG": ("the Port of Rotterdam", "Lloyd's Register", "the Royal Society", "the Harbour Board", "Maersk"),
}
ABOUT_NAMES = (
    "{PER} met {PER} in {LOC}, long before {ORG} had computers.",
    "In {LOC} {PER} worked for {ORG}.",
    "{ORG} wrote to {PER} from {LOC}.",
    "Nobody in {LOC} had heard of {ORG} or of {PER}.",
)
FACTS = (
    ("takes ships with a draught of ", "{} metres", ("How deep may a ship lie?", "Which draught is allowed?")),
    ("handled ", "{} million tonnes of cargo", ("How much cargo was handled?", "How many tonnes passed the port?")),
    ("has ", "{} cranes", ("How many cranes are there?",)),
    ("is open on ", "every day of the year", ("When is it open?", "On which days may ships come?")),
)
SENTENCES = (
    ("The ship lies in the ", "harbour port dock river bay"),
    ("The captain waits for the ", "tide pilot wind crew"),
    ("Two cranes unload the ", "ship cargo barge"),
)
Lesson = tuple[dict[str, Any], dict[str, Any]]
"""What the tokenizer made of a batch, and what the model should say."""


def teach(kind: Any, folder: Path, lesson: Callable[[Any], Lesson], **settings: Any) -> None:
    """Train the sample's encoder with a new head in a plain loop, and save both."""
    torch.manual_seed(0)
    random.seed(0)
    tokenizer: Any = AutoTokenizer.from_pretrained(sample_folder())
    model = kind.from_pretrained(sample_folder(), **settings).train()
    model.base_model.embeddings.requires_grad_(requires_grad=False)
    encoder = list(model.base_model.encoder.parameters())
    known = {id(parameter) for parameter in model.base_model.parameters()}
    heads = [parameter for parameter in model.parameters() if id(parameter) not in known]
    optimizer = torch.optim.AdamW([{"params": heads, "lr": HEAD_RATE}, {"params": encoder, "lr": ENCODER_RATE}])
    for _ in range(STEPS):
        encoded, wanted = lesson(tokenizer)
        model(**encoded, **wanted).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def teach_entities(folder: Path) -> None:
    """Teach a token classifier who is a person, a place, an organisation."""
    names = dict(enumerate(LABELS))
    numbers = {name: number for number, name in names.items()}
    teach(AutoModelForTokenClassification, folder, _entities, id2label=names, label2id=numbers)


def teach_answers(folder: Path) -> None:
    """Teach a reader of contexts about ports."""
    teach(AutoModelForQuestionAnswering, folder, _answers)


def teach_masks(folder: Path) -> None:
    """Teach which words end a few sentences."""
    teach(AutoModelForMaskedLM, folder, _masks)


def _entities(tokenizer: Any) -> Lesson:
    written = [_write(random.choice(ABOUT_NAMES)) for _ in range(BATCH_SIZE)]
    texts, spans = [text for text, _ in written], [found for _, found in written]
    encoded = tokenizer(texts, padding=True, return_tensors="pt", return_offsets_mapping=True)
    offsets = encoded.pop("offset_mapping").tolist()
    labels = [[_label(place, found) for place in places] for places, found in zip(offsets, spans, strict=True)]
    return encoded, {"labels": torch.tensor(labels)}


def _write(template: str) -> tuple[str, list[tuple[int, int, str]]]:
    """A sentence, and where its names stand: first character, end, kind."""
    text, spans = "", []
    for part in template.replace("{", "|").replace("}", "|").split("|"):
        if part in NAMES:
            name = random.choice(NAMES[part])
            spans.append((len(text), len(text) + len(name), part))
            part = name  # noqa: PLW2901 - the name stands in its place
        text += part
    return text, spans


def _label(place: tuple[int, int], spans: list[tuple[int, int, str]]) -> int:
    first, end = place
    if first == end:
        return -100  # a special token: not asked about
    for start, stop, kind in spans:
        if start <= first < stop:
            return LABELS.index(f"{'B' if first == start else 'I'}-{kind}")
    return 0


def _answers(tokenizer: Any) -> Lesson:
    asked = [_ask() for _ in range(BATCH_SIZE)]
    encoded = tokenizer([each[0] for each in asked], [each[1] for each in asked], padding=True, return_tensors="pt")
    first = [encoded.char_to_token(row, each[2], 1) for row, each in enumerate(asked)]
    last = [encoded.char_to_token(row, each[3] - 1, 1) for row, each in enumerate(asked)]
    return encoded, {"start_positions": torch.tensor(first), "end_positions": torch.tensor(last)}


def _ask() -> tuple[str, str, int, int]:
    """A question, a context, and where the answer stands in it."""
    facts = random.sample(FACTS, k=3)
    right = random.randrange(3)
    text, start, end = "", 0, 0
    for place, (before, value, _) in enumerate(facts):
        text += f"{random.choice(('The port', 'It', 'Its deepest basin, the Maasvlakte,'))} {before}"
        said = value.format(random.randint(2, 500))
        if place == right:
            start, end = len(text), len(text) + len(said)
        text += f"{said}{random.choice(('. ', ' in 2024. '))}"
    return random.choice(facts[right][2]), text.strip(), start, end


def _masks(tokenizer: Any) -> Lesson:
    lines = [(begun, random.choice(words.split())) for begun, words in random.choices(SENTENCES, k=BATCH_SIZE)]
    encoded = tokenizer([f"{begun}{tokenizer.mask_token}." for begun, _ in lines], padding=True, return_tensors="pt")
    labels = torch.full_like(encoded["input_ids"], -100)
    wanted = torch.tensor(tokenizer.convert_tokens_to_ids([word for _, word in lines]))
    labels[encoded["input_ids"] == tokenizer.mask_token_id] = wanted
    return encoded, {"labels": labels}


TAUGHT: Mapping[str, Callable[[Path], None]] = {
    "entities": teach_entities,
    "answers": teach_answers,
    "words": teach_masks,
}
"""Each model's name, and who teaches it."""
