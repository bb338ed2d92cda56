"""What huggingface_hub raises -> one sentence that says what to do. No token is ever in it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.errors import (
    DisabledRepoError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
)

from ..errors import BerthError, Refused
from .hub_id import HubId
from .origin import first_line

LOGIN = "log in with `hf auth login` or set HF_TOKEN"
ANSWERS_OF_OTHERS = (FileMetadataError, KeyError, ValueError, TypeError, AssertionError)  # as JSON of another form


@contextmanager
def explained(model: HubId) -> Iterator[None]:
    """Raise Refused, with what to do, for all that the library raises while it fetches `model`."""
    try:
        yield
    except BerthError:
        raise
    except Exception as error:  # hf_xet, for one, raises RuntimeError and errors of its own
        raise Refused(_without_token(_explain(model, error))) from error


def _without_token(sentence: str) -> str:
    token = get_token()
    return sentence.replace(token, "***") if token else sentence


def _explain(model: HubId, error: Exception) -> str:
    """The sentence; the library's own errors first, as most of them are an OSError or a ValueError too."""
    cause = _cause(error)
    if isinstance(cause, HfHubHTTPError):
        return _explain_answer(model, cause)
    if isinstance(cause, OfflineModeIsEnabled):
        return (
            f"{model} is not whole in the cache, {constants.HF_HUB_CACHE}, and HF_HUB_OFFLINE forbids to ask the Hub: "
            "unset it, or download the model where there is a network"
        )
    if isinstance(cause, ANSWERS_OF_OTHERS):
        return _explain_value(model, cause)
    if isinstance(cause, httpx2.HTTPError | LocalEntryNotFoundError):
        return _explain_network(model, cause)
    return _explain_disk(model, cause)


def _cause(error: Exception) -> Exception:
    """What the library met, where it raises its own 'not found in the cache' for it."""
    wrapped = isinstance(error, LocalEntryNotFoundError | RevisionResolutionError)
    return error.__cause__ if wrapped and isinstance(error.__cause__, Exception) else error


def _explain_answer(model: HubId, error: HfHubHTTPError) -> str:
    """What an answer of the Hub means that is not a file."""
    page = f"{constants.ENDPOINT}/{model.repository}"
    by_error = {
        GatedRepoError: f"{model} is gated: ask for access at {page}, then {LOGIN}",
        RepositoryNotFoundError: f"there is no folder {model} here, and no model of that name at {constants.ENDPOINT} "
        f"that you may read: check the name, and if it is private, {LOGIN}",
        RevisionNotFoundError: f"{model.repository} has no revision {model.revision}: see {page}/tree/main",
        DisabledRepoError: f"the Hub has disabled {model}: see {page}",
    }
    by_status: dict[int, str] = {
        HTTPStatus.UNAUTHORIZED: f"the Hub refuses the token that it was sent for {model}: {LOGIN} with a valid one",
        HTTPStatus.FORBIDDEN: f"the token that was sent may not read {model}: {LOGIN} with one that may, or see {page}",
        HTTPStatus.TOO_MANY_REQUESTS: f"{constants.ENDPOINT} takes no more requests for {model} now (429): "
        f"pack it again in some minutes, and if you are not logged in, {LOGIN}",
    }
    status = error.response.status_code
    other = (
        f"{constants.ENDPOINT} answered {status} for {model}: pack it again later; the files that are whole are kept"
    )
    return by_error.get(type(error)) or by_status.get(status, other)


def _explain_value(model: HubId, error: Exception) -> str:
    """What was sent, or what came, is of another form than the library expects."""
    if isinstance(error, UnicodeEncodeError):
        return f"{model} cannot be asked for: HF_TOKEN, or the token of `hf auth login`, holds what no token can hold"
    if isinstance(error, HFValidationError):
        return f"{model} is no name of a model on the Hub ({first_line(error)}), and there is no such folder here"
    what = f"{type(error).__name__}: {first_line(error)}"
    return f"{constants.ENDPOINT} does not answer as a Hub does ({what}): check HF_ENDPOINT and the proxy"


def _explain_network(model: HubId, error: Exception) -> str:
    """No answer, or one that broke off."""
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError | LocalEntryNotFoundError):
        return (
            f"there is no folder {model} here, and {constants.ENDPOINT} cannot be reached ({first_line(error)}): check "
            "the network, HF_ENDPOINT and HTTPS_PROXY"
        )
    return (
        f"the download of {model} broke off ({type(error).__name__}: {first_line(error)}): pack it again, "
        "the files that are whole are kept"
    )


def _explain_disk(model: HubId, error: Exception) -> str:
    """What has to do with neither the Hub nor the network."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"no space is left for {model} in {constants.HF_HUB_CACHE}: make room there, or set HF_HOME to a folder on "
            "another disk"
        )
    if number is not None:
        return f"the Hub's cache, {constants.HF_HUB_CACHE}, cannot be used ({error}): set HF_HOME to another folder"
    what = f"{type(error).__name__}: {first_line(error)}"
    return f"the download of {model} broke off ({what}): pack it again, the files that are whole are kept"
