"""The ``Idempotency-Key`` of a request that makes something: said once, and of the agreed form."""

from aiohttp import web

from gateway.kernel.errors import BadRequest
from gateway.kernel.ids import is_id


def key_of(request: web.Request, made: str) -> str:
    """Raises ``BadRequest`` (``idempotency-key-missing``); ``made`` is what a key stands for."""
    said = request.headers.getall("Idempotency-Key", ())
    if len(said) != 1 or not is_id(said[0]):
        raise BadRequest(
            "the Idempotency-Key header is missing, there twice or not an id",
            code="idempotency-key-missing",
            hint=f"Send one key per {made}, 1 to 64 characters of A-Z a-z 0-9 _ . : -, and the same one when you send again.",
        )
    return said[0]
