"""What pyarrow's clients of buckets raise -> a sentence that says what to do, and whose fault it is.

Their errors are an OSError with a text: "AWS Error ACCESS_DENIED during HeadObject operation", or
"google::cloud::Status(PERMISSION_DENIED: ...)". No key is ever in it.
"""

from ...errors import BerthError, UsageError
from .address import BucketPath

LOGIN = {
    "gs": "`gcloud auth application-default login`, or GOOGLE_APPLICATION_CREDENTIALS, or gs://anonymous@BUCKET",
    "s3": "AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the machine's own role",
}
BUCKETS = ("NO_SUCH_BUCKET", "Bucket '", "RESOURCE_NOT_FOUND", "NOT_FOUND")
CREDENTIALS = (
    *("UNAUTHENTICATED", "OAuth2", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "INVALID_CLIENT_TOKEN_ID"),
    *("MISSING_AUTHENTICATION_TOKEN", "UNRECOGNIZED_CLIENT", "ExpiredToken", "EXPIRED_TOKEN"),
)
RIGHTS = ("ACCESS_DENIED", "PERMISSION_DENIED")
NETWORK = (
    *("NETWORK_CONNECTION", "UNAVAILABLE", "HTTP status 5", "SLOW_DOWN", "THROTTLING", "REQUEST_TIMEOUT"),
    *("DEADLINE_EXCEEDED", "INTERNAL", "RESOURCE_EXHAUSTED", "HTTP status 429", "curlCode"),
)
MOST_SHOWN = 160  # characters of what the client says


def explain(place: BucketPath, error: Exception, what: str) -> BerthError:
    """The sentence; `what` says what cannot be done where the error is of no known kind, with what to do."""
    text = str(error)
    said = f"{place} cannot be reached ({_short(text)})"
    if _has(text, CREDENTIALS):
        return UsageError(f"{place} takes no request without valid credentials ({_short(text)}): {LOGIN[place.scheme]}")
    if _has(text, RIGHTS):
        return UsageError(
            f"{place}: access is denied: these credentials, or none, may not do that there: ask for the right to read, "
            f"list and write objects, or use others: {LOGIN[place.scheme]}"
        )
    if _has(text, NETWORK):
        return BerthError(f"{said}, after some tries: what is done is kept: run the same command again")
    if _has(text, BUCKETS) and not _is_object(text):
        return UsageError(no_bucket(place))
    if isinstance(error, FileNotFoundError):
        return UsageError(f"{place} does not exist")
    return UsageError(f"{place} {what}")


def no_bucket(place: BucketPath) -> str:
    """Say that there is none."""
    return f"{place}: there is no bucket {place.bucket}: check its name, or make it first"


def _has(text: str, kinds: tuple[str, ...]) -> bool:
    return any(kind in text for kind in kinds)


def _is_object(text: str) -> bool:
    """Whether it is an object that was not found: Google's client says of both that something was not."""
    return "ObjectMetadata" in text or "ReadObject" in text


def _short(text: str) -> str:
    """The client's words for the cause, without what it says about itself."""
    for mark in ("original-message=", "; Details: "):
        text = text.rpartition(mark)[2]
    return text.partition("\n")[0].rstrip("})")[:MOST_SHOWN]
