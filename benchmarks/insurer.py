"""The insurer of the benchmark: approves 80 %, signs its answer. Its work is not counted."""

import asyncio
import base64
import re
import sys
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256

_CLAIM = re.compile(rb"<ClaimNo>([^<]+)</ClaimNo>")
_TOTAL = re.compile(rb"<Total>([0-9]+)\.([0-9]{2})</Total>")


async def main(keys: str, port: str) -> None:
    own: Any = serialization.load_pem_private_key((Path(keys) / "ant-insurer-rsa.key.pem").read_bytes(), None)

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        claim, total = _CLAIM.search(body), _TOTAL.search(body)
        assert claim is not None
        assert total is not None
        approved = int(total[1] + total[2]) * 80 // 100
        inner = b"<ClaimAnswer><ClaimNo>%s</ClaimNo><Status>1</Status><Approved>%d.%02d</Approved></ClaimAnswer>" % (
            claim[1],
            approved // 100,
            approved % 100,
        )
        signature = base64.b64encode(own.sign(base64.b64encode(inner), padding.PKCS1v15(), SHA256()))
        message = b"<document><signature>" + signature + b"</signature><response>" + inner + b"</response></document>"
        return web.Response(body=message, headers={"Content-Type": "application/xml"})

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/claims", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(port)).start()
    print("listening", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(*sys.argv[1:]))
