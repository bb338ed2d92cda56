"""The server's answer in JSON and bytes becomes the protocol's message."""

import json
from array import array

from berth.gateway.over_grpc.tensors import to_response

VECTORS = array("f", [0.5, -1.25])


def respond(**others: object) -> object:
    outputs = [
        {
            "name": "embeddings",
            "datatype": "FP32",
            "shape": [1, 2],
            "parameters": {"binary_data_size": len(VECTORS) * 4},
        }
    ]
    head = json.dumps({"model_name": "m", "model_version": "1.0", "outputs": outputs, **others}).encode()
    return to_response(head + VECTORS.tobytes(), len(head), is_raw=False)


def test_what_was_cut_is_a_parameter_of_the_answer() -> None:
    response = respond(parameters={"truncated": "0"})
    assert {name: each.string_param for name, each in response.parameters.items()} == {"truncated": "0"}  # type: ignore[attr-defined] # made at run time
    assert list(response.outputs[0].contents.fp32_contents) == list(VECTORS)  # type: ignore[attr-defined]
    assert not respond().parameters  # type: ignore[attr-defined]
