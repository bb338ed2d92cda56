"""`python -P bench/bulk/pool.py CHECKPOINT OUTPUT CORES TEXTS...`: sentence-transformers' multi-process encode.

As its documentation has it: a process for each core, batches of 32, and the vectors written as one Parquet file. It
answers with the seconds from the moment when all models are loaded.
"""

import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Be asked once."""
    import pyarrow as pa  # noqa: PLC0415 - each of the pool's processes imports this module
    import pyarrow.parquet as pq  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    checkpoint, output, cores, *files = sys.argv[1:]
    texts = [line for file in files for line in Path(file).read_text("utf-8").splitlines()]
    model = SentenceTransformer(checkpoint, device="cpu")
    pool = model.start_multi_process_pool(["cpu"] * int(cores))
    model.encode(texts[: 32 * int(cores)], pool=pool, batch_size=32)
    began_s = time.perf_counter()
    vectors = model.encode(texts, pool=pool, batch_size=32)
    flat = pa.array(vectors.reshape(-1))
    pq.write_table(pa.table({"vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])}), output)
    taken_s = time.perf_counter() - began_s
    model.stop_multi_process_pool(pool)
    print(json.dumps({"seconds": taken_s}))


if __name__ == "__main__":
    main()
