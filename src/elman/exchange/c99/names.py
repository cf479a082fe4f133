"""Names and texts as C takes them: identifiers, string literals, comments."""

from __future__ import annotations

import re
import string

from elman.exchange.parts import ExchangeError

KEYWORDS = frozenset(
    """auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef
    union unsigned void volatile while""".split()  # noqa: SIM905 -- as the standard lists them
)
HEADERS = frozenset(
    """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg
    stdbool stddef stdint stdio stdlib string tgmath time wchar wctype
    alloca endian features malloc newlib strings unistd""".split()  # noqa: SIM905
)
"""Names of the headers of C99, and of those that the headers of C libraries include themselves: a
file called math.h would stand in the way of <math.h>."""
LONGEST_NAME = 40
LONGEST_PIECE = 400
"""Bytes of a text in one literal. C99 promises 4095 for a whole text, of which all pieces count."""
LONGEST_TEXT = 4000


def check_name(name: str) -> None:
    """Raise ExchangeError unless a name can begin the names of functions, and name a file."""
    fix = "choose another name, of letters, digits and underscores, such as 'model'"
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise ExchangeError(
            f"name={name!r:.60} cannot begin a C identifier, which takes the letters a to z, "
            f"digits and underscores, and begins with a letter: {fix}"
        )
    if len(name) > LONGEST_NAME:
        raise ExchangeError(f"name has {len(name)} characters; at most {LONGEST_NAME} are taken")
    if name.lower() in KEYWORDS:
        raise ExchangeError(f"name={name!r} is a keyword of C: {fix}")
    if name.lower() in HEADERS:
        raise ExchangeError(
            f"name={name!r} would make a file {name}.h, which is a header of C's own: {fix}"
        )


def unwritable(text: str) -> str | None:
    """Why C cannot hold a text, as the end of a sentence; None if it can."""
    if "\0" in text:
        return "holds the character 0, at which a C string ends"
    try:
        n_bytes = len(text.encode())
    except UnicodeEncodeError:
        return "holds half of a surrogate pair, which UTF-8 cannot say"
    if n_bytes > LONGEST_TEXT:
        return f"takes {n_bytes} bytes; a C string takes at most {LONGEST_TEXT} everywhere"
    return None


_PLAIN = frozenset((string.ascii_letters + string.digits + string.punctuation + " ").encode())
_ESCAPED = {ord("\\"): "\\\\", ord('"'): '\\"', ord("?"): "\\?", ord("\n"): "\\n"}


def c_string(text: str) -> str:
    r"""A text as a C string literal of its UTF-8 bytes, in ASCII.

    Other bytes are octal escapes of three digits, which end by themselves: a hexadecimal one would
    take the digits that follow. A question mark is escaped, since two of them begin a trigraph.

    Examples
    --------
    >>> from elman.exchange.c99.names import c_string
    >>> print(c_string('é1 "?" \\'))
    "\303\2511 \"\?\" \\"
    """
    pieces: list[str] = [""]
    for byte in text.encode():
        if byte in _ESCAPED:
            pieces[-1] += _ESCAPED[byte]
        else:
            pieces[-1] += chr(byte) if byte in _PLAIN else f"\\{byte:03o}"
        if len(pieces[-1]) > LONGEST_PIECE:
            pieces.append("")
    return " ".join(f'"{piece}"' for piece in pieces if piece or len(pieces) == 1)


def comment_text(text: str, longest: int = 60) -> str:
    """A text of a user's as it may stand in a C comment: on one line, without an end of it."""
    shown = "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in text[: longest + 1])
    if len(text) > longest:
        shown = shown[: longest - 3] + "..."
    return shown.replace("*/", "* /").replace("/*", "/ *").replace("??/", "?? /")
