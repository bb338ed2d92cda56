"""The addresses of other protocols, as plain data: the launcher's proxy is made of it, and imports nothing heavy.

Each stands behind /predictions/{model}/{version}/, and at the root where one model is served.
"""

from dataclasses import dataclass
from enum import StrEnum

from ..config import Task
from ..vectors.settings import Kind

EVERY = tuple(Task)


class Form(StrEnum):
    """How a protocol's clients read an error; TEXT is a sentence."""

    NATIVE = "native"
    """{"code": 422, "type": "InvalidInput", "message": TEXT, "param": "/inputs"}."""
    OPENAI = "openai"
    """{"error": {what native has}}."""
    V2 = "v2"
    """{"error": TEXT}."""
    TEI = "tei"
    """{"error": TEXT, "error_type": what tei_error_type says of the status}."""
    COHERE = "cohere"
    """{"message": TEXT, "detail": TEXT}; Jina's clients read `detail`."""


@dataclass(frozen=True, slots=True)
class RootPath:
    """One address, which TorchServe hands to the handler as `url_path`."""

    url_path: str
    """Without the leading slash."""
    form: Form
    tasks: tuple[Task, ...]
    """The tasks whose models answer there; none where every request is refused, in words."""
    methods: tuple[str, ...] = ("POST",)
    vectors: tuple[Kind, ...] = ()
    """Of which a model of embeddings has to make one to answer there; none: any kind of vector."""


ROOT_PATHS = (
    RootPath("hf", Form.TEI, EVERY, vectors=(Kind.DENSE,)),
    RootPath("v1/embeddings", Form.OPENAI, (Task.EMBEDDINGS,)),
    RootPath("embed", Form.TEI, (Task.EMBEDDINGS,), vectors=(Kind.DENSE,)),
    RootPath("embed_sparse", Form.TEI, (Task.EMBEDDINGS,), vectors=(Kind.SPARSE,)),
    RootPath("embed_all", Form.TEI, (Task.EMBEDDINGS,), vectors=(Kind.MULTI_VECTOR,)),
    RootPath("similarity", Form.TEI, (Task.EMBEDDINGS,), vectors=(Kind.DENSE,)),
    RootPath("predict", Form.TEI, (Task.TEXT_CLASSIFICATION,)),
    RootPath("rerank", Form.TEI, (Task.TEXT_RANKING,)),
    RootPath("tokenize", Form.TEI, EVERY),
    RootPath("decode", Form.TEI, EVERY),
    RootPath("info", Form.TEI, EVERY, ("GET",)),
    RootPath("v1/rerank", Form.COHERE, (Task.TEXT_RANKING,)),
    RootPath("v2/rerank", Form.COHERE, (Task.TEXT_RANKING,)),
    RootPath("v1/embed", Form.COHERE, (Task.EMBEDDINGS,), vectors=(Kind.DENSE,)),
    RootPath("v2/embed", Form.COHERE, (Task.EMBEDDINGS,), vectors=(Kind.DENSE,)),
    RootPath("classify", Form.OPENAI, (Task.TEXT_CLASSIFICATION,)),
    RootPath("score", Form.OPENAI, (Task.TEXT_RANKING, Task.EMBEDDINGS), vectors=(Kind.DENSE,)),
    RootPath("v1/score", Form.OPENAI, (Task.TEXT_RANKING, Task.EMBEDDINGS), vectors=(Kind.DENSE,)),
    RootPath("pooling", Form.OPENAI, (Task.EMBEDDINGS,), vectors=(Kind.DENSE, Kind.MULTI_VECTOR)),
)


INFER = "v2/infer"
"""Where one version answers what v2 asks: TorchServe knows /v2/models/{model}/infer of the default version alone."""
NOT_SERVED = (
    "SageMaker's addresses and TorchServe's oldest, /{model}/predict, are not served: send predictions to "
    "/predictions/{model}"
)
"""What is said at the addresses where TorchServe adds nothing that tells what is asked."""


def tei_error_type(status: int) -> str:
    """Return the `error_type` that TEI's clients know for an HTTP status (its router's ErrorType)."""
    match status:
        case 429 | 503:
            return "Overloaded"
        case 424 | 500 | 502 | 504 | 507:
            return "Backend"
        case _:
            return "Validation"
