"""A hospital's own request signer: RFC 9421 with Ed25519 and RFC 9530 content digest, written apart from the gateway's."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.kernel.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs ``@method``, ``@path``, ``@query``, the body's digest (an empty body has one too) and the idempotency key."""

    key: Ed25519PrivateKey
    key_id: str
    clock: Clock

    @classmethod
    def load(cls, key_file: Path, key_id: str, clock: Clock | None = None) -> "Signer":
        """Raises ``ValueError`` when the PEM holds another kind of key."""
        key = load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("requests are signed with an Ed25519 key")
        return cls(key, key_id, clock or SystemClock())

    def headers(self, method: str, path: str, query: str, body: bytes, idempotency_key: str = "") -> dict[str, str]:
        """The headers to add; ``path`` and ``query`` (without ``?``) as they go over the wire. A new nonce every time."""
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        covered = {"@method": method, "@path": path, "@query": "?" + query, "content-digest": digest}
        if idempotency_key:
            covered["idempotency-key"] = idempotency_key
        names = " ".join(f'"{name}"' for name in covered)
        created, nonce = int(self.clock.now().timestamp()), secrets.token_urlsafe(16)
        parameters = f'({names});created={created};nonce="{nonce}";keyid="{self.key_id}";alg="ed25519"'
        lines = [f'"{name}": {value}' for name, value in covered.items()]
        base = "\n".join([*lines, f'"@signature-params": {parameters}'])
        signature = base64.b64encode(self.key.sign(base.encode("ascii"))).decode()
        return {
            "Content-Digest": digest,
            "Signature-Input": f"sig1={parameters}",
            "Signature": f"sig1=:{signature}:",
        }
