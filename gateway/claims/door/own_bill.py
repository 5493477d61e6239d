"""The bill that a request names, for the hospital that brought it and for nobody else."""

from aiohttp import web

from gateway.claims.door.auth import Guard
from gateway.claims.door.entrance import caller_of
from gateway.claims.ledger import Ledger
from gateway.kernel.errors import NotFound
from gateway.store.api import Row


async def own_bill(guard: Guard, ledger: Ledger, request: web.Request) -> Row:
    """The row of ``order_id``. Another hospital's bill is as unknown as no bill (``order-unknown``)."""
    caller = caller_of(request)
    await guard.use_up(caller)
    row = await ledger.read(ledger.bill_row, request.match_info["order_id"])
    if row is None or row["hospital"] != caller.tenant.hospital:
        raise NotFound("no such order", code="order-unknown")
    return row
