"""JWE compact with jwcrypto: RSA-OAEP-256 and A256GCM, nothing else."""

from pathlib import Path
from typing import Any

from jwcrypto import jwe, jwk
from jwcrypto.common import JWException

from gateway.sandbox.common import strictjson
from gateway.sandbox.common.rules import Violation

ALGORITHM, CONTENT = "RSA-OAEP-256", "A256GCM"


class Crypt:
    def __init__(self, keys: Path) -> None:
        self._own = jwk.JWK.from_pem((keys / "hcx-insurer-rsa.key.pem").read_bytes())
        self._peer = jwk.JWK.from_pem((keys / "hcx-gateway-rsa.pub.pem").read_bytes())

    def headers(self, token: str) -> dict[str, Any]:
        """The readable headers, not proven yet. Raises ``Violation`` (``ERR_INVALID_PAYLOAD``)."""
        try:
            message = jwe.JWE()
            message.deserialize(token)
            headers = message.jose_header
        except (JWException, ValueError, TypeError) as error:
            raise Violation("ERR_INVALID_PAYLOAD", "the payload is no compact JWE") from error
        if (headers.get("alg"), headers.get("enc")) != (ALGORITHM, CONTENT) or token.count(".") != 4:
            raise Violation("ERR_INVALID_ENCRYPTION", f"only {ALGORITHM} with {CONTENT} in compact form is taken")
        return dict(headers)

    def open(self, token: str) -> dict[str, Any]:
        """The document in clear, numbers exact. Raises ``Violation`` (``ERR_INVALID_ENCRYPTION`` or ``…_DOMAIN_PAYLOAD``)."""
        message = jwe.JWE()
        message.allowed_algs = [ALGORITHM, CONTENT]
        try:
            message.deserialize(token, key=self._own)
        except (JWException, ValueError) as error:
            raise Violation("ERR_INVALID_ENCRYPTION", "cannot decrypt") from error
        try:
            document = strictjson.loads(message.payload)
        except ValueError as error:
            raise Violation("ERR_INVALID_DOMAIN_PAYLOAD", "the payload is no JSON document") from error
        if not isinstance(document, dict):
            raise Violation("ERR_INVALID_DOMAIN_PAYLOAD", "the payload is no JSON object")
        return document

    def seal(self, document: dict[str, Any], headers: dict[str, Any]) -> bytes:
        """``{"payload": …}`` for the gateway; another content key every time."""
        message = jwe.JWE(strictjson.dumps(document), protected={"alg": ALGORITHM, "enc": CONTENT, **headers})
        message.add_recipient(self._peer)
        return strictjson.dumps({"payload": message.serialize(compact=True)})
