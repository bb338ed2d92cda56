"""What the document says of each address of another protocol: its requests, an example, its answers."""

from dataclasses import dataclass
from types import GenericAlias
from typing import Any

from handler.config import Task
from handler.doors import native
from handler.doors.cohere import embed as cohere_embed
from handler.doors.cohere import rerank as cohere_rerank
from handler.doors.hub.inference import FeatureExtraction
from handler.doors.openai import classify, embeddings, pooling, score
from handler.doors.paths import Form
from handler.doors.tei import embed, predict, rerank, similarity, tokens
from handler.tasks import TASKS
from handler.tasks.text_classification import Label

from . import answers, protocols


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """One address."""

    summary: str
    requests: tuple[Any, ...] = ()
    """Types of its JSON body; none where there is no body."""
    example: object = None
    results: tuple[Any, ...]
    """Types of its answer."""


ERRORS: dict[Form, type] = {
    Form.OPENAI: answers.OpenAIError,
    Form.TEI: answers.TEIError,
    Form.COHERE: answers.CohereError,
}
SCORE = About(
    summary="vLLM's scores of texts against one text, or each against its own",
    requests=(score.ScoreRequest,),
    example={"text_1": "hello", "text_2": ["hello world", "one more"]},
    results=(protocols.Scores,),
)
RERANK = About(
    summary="Cohere's, Jina's and vLLM's rerank",
    requests=(cohere_rerank.CohereRerankRequest,),
    example={"query": "hello", "documents": ["hello world", "one more"]},
    results=(protocols.Rankings,),
)
EMBED = About(
    summary="Cohere's embed",
    requests=(cohere_embed.CohereEmbedRequest,),
    example={"texts": ["hello world"], "input_type": "search_query", "embedding_types": ["float"]},
    results=(protocols.Embedded,),
)
ABOUT = {
    "v1/embeddings": About(
        summary="OpenAI's embeddings: base_url ends with /predictions/{model}/{version}/v1",
        requests=(embeddings.body_of(TASKS[Task.EMBEDDINGS]),),
        example={"input": "hello world", "model": "bert"},
        results=(protocols.OpenAIEmbeddings,),
    ),
    "embed": About(
        summary="TEI's embed",
        requests=(embed.EmbedRequest,),
        example={"inputs": "hello world"},
        results=(list[list[float]],),
    ),
    "embed_sparse": About(
        summary="TEI's embed_sparse: the words of each text with their weights",
        requests=(embed.TextsRequest,),
        example={"inputs": "hello world"},
        results=(list[list[protocols.WordWeight]],),
    ),
    "embed_all": About(
        summary="TEI's embed_all: of each text the vectors of its tokens",
        requests=(embed.TextsRequest,),
        example={"inputs": "hello world"},
        results=(list[list[list[float]]],),
    ),
    "similarity": About(
        summary="TEI's similarity: cosines with one sentence",
        requests=(similarity.SimilarityRequest,),
        example={"inputs": {"source_sentence": "hello", "sentences": ["hello world", "one more"]}},
        results=(list[float],),
    ),
    "predict": About(
        summary="TEI's predict: every label of a text, or of a batch",
        requests=(predict.PredictRequest,),
        example={"inputs": "hello world"},
        results=(list[Label], list[list[Label]]),
    ),
    "rerank": About(
        summary="TEI's rerank; with `documents` it is Cohere's",
        requests=(rerank.RerankRequest, cohere_rerank.CohereRerankRequest),
        example={"query": "hello", "texts": ["hello world", "one more"]},
        results=(list[protocols.TextRank], protocols.Rankings),
    ),
    "tokenize": About(
        summary="TEI's tokenize: the model's own tokens",
        requests=(tokens.TokenizeRequest,),
        example={"inputs": "hello world"},
        results=(list[list[protocols.TextToken]],),
    ),
    "decode": About(
        summary="TEI's decode: the text of token ids",
        requests=(tokens.DecodeRequest,),
        example={"ids": [101, 102]},
        results=(list[str],),
    ),
    "info": About(summary="TEI's info: what runs here", results=(protocols.Info,)),
    "v1/rerank": RERANK,
    "v2/rerank": RERANK,
    "v1/embed": EMBED,
    "v2/embed": EMBED,
    "classify": About(
        summary="vLLM's classification",
        requests=(classify.ClassifyRequest,),
        example={"input": "hello world"},
        results=(protocols.Classifications,),
    ),
    "score": SCORE,
    "v1/score": SCORE,
    "pooling": About(
        summary="vLLM's pooling: the vector of each text, or those of its tokens",
        requests=(pooling.PoolingRequest,),
        example={"input": "hello world"},
        results=(protocols.Poolings,),
    ),
}


def describe_roots() -> dict[str, About]:
    """Return what is said of each address, by its `url_path`; of `hf` by the tasks that there are."""
    results = tuple(form for kind in TASKS.values() for form in kind.results)
    bodies = [native.body_of(kind, explains=False) for kind in TASKS.values() if not kind.is_vector]
    hf = About(
        summary="InferenceClient of huggingface_hub, every task; `options` are ignored",
        requests=(FeatureExtraction, similarity.SimilarityRequest, *bodies),
        example={"inputs": "hello world"},
        results=(*results, *(GenericAlias(list, (form,)) for form in results), list[list[Label]]),
    )
    return {"hf": hf, **ABOUT}
