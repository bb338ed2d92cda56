"""`python -P bench/bulk/ray_data.py CHECKPOINT OUTPUT CORES TEXTS...`: Ray Data with a plain stage of transformers.

An actor for each core, batches of 64, mean pooling, Parquet: what its documentation shows for batch inference. It
answers with the seconds from the moment when all models are loaded.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BATCH = 64
MAX_TOKENS = 256


class Encode:
    """The stage: a text's vector is the mean of its tokens'."""

    def __init__(self, checkpoint: str, loaded: str) -> None:
        import torch  # noqa: PLC0415 - in the actor alone
        from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415

        torch.set_num_threads(1)
        self.tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        self.model = AutoModel.from_pretrained(checkpoint).eval()
        (Path(loaded) / str(id(self))).write_text(str(time.time()))

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """`text` -> `vector`."""
        import torch  # noqa: PLC0415

        texts = [str(text) for text in batch["text"]]
        read = self.tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            hidden = self.model(**read).last_hidden_state
        mask = read["attention_mask"].unsqueeze(-1)
        vectors = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1))
        return {"vector": vectors.numpy()}


def main() -> None:
    """Be asked once."""
    import ray  # noqa: PLC0415 - the actors import this module too

    checkpoint, output, cores, *files = sys.argv[1:]
    ray.init(num_cpus=int(cores) + 1, include_dashboard=False, log_to_driver=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    with tempfile.TemporaryDirectory() as loaded:
        texts = ray.data.read_text(files)
        vectors = texts.map_batches(
            Encode, fn_constructor_args=(checkpoint, loaded), batch_size=BATCH, concurrency=int(cores), num_cpus=1
        )
        vectors.write_parquet(output)
        ended_s = time.time()
        began_s = max(float(each.read_text()) for each in Path(loaded).iterdir())
    ray.shutdown()
    print(json.dumps({"seconds": ended_s - began_s}))


if __name__ == "__main__":
    main()
