"""Signed tokens (JWT, RFC 7519) of programs that have logged in: short-lived, of one algorithm.

A token says which login it belongs to, and nothing of what its account may: that is looked up at
each request.
"""

from __future__ import annotations

import secrets
import time

import jwt

from gueststar.errors import BadInput, NotKnown
from gueststar.store.logins import Login

ALGORITHM = "HS256"
ISSUER, AUDIENCE = "gueststar", "gueststar-api"
SECONDS = 900
SHORTEST_KEY = 32  # bytes: as many as HS256 gives
_NUMBERS = 2**63  # of what engines hold
_WRONG = "authorization: this JWT does not count here"
_CLAIMS = ["iss", "aud", "sub", "sid", "iat", "exp", "jti"]


def key_of(text: str) -> bytes:
    """Return the key of a setting.

    Raises
    ------
    BadInput
        If it is too short. The sentence does not repeat it.
    """
    key = text.encode()
    if len(key) < SHORTEST_KEY:
        raise BadInput(f"GUESTSTAR_JWT_KEY: {SHORTEST_KEY} bytes at least, random ones")
    return key


def issue(key: bytes, login: Login) -> str:
    """Return a token of a login."""
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": str(login.account.account_id),
        "sid": str(login.login_id), "iat": now, "exp": now + SECONDS,
        "jti": secrets.token_urlsafe(12),
    }  # fmt: skip
    return jwt.encode(claims, key, algorithm=ALGORITHM)


def read(key: bytes, token: str) -> tuple[int, int]:
    """Return login and account of a token.

    Raises
    ------
    NotKnown
        If it was not signed with this key and algorithm for us, or has expired.
    """
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": _CLAIMS},
        )
        login_id, account_id = int(claims["sid"]), int(claims["sub"])
    except jwt.ExpiredSignatureError:
        raise NotKnown(
            "authorization: this JWT has expired: exchange your refresh token for another"
        ) from None
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise NotKnown(_WRONG) from None
    if not (0 <= login_id < _NUMBERS and 0 <= account_id < _NUMBERS):
        raise NotKnown(_WRONG)
    return login_id, account_id
