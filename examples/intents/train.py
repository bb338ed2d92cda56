"""Makes a classifier for `berth pack` from your own labels: fine-tunes the sample encoder, a MiniLM, on a CPU."""

import argparse
import csv
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from transformers import AutoTokenizer, BertForSequenceClassification

from berth.sources.sample import sample_folder

EPOCHS, BATCH_SIZE, ENCODER_RATE, HEAD_RATE = 5, 16, 1e-4, 1e-3  # new layers learn faster; embeddings do not learn


def read_labels(path: Path) -> list[tuple[str, str]]:
    """(label, text) of each line below the header `label<TAB>text`."""
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    wrong = [number for number, row in enumerate(rows, 2) if not row.get("label") or not row.get("text")]
    if wrong or not rows:
        raise SystemExit(f"{path}, line {[*wrong, 2][0]}: label, tab, text, below the header label<TAB>text")
    return [(row["label"], row["text"]) for row in rows]


def macro_f1(wanted: list[str], given: list[str]) -> float:
    """The mean over the wanted labels of 2 * hits / (wanted + given)."""
    pairs = list(zip(wanted, given, strict=True))
    return fmean(2 * pairs.count((it, it)) / (wanted.count(it) + given.count(it)) for it in set(wanted))


def train(model: Any, tokenizer: Any, rows: list[tuple[str, str]]) -> None:
    """Train in a plain loop, with learning rates that fall to zero."""
    rates = {model.bert.encoder: ENCODER_RATE, model.bert.pooler: HEAD_RATE, model.classifier: HEAD_RATE}
    optimizer = torch.optim.AdamW([{"params": part.parameters(), "lr": rate} for part, rate in rates.items()])
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, EPOCHS * -(-len(rows) // BATCH_SIZE))
    for epoch in range(EPOCHS):
        for chosen in torch.randperm(len(rows)).split(BATCH_SIZE):  # type: ignore[no-untyped-call]
            labels, texts = zip(*(rows[index] for index in chosen), strict=True)
            encoded = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
            loss = model(**encoded, labels=torch.tensor([model.config.label2id[label] for label in labels])).loss
            loss.backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        print(f"epoch {epoch + 1} of {EPOCHS}: loss {loss.item():.3f}", flush=True)


def main() -> None:
    """Train, test on texts that were never seen, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("train", "test"):
        parser.add_argument(f"--{name}", type=Path, default=Path(__file__).with_name(f"{name}.tsv"))
    parser.add_argument("--output", type=Path, default=Path("intents"))
    options = parser.parse_args()
    rows, held_out = read_labels(options.train), read_labels(options.test)
    names = dict(enumerate(sorted({label for label, _ in rows})))
    if len(names) < 2:
        raise SystemExit(f"{options.train}: the only label is {names[0]!r}; add texts with at least one other label")
    if unknown := {label for label, _ in held_out} - set(names.values()):
        raise SystemExit(f"{options.test}: no text with the label {min(unknown)!r} is in {options.train}; add some")
    torch.manual_seed(0)
    torch.set_num_threads(1)  # for short texts a second thread gains little, and nothing beside another busy process
    tokenizer: Any = AutoTokenizer.from_pretrained(sample_folder())
    model: Any = BertForSequenceClassification.from_pretrained(sample_folder(), id2label=names)
    model.config.label2id = {label: index for index, label in names.items()}
    train(model.train(), tokenizer, rows)
    model.eval().save_pretrained(options.output)
    tokenizer.save_pretrained(options.output)
    wanted, texts = map(list, zip(*held_out, strict=True))
    with torch.inference_mode():
        logits = model(**tokenizer(texts, padding=True, truncation=True, return_tensors="pt")).logits
    given = [names[index] for index in logits.argmax(-1).tolist()]
    accuracy = fmean(map(str.__eq__, wanted, given))
    print(f"macro F1 on {len(texts)} held-out texts: {macro_f1(wanted, given):.3f}, accuracy: {accuracy:.3f}")


if __name__ == "__main__":
    main()
