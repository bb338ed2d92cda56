"""The addresses of other protocols, as plain data: the launcher's proxy is made of it, and imports nothing heavy.

Each stands behind /predictions/{model}/{version}/, and at the root where one model is served.
"""

from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """How a protocol's clients read an error; TEXT is a sentence."""

    NATIVE = "native"
    """{"code": 422, "type": "InvalidInput", "message": TEXT, "param": "/inputs"}."""
    OPENAI = "openai"
    """{"error": {what native has}}."""
    V2 = "v2"
    """{"error": TEXT}."""
    TEI = "tei"
    """{"error": TEXT, "error_type": "Validation"}; the type is one of TEI's: see doors/tei."""
    COHERE = "cohere"
    """{"message": TEXT}."""


@dataclass(frozen=True, slots=True)
class RootPath:
    """One address, which TorchServe hands to the handler as `url_path`."""

    url_path: str
    """Without the leading slash."""
    form: Form
    methods: tuple[str, ...] = ("POST",)


ROOT_PATHS = (
    RootPath("v1/embeddings", Form.OPENAI),
    RootPath("embed", Form.TEI),
    RootPath("embed_all", Form.TEI),
    RootPath("predict", Form.TEI),
    RootPath("rerank", Form.TEI),
    RootPath("similarity", Form.TEI),
    RootPath("tokenize", Form.TEI),
    RootPath("decode", Form.TEI),
    RootPath("info", Form.TEI, ("GET",)),
    RootPath("v1/rerank", Form.COHERE),
    RootPath("v2/rerank", Form.COHERE),
    RootPath("v1/embed", Form.COHERE),
    RootPath("v2/embed", Form.COHERE),
    RootPath("classify", Form.OPENAI),
    RootPath("score", Form.OPENAI),
    RootPath("v1/score", Form.OPENAI),
)
