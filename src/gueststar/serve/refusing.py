"""How a request is sent away before any page or question has seen it."""

from __future__ import annotations

from collections.abc import Sequence

from litestar.types import Scope, Send


class Refused(Exception):
    """There is no room for this request; or it is too slow, too large, or one too many."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


async def refuse(
    refusal: Refused, scope: Scope, send: Send, more: Sequence[tuple[bytes, bytes]]
) -> None:
    """Answer with a sentence: JSON below ``/api``, text elsewhere.

    Parameters
    ----------
    refusal : Refused
    scope, send
    more : sequence of (bytes, bytes)
        Further headers.
    """
    if f"{scope['path']}/".startswith("/api/"):
        from gueststar.serve.api.errors import problem

        answer = problem(refusal.status, refusal.sentence)
        body, kind = answer.content, b"application/json"
    else:
        body, kind = refusal.sentence.encode(), b"text/plain; charset=utf-8"
    assert isinstance(body, bytes)
    headers = [
        (b"content-type", kind),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *more,
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})  # type: ignore[typeddict-item]
    await send({"type": "http.response.body", "body": body, "more_body": False})
