"""``wsse-x509``: SOAP 1.1 or 1.2 with WS-Security: Body and Timestamp signed, the key named by an X.509 token or by one of
four references to it, the Body's content optionally encrypted.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from gateway.wire.keys import KeyRing
from gateway.wire.seals.base import Plain, Role, Sealed
from gateway.wire.seals.settings import Answers, Settings
from gateway.wire.seals.xml.algorithms import Digest, Method, Suite, signing_key
from gateway.wire.seals.xml.draft import Draft
from gateway.wire.seals.xml.encryption import Encryption, Order
from gateway.wire.seals.xml.encryption_build import build_encryption
from gateway.wire.seals.xml.identity import Identity, KeyReference, identity
from gateway.wire.seals.xml.names import SOAP12
from gateway.wire.seals.xml.single_use import SingleUse
from gateway.wire.seals.xml.tree import parse
from gateway.wire.seals.xml.wsse_sign import Signer
from gateway.wire.seals.xml.wsse_verify import Verifier

PROFILE = "wsse-x509"
SOAP11_TYPE, SOAP12_TYPE = "text/xml; charset=utf-8", "application/soap+xml; charset=utf-8"
_START = 2048
"""The envelope's namespace stands at the start of a document."""
_KNOWN = frozenset(
    {
        "own_key",
        "peer_key",
        "window_s",
        "answers",
        "signature",
        "digest",
        "key_reference",
        "encryption",
        "single_use",
        "exception",
    }
)


class WsseX509Seal:
    profile = PROFILE

    def __init__(
        self,
        signer: Signer,
        verifier: Verifier,
        own: Identity,
        answers: Answers,
        key_ids: tuple[str, ...],
        encryption: Encryption | None,
        once: SingleUse | None,
    ) -> None:
        self._signer = signer
        self._verifier = verifier
        self._own = own
        self._answers = answers
        self._key_ids = key_ids
        self._encryption = encryption
        self._once = once

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:
        kind = SOAP12_TYPE if SOAP12.encode() in plain.document[:_START] else SOAP11_TYPE
        if self._answers.apply_to(role):
            return Sealed(plain.document, kind)
        self._own.require_ours_current(now)
        draft = Draft(plain.document)
        if self._encryption is not None and self._encryption.order is Order.ENCRYPT_FIRST:
            self._encryption.encrypt(draft)
            draft = Draft(draft.write())
        self._signer.sign(draft, now)
        if self._encryption is not None and self._encryption.order is Order.SIGN_FIRST:
            self._encryption.encrypt(draft)
        return Sealed(draft.write(), kind, key_ids=self._key_ids)

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:
        if self._answers.apply_to(role):
            return Plain(body)
        opened = self._open(body, now)
        if self._once is not None:
            self._once.take(opened.once, now)
        return opened

    def _open(self, body: bytes, now: datetime) -> Plain:
        if self._encryption is None:
            return self._verifier.verify(parse(body), now)
        if self._encryption.order is Order.SIGN_FIRST:
            return self._verifier.verify(self._encryption.decrypt(body)[1], now)
        verified = self._verifier.verify(parse(body), now)
        return Plain(self._encryption.decrypt(verified.document, body)[0], once=verified.once)


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> WsseX509Seal:  # noqa: ARG001 - builders' shape
    """Settings: ``own_key`` and ``peer_key`` (with certificates); ``window_s`` (300), ``answers`` (sealed | plain),
    ``signature``, ``digest``, ``key_reference`` (token), ``encryption``, ``single_use`` (seconds).

    Believed is the peer's certificate itself and not its issuer: a new one has to be loaded before it counts.
    """
    settings = Settings(PROFILE, config, _KNOWN)
    own, peer = settings.text("own_key"), settings.text("peer_key")
    window = timedelta(seconds=settings.number("window_s", 300))
    suite = Suite(
        settings.choice("signature", Method, Method.RSA_SHA256), settings.choice("digest", Digest, Digest.SHA256)
    )
    reference = settings.choice("key_reference", KeyReference, KeyReference.TOKEN)
    if reference is KeyReference.NONE:
        raise settings.refuse("key_reference", "must name the key, as WS-Security asks")
    ours, theirs = (identity(keys, name, suite.method, certificate=True) for name in (own, peer))
    encryption = build_encryption(settings, keys, own, peer)
    return WsseX509Seal(
        Signer(signing_key(keys, own, suite.method), ours, suite, reference, window),
        Verifier(theirs, suite, window),
        ours,
        settings.choice("answers", Answers, Answers.SEALED),
        (own, peer),
        encryption,
        SingleUse(timedelta(seconds=settings.number("single_use", 1))) if "single_use" in config else None,
    )
