"""Passwords: Argon2id, with the parameters that argon2-cffi recommends (RFC 9106)."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from gueststar.errors import BadInput

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST = 12  # characters
MOST = 1_024  # bytes


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


def digest_of(password: str) -> str:
    """Return what the store keeps of a new password.

    Raises
    ------
    BadInput
        If it is too short or too long. The sentence does not repeat it.
    """
    text = _normal(password)
    if len(text) < LEAST:
        raise BadInput(f"password: {LEAST} characters at least")
    return _hasher().hash(text)


def verify(digest: str | None, password: str) -> bool:
    """Tell whether a password is the one of a digest.

    Parameters
    ----------
    digest : str or None
        None for a name that is not known: it costs the same work, so that the time of an answer
        does not tell which names there are.
    password : str

    Raises
    ------
    BadInput
        If it is too long for any account.
    """
    from argon2.exceptions import VerifyMismatchError

    text = _normal(password)
    if digest is None:
        _hasher().hash(text)
        return False
    try:
        return _hasher().verify(digest, text)
    except VerifyMismatchError:
        return False


def is_outdated(digest: str) -> bool:
    """Tell whether a digest was made with other parameters than those of today."""
    return _hasher().check_needs_rehash(digest)


def _normal(password: str) -> str:
    """Return one form of what keyboards send in several (NFC, as RFC 8265 has it)."""
    text = unicodedata.normalize("NFC", password)
    if len(text.encode(errors="surrogatepass")) > MOST:
        raise BadInput(f"password: {MOST:,} bytes at most")
    return text
