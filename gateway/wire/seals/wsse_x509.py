"""``wsse-x509``: SOAP with WS-Security, the Body, the Timestamp and the X.509 token signed with RSA-SHA256."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from cryptography import x509

from gateway.kernel.errors import ConfigRefused
from gateway.wire.keys import KeyRing
from gateway.wire.purpose import Purpose, require_purpose
from gateway.wire.seals.base import Plain, Role, Sealed
from gateway.wire.seals.settings import Answers, Settings
from gateway.wire.seals.wsse_sign import Signer
from gateway.wire.seals.wsse_verify import Verifier

CONTENT_TYPE = "text/xml; charset=utf-8"


class WsseX509Seal:
    profile = "wsse-x509"

    def __init__(
        self,
        signer: Signer,
        verifier: Verifier,
        certificate: x509.Certificate,
        answers: Answers,
        key_ids: tuple[str, ...],
    ) -> None:
        self._signer = signer
        self._verifier = verifier
        self._certificate = certificate
        self._answers = answers
        self._key_ids = key_ids

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:
        if self._answers.apply_to(role):
            return Sealed(plain.document, CONTENT_TYPE)
        if now > self._certificate.not_valid_after_utc:
            raise ConfigRefused(
                "our signing certificate has expired", code="certificate-expired", hint="load a renewed certificate"
            )
        return Sealed(self._signer.sign(plain.document, now), CONTENT_TYPE, key_ids=self._key_ids)

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:
        return Plain(body) if self._answers.apply_to(role) else self._verifier.verify(body, now)


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> WsseX509Seal:  # noqa: ARG001 - builders' shape
    """Settings: ``own_key`` and ``peer_key`` (with certificates); ``window_s`` (300), ``answers`` (sealed | plain).

    Believed is the peer's certificate itself and not its issuer: a new one has to be loaded before it counts.
    """
    settings = Settings("wsse-x509", config, frozenset({"own_key", "peer_key", "window_s", "answers"}))
    own, peer = settings.text("own_key"), settings.text("peer_key")
    window = timedelta(seconds=settings.number("window_s", 300))
    certificate, theirs = keys.certificate(own), keys.certificate(peer)
    require_purpose(own, certificate, Purpose.SIGN)
    require_purpose(peer, theirs, Purpose.SIGN)
    signer = Signer(keys.rsa_private(own), certificate, window)
    verifier = Verifier(theirs, keys.rsa_public(peer), window)
    answers = settings.choice("answers", Answers, Answers.SEALED)
    return WsseX509Seal(signer, verifier, certificate, answers, (own, peer))
