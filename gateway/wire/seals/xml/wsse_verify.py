"""Verifying a signed SOAP envelope so strictly that what was signed is what is used.

One security header, one signature, ids that occur once, the agreed algorithms, and the Body and Timestamp matched as the
very elements that a reader of the envelope would use: signature wrapping moves or doubles them.
"""

from datetime import datetime, timedelta

from lxml import etree

from gateway.wire.seals import refusal
from gateway.wire.seals.base import Plain
from gateway.wire.seals.xml.algorithms import Suite
from gateway.wire.seals.xml.identity import Claimed, Identity
from gateway.wire.seals.xml.names import ds, wsse, wsu
from gateway.wire.seals.xml.signature import Verifier as SignatureVerifier
from gateway.wire.seals.xml.tree import by_reference, ids_of, only, soap_parts, within, without_wsu_id


class Verifier:
    """Believes one certificate, which both ends agreed on outside the messages."""

    def __init__(self, peer: Identity, suite: Suite, window: timedelta) -> None:
        self._signatures = SignatureVerifier(suite, peer)
        self._window = window

    def verify(self, root: etree._Element, now: datetime) -> Plain:
        """An envelope that holds only the verified Body; ``once`` is the digest of what was signed."""
        soap, body = soap_parts(root)
        security = security_header(root, soap)
        signature = only(security, ds("Signature"), "the security header must hold one signature")
        ids = ids_of(root)
        claimed = Claimed(only(signature, ds("KeyInfo"), "one KeyInfo"), ids, security)
        believed = self._signatures.check(signature, lambda uri: by_reference(ids, uri), now, claimed)
        content = believed.content_of(body, "the Body")
        stamp = only(security, wsu("Timestamp"), "the security header must hold one Timestamp")
        believed.content_of(stamp, "the Timestamp")
        self._check_fresh(stamp, now)
        return Plain(within(root, without_wsu_id(content)), once=believed.once)

    def _check_fresh(self, stamp: etree._Element, now: datetime) -> None:
        created, expires = _time(stamp, "Created"), _time(stamp, "Expires")
        if not now - self._window <= created <= now + self._window or expires < max(now, created):
            raise refusal.stale()


def security_header(root: etree._Element, soap: str) -> etree._Element:
    """The envelope's only security header. Raises ``SealRefused`` (seal-unsigned, seal-form)."""
    headers = list(root.iterchildren(f"{{{soap}}}Header"))
    found = list(headers[0].iterchildren(wsse("Security"))) if headers else []
    if not found:
        raise refusal.unsigned("the envelope carries no security header")
    if len(headers) != 1 or len(found) != 1:
        raise refusal.form("rule broken: an envelope must hold one Header with one security header")
    return found[0]


def _time(stamp: etree._Element, name: str) -> datetime:
    text = only(stamp, wsu(name), f"a Timestamp must hold one {name}").text or ""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise refusal.form("a Timestamp must give instants with a zone")
    return moment
