"""``yibao-mobile``: the envelope of the national 医保 mobile profile: SM4 over ``data``, SM2 over the sorted members.

Source: docs/seals.md, yibao-mobile. The SM4 key comes from appId and appSecret and has only 64 bits of entropy; together with
ECB that is weak, so the profile loads by a dated exception unless another cipher is agreed.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.ciphers.algorithms import SM4

from gateway.kernel.secret import Secret
from gateway.wire.keys import KeyRing
from gateway.wire.seals.canonical import Charset, Escape, Nested, SortedPairs, Tail, Values
from gateway.wire.seals.ciphers import Blocks, Content, Sm4Gcm
from gateway.wire.seals.encodings import Encoding
from gateway.wire.seals.field_cipher import Covers, FieldCipher, ValueForm
from gateway.wire.seals.freshness import build_freshness
from gateway.wire.seals.members import BodyForm
from gateway.wire.seals.normal import Empties, Normal, Numbers
from gateway.wire.seals.settings import Answers, Settings
from gateway.wire.seals.signatures import Sm2
from gateway.wire.seals.signed_members import Layout, SignedMembersSeal
from gateway.wire.sm2 import DEFAULT_USER_ID
from gateway.wire.sm2_forms import SignatureForm

_KEY = 16
KNOWN = frozenset(
    {
        "own_key",
        "peer_key",
        "secret",
        "app_id",
        "app_member",
        "version",
        "cipher",
        "signature_form",
        "user_id",
        "unsigned",
        "window_s",
        "answers",
    }
)


class CipherMode(StrEnum):
    ECB = "sm4-ecb"
    CBC = "sm4-cbc"
    GCM = "sm4-gcm"


class AppMember(StrEnum):
    """Web front ends call it appCode."""

    APP_ID = "appId"
    APP_CODE = "appCode"


def content_key(app_id: str, app_secret: Secret[str]) -> Secret[bytes]:
    """16 ASCII characters: the start of upper-case hex of SM4-ECB under ``app_id``'s first 16 bytes over ``app_secret``."""
    wrapped = Blocks(Secret(app_id.encode()[:_KEY]), SM4, chained=False, fixed_iv=None)
    return Secret(wrapped.encrypt(app_secret.expose().encode()).hex().upper()[:_KEY].encode())


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> SignedMembersSeal:  # noqa: ARG001 - builders' shape
    """Settings: ``own_key``, ``peer_key`` (SM2), ``secret`` (appSecret), ``app_id``; ``app_member`` (appId | appCode),
    ``version`` (1.0.0), ``cipher`` (sm4-ecb | sm4-cbc | sm4-gcm), ``signature_form`` (raw | der), ``user_id``
    (1234567812345678), ``unsigned`` (extra), ``window_s`` (300), ``answers`` (sealed | plain).

    The document is ``data``; the other members are readable headers.
    """
    settings = Settings("yibao-mobile", config, KNOWN)
    own, peer, app_id = settings.text("own_key"), settings.text("peer_key"), settings.text("app_id")
    secret = keys.secret(settings.text("secret"))
    if len(app_id.encode()) < _KEY:
        raise settings.refuse("app_id", f"must have {_KEY} bytes or more, because the key is made of them")
    signature = Sm2(
        keys.sm2_private(own),
        keys.sm2_public(peer),
        settings.optional("user_id", DEFAULT_USER_ID.decode()).encode(),
        settings.choice("signature_form", SignatureForm, SignatureForm.RAW),
    )
    mode = settings.choice("cipher", CipherMode, CipherMode.ECB)
    content = _content(mode, content_key(app_id, secret))
    return SignedMembersSeal(
        settings.profile,
        _layout(settings, app_id),
        _text(secret),
        signature,
        build_freshness(settings),
        FieldCipher("data", "encData", content, Encoding.HEX_UPPER, Covers.CLEAR, ValueForm.JSON),
        settings.choice("answers", Answers, Answers.SEALED),
        (own, peer, settings.text("secret")),
    )


def _content(mode: CipherMode, key: Secret[bytes]) -> Content:
    if mode is CipherMode.GCM:
        return Sm4Gcm(key)
    return Blocks(key, SM4, chained=mode is CipherMode.CBC, fixed_iv=None)


def _layout(settings: Settings, app_id: str) -> Layout:
    app_member = settings.choice("app_member", AppMember, AppMember.APP_ID)
    return Layout(
        body=BodyForm.JSON,
        signature_field="signData",
        signature_header="",
        encoding=Encoding.BASE64,
        unsigned=frozenset(settings.names("unsigned", ("extra",))),
        time_field="timestamp",
        nonce_field="",
        document_field="data",
        constants={
            app_member: app_id,
            "version": settings.text("version", "1.0.0"),
            "encType": "SM4",
            "signType": "SM2",
        },
    )


def _text(secret: Secret[str]) -> SortedPairs:
    return SortedPairs(
        separator="&",
        assign="=",
        values=Values.RAW,
        nested=Nested.JSON,
        normal=Normal(Empties.DROP, Numbers.TEXT),
        escape=Escape.NONE,
        charset=Charset.UTF_8,
        tail=Tail("&key=", secret),
    )
