"""What the gateway refuses or cannot answer, in the form of the protocol that was asked. Pure."""

from handler.doors.paths import Form, tei_error_type

RETRY_AFTER_S = 1
NOT_READY = "NotReady"


class ErrorAnswer(Exception):
    """An answer that is an error: HTTP status, type, a sentence that says what to do, and perhaps a JSON pointer."""

    def __init__(self, status: int, type: str, message: str, param: str | None = None) -> None:  # noqa: A002 - as sent
        super().__init__(message)
        self.status = status
        self.type = type
        self.message = message
        self.param = param

    @property
    def headers(self) -> dict[str, str]:
        """When to ask again, if that helps."""
        return {"retry-after": str(RETRY_AFTER_S)} if self.status == 503 else {}

    def value(self, form: Form) -> dict[str, object]:
        """The body, as a protocol's clients read it."""
        native = {"code": self.status, "type": self.type, "message": self.message, "param": self.param}
        match form:
            case Form.OPENAI:
                return {"error": native}
            case Form.V2:
                return {"error": self.message}
            case Form.TEI:
                kind = "Unhealthy" if self.type == NOT_READY else tei_error_type(self.status)
                return {"error": self.message, "error_type": kind}
            case Form.COHERE:
                return {"message": self.message, "detail": self.message}
            case Form.NATIVE:
                return native


def no_answer(message: str = "the model's server does not answer: send the request again") -> ErrorAnswer:
    """The answer for a server behind the gateway that is gone or hung up."""
    return ErrorAnswer(503, "NoAnswer", message)


def not_the_protocol() -> ErrorAnswer:
    """The answer where nobody could read the server's own."""
    return ErrorAnswer(
        502, "NoAnswer", "the model's server gave an answer that is not the protocol's: its log may say why"
    )


def too_late() -> ErrorAnswer:
    """The answer to what cannot be answered within the time that its client gives it."""
    return ErrorAnswer(503, "DeadlineExceeded", "the request's time is over: give it more time, or send it again later")


def too_large(num_bytes: int | None, limit_bytes: int) -> ErrorAnswer:
    """The answer to a request that is longer than what is read; None: nobody counted how much longer."""
    has = f"more than {limit_bytes} bytes" if num_bytes is None else f"{num_bytes} bytes, more than {limit_bytes}"
    return ErrorAnswer(413, "RequestTooLarge", f"the request has {has}: send fewer inputs at once")
