"""Signed requests of hospitals two (Ed25519) and three (HMAC), written apart from the gateway's own code."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

from gateway.cli.stage import Stage
from gateway.sandbox.hospital.signing import Signer

HOSPITAL_TWO, HOSPITAL_THREE = "H99990100002", "H99990100003"
Sign = Callable[[str, str, str, bytes, str], dict[str, str]]
"""(method, path, query, body, idempotency key) to the headers to add."""


def signer_of(stage: Stage, hospital: str) -> Sign:
    if hospital == HOSPITAL_TWO:
        return Signer.load(stage.keys / "hospital-h2-sign.key.pem", "hospital-h2-sign").headers
    secret = (stage.keys / "hospital-h3-hmac.secret").read_bytes().strip()

    def sign(method: str, path: str, query: str, body: bytes, key: str) -> dict[str, str]:
        return _hmac_headers(secret, method, path, query, body, key)

    return sign


def _hmac_headers(secret: bytes, method: str, path: str, query: str, body: bytes, key: str) -> dict[str, str]:
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    covered = {"@method": method, "@path": path, "@query": "?" + query, "content-digest": digest}
    covered |= {"idempotency-key": key} if key else {}
    names = " ".join(f'"{name}"' for name in covered)
    times = f'created={int(time.time())};nonce="{secrets.token_urlsafe(16)}"'
    parameters = f'({names});{times};keyid="hospital-h3-hmac";alg="hmac-sha256"'
    base = "\n".join([*(f'"{name}": {value}' for name, value in covered.items()), f'"@signature-params": {parameters}'])
    signature = base64.b64encode(hmac.digest(secret, base.encode(), "sha256")).decode()
    return {"Content-Digest": digest, "Signature-Input": f"sig1={parameters}", "Signature": f"sig1=:{signature}:"}
