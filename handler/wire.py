"""How errors speak of what a user sent: quoted, pointed at, and named as JSON names it. Pure."""

MAX_QUOTED = 100  # characters
_NAMES = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
}


def quote(text: object) -> str:
    """What a user sent, for an error message: its beginning is enough, and an answer has a largest size."""
    shown = str(text)
    return repr(shown if len(shown) <= MAX_QUOTED else f"{shown[:MAX_QUOTED]}...")


def join_pointer(pointer: str, key: str) -> str:
    """A JSON pointer one key deeper (RFC 6901: ~ is written ~0 and / is written ~1), or as deep for a huge key."""
    if len(key) > MAX_QUOTED:
        return pointer
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def json_type(value: object) -> str:
    """A decoded JSON value's type, with its article."""
    return _NAMES.get(type(value), "an object")
