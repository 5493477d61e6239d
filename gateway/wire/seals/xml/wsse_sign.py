"""Signing a SOAP envelope: timestamp, Body and, where it travels, the X.509 token under one signature.

The security header is written as text that is already in its exclusive canonical form (each part declares the
namespaces it uses, attributes sorted, no empty-element tags), so that the XML library canonicalises only the Body.
"""

import base64
import secrets
from datetime import UTC, datetime, timedelta

from gateway.wire.seals.xml.algorithms import SigningKey, Suite
from gateway.wire.seals.xml.draft import Draft
from gateway.wire.seals.xml.identity import Identity, KeyReference, in_token_reference, key_info
from gateway.wire.seals.xml.names import BASE64, DS, WSSE, WSU, WSU_ID, X509_V3
from gateway.wire.seals.xml.signature import reference_text, signed_info_text
from gateway.wire.seals.xml.tree import canonical

_TOKEN = (
    f'<wsse:BinarySecurityToken xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" EncodingType="{BASE64}" ValueType="{X509_V3}"'
    ' wsu:Id="%s">%s</wsse:BinarySecurityToken>'
)
_TIMESTAMP = (
    f'<wsu:Timestamp xmlns:wsu="{WSU}" wsu:Id="%s"><wsu:Created>%s</wsu:Created><wsu:Expires>%s</wsu:Expires>'
    "</wsu:Timestamp>"
)
_SECURITY = f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:env="%s" env:mustUnderstand="1">'
_SIGNED = (
    f'%s%s<ds:Signature xmlns:ds="{DS}">%s<ds:SignatureValue>%s</ds:SignatureValue><ds:KeyInfo>%s</ds:KeyInfo>'
    "</ds:Signature></wsse:Security>"
)


class Signer:
    """One key and certificate; the token's text and digest are made once."""

    def __init__(
        self, key: SigningKey, own: Identity, suite: Suite, reference: KeyReference, valid_for: timedelta
    ) -> None:
        self._key = key
        self._suite = suite
        self._valid_for = valid_for
        token_id = _fresh_id("X509")
        self._token, self._token_reference = "", ""
        if reference is KeyReference.TOKEN:
            self._token = _TOKEN % (token_id, base64.b64encode(own.der).decode())
            self._token_reference = self._reference(token_id, self._token.encode())
        self._key_info = in_token_reference(key_info(reference, own, token_id))

    def sign(self, draft: Draft, now: datetime) -> None:
        """Add the security header with a signature over the Body as it is now."""
        body_id = _fresh_id("Body")
        draft.body.set(WSU_ID, body_id)
        body_reference = self._reference(body_id, canonical(draft.body, self._suite.c14n))
        stamp_id = _fresh_id("TS")
        created = now.astimezone(UTC)
        stamp = _TIMESTAMP % (stamp_id, _instant(created), _instant(created + self._valid_for))
        references = self._token_reference + self._reference(stamp_id, stamp.encode()) + body_reference
        signed_info = signed_info_text(self._suite, references)
        value = base64.b64encode(self._suite.method.sign(self._key, signed_info.encode())).decode()
        signed = _SIGNED % (self._token, stamp, signed_info, value, self._key_info)
        draft.secure(_SECURITY % draft.soap, signed)

    def _reference(self, identity: str, content: bytes) -> str:
        return reference_text(self._suite, f"#{identity}", content)


def _fresh_id(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(8)}"


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
