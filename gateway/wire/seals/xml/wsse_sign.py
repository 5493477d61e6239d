"""Signing a SOAP envelope: timestamp, Body and, where it travels, the X.509 token under one signature.

The security header is written as text that is already in its exclusive canonical form (each part declares the
namespaces it uses, attributes sorted, no empty-element tags), so that the XML library canonicalises only the Body.
"""

import secrets
from datetime import UTC, datetime, timedelta

import pybase64

from gateway.wire.seals.xml.algorithms import SigningKey, Suite
from gateway.wire.seals.xml.draft import Draft
from gateway.wire.seals.xml.identity import Identity, KeyReference, in_token_reference, key_info
from gateway.wire.seals.xml.names import BASE64, DS, WSSE, WSU, WSU_ID, X509_V3
from gateway.wire.seals.xml.signature import writer

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
        self._writer = writer(suite)
        self._valid_for = valid_for
        token_id = f"X509-{secrets.token_hex(8)}"
        self._token, self._token_reference = "", ""
        if reference is KeyReference.TOKEN:
            self._token = _TOKEN % (token_id, pybase64.b64encode_as_string(own.der))
            self._token_reference = self._reference(token_id, self._token.encode())
        self._key_info = in_token_reference(key_info(reference, own, token_id))

    def sign(self, draft: Draft, now: datetime) -> None:
        """Add the security header with a signature over the Body as it is now."""
        fresh = secrets.token_hex(8)
        body_id, stamp_id = f"Body-{fresh}", f"TS-{fresh}"
        draft.body.set(WSU_ID, body_id)
        body_reference = self._reference(body_id, draft.canonical_body(self._suite.c14n))
        created = now.astimezone(UTC)
        stamp = _TIMESTAMP % (stamp_id, _instant(created), _instant(created + self._valid_for))
        references = self._token_reference + self._reference(stamp_id, stamp.encode()) + body_reference
        signed_info = self._writer.write(references)
        value = pybase64.b64encode_as_string(self._suite.method.sign(self._key, signed_info.encode()))
        signed = _SIGNED % (self._token, stamp, signed_info, value, self._key_info)
        draft.secure(_SECURITY % draft.soap, signed)

    def _reference(self, identity: str, content: bytes) -> str:
        return self._writer.reference(f"#{identity}", content)


def _instant(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
