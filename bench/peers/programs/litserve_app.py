"""LitServe around sentence-transformers, with its own batches (lightning.ai/docs/litserve/features/batching)."""

import litserve

from .encoder import load_encode
from .given import Given

WAIT_S = 0.01  # for a batch to become full


class Encoder(litserve.LitAPI):
    """`{"inputs": text}` -> a list of floats."""

    def setup(self, _device: str) -> None:
        self._encode = load_encode(Given.read())

    def decode_request(self, request: dict[str, str]) -> str:
        return request["inputs"]

    def predict(self, texts: list[str]) -> list[list[float]]:
        return self._encode(texts)

    def encode_response(self, vector: list[float]) -> list[float]:
        return vector


if __name__ == "__main__":
    given = Given.read()
    api = Encoder(max_batch_size=given.batch, batch_timeout=WAIT_S, api_path="/predict")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=given.workers)
    server.run(host="127.0.0.1", port=given.port, log_level="warning", generate_client_file=False)
