"""Every error of the handler, and the HTTP status that each one means.

HandlerError
├── DeviceLost                     the device fails every call from now on; the worker ends
├── LoadError                      the worker does not become ready
│   ├── ConfigError                model-config.yaml is wrong
│   ├── VersionError               an installed package is outside the archive's ranges
│   ├── DeviceError                the device that was asked for is not there
│   └── SelfTestError              the known answers differ
└── RequestError                   travels as a value, never raised through a batch
    ├── NotParseable          400  the body is not what its content type says
    ├── UnknownPath           404  no door behind this path
    ├── RequestTooLarge       413  a compressed body that is larger than max_request_size once it is unpacked
    ├── TooManyInputs         413  more inputs than one request may carry
    ├── TooManyTokens         413  more tokens than the model reads for one request
    ├── ResponseTooLarge      413  the answer would pass TorchServe's max_response_size
    ├── UnsupportedMedia      415  a content type that no door reads
    ├── InvalidInput          422  understood, but not acceptable
    │   ├── InvalidParameter  422  a parameter that is unknown or out of range
    │   └── InputTooLong      422  more tokens than the model takes, and truncation refused
    ├── InternalError         500  our fault; the log has the traceback
    ├── NotNow                503  the batch took too long; a smaller request, or a later one, is answered
    ├── DeadlineExceeded      503  the time that the request brought was over before the model had read it
    ├── NotHealthy            503  the deep check differs from the known answers
    └── OutOfMemory           507  the device has too little memory even for one text alone
"""

from collections.abc import Mapping
from typing import ClassVar, Self

RETRY = {"retry-after": "1"}  # seconds (RFC 9110): a batch takes less

OTHER_TASK_STATUS = 424  # TEI's, for a model that does something else


class HandlerError(Exception):
    """Base of every error that the handler knows."""


class DeviceLost(HandlerError):
    """The device fails every call from now on; raised through a batch, because no request can be answered."""


class LoadError(HandlerError):
    """The model cannot be served; raised while the worker loads it."""


class ConfigError(LoadError):
    """A setting in model-config.yaml is missing, unknown or out of range."""


class VersionError(LoadError):
    """An installed package is outside the ranges that the archive was packed with."""


class DeviceError(LoadError):
    """The device that was asked for is not there."""


class SelfTestError(LoadError):
    """The model does not give the known answers within the tolerance of its precision."""


class RequestError(HandlerError):
    """One request's error: a value with a status, a message and where it was found.

    `param` is a JSON pointer (RFC 6901) into the request's body, or None for the request as a whole.
    """

    status: ClassVar[int] = 500
    phrase: ClassVar[str] = "Internal Server Error"  # never user text: CR, LF or non-ASCII here kills the worker
    headers: ClassVar[Mapping[str, str]] = {}
    """Of the answer, over REST; no user text either."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param

    def locate(self, pointer: str) -> Self:
        """Return this error with its place, unless it has one or is not the client's; "" is nowhere."""
        if self.param is None and pointer and self.status < 500:
            self.param = pointer
            self.message = f"{pointer[1:].replace('/', '.')}: {self.message}"
        return self


class NotParseable(RequestError):
    """The body is not what its content type says."""

    status, phrase = 400, "Bad Request"


class UnknownPath(RequestError):
    """No door is behind this path."""

    status, phrase = 404, "Not Found"


class RequestTooLarge(RequestError):
    """A compressed body is larger than TorchServe's max_request_size once it is unpacked."""

    status, phrase = 413, "Content Too Large"


class TooManyInputs(RequestError):
    """One request carries more inputs than allowed."""

    status, phrase = 413, "Content Too Large"


class TooManyTokens(RequestError):
    """The model would read more tokens than it does for one request."""

    status, phrase = 413, "Content Too Large"


class ResponseTooLarge(RequestError):
    """The answer would pass TorchServe's max_response_size, which would kill the worker."""

    status, phrase = 413, "Content Too Large"


class UnsupportedMedia(RequestError):
    """A content type that no door reads."""

    status, phrase = 415, "Unsupported Media Type"


class InvalidInput(RequestError):
    """Understood, but not acceptable."""

    status, phrase = 422, "Unprocessable Content"


class InvalidParameter(InvalidInput):
    """A parameter that is unknown, of the wrong type or out of range."""


class InputTooLong(InvalidInput):
    """A text has more tokens than the model takes, and the request refused truncation."""


class InternalError(RequestError):
    """Our fault: the log has the traceback."""


class NotNow(RequestError):
    """The batch had no time left for this request's texts, or no room for its answer: TorchServe kills who is late."""

    status, phrase, headers = 503, "Service Unavailable", RETRY


class DeadlineExceeded(RequestError):
    """The request's own time was over before the model had read it, so nothing was computed for it."""

    status, phrase, headers = 503, "Service Unavailable", RETRY


class NotHealthy(RequestError):
    """The deep check's answer differs from the known one."""

    status, phrase = 503, "Service Unavailable"


class OutOfMemory(RequestError):
    """The device has too little memory even for one text alone."""

    status, phrase = 507, "Insufficient Storage"
