"""The settings of a Body's encryption, as a group inside ``wsse-x509``."""

from gateway.wire.keys import KeyRing
from gateway.wire.seals.settings import Settings
from gateway.wire.seals.xml.algorithms import Method
from gateway.wire.seals.xml.ciphers import Content, KeyTransport
from gateway.wire.seals.xml.encryption import Encryption, KeyPlace, Order
from gateway.wire.seals.xml.identity import KeyReference, identity, in_token_reference, key_info

_KNOWN = frozenset({"content", "key_transport", "order", "key_place", "own_key", "peer_key"})


def build_encryption(outer: Settings, keys: KeyRing, own: str, peer: str) -> Encryption | None:
    """``content`` (aes256-gcm), ``key_transport`` (rsa-oaep-sha256), ``order`` (sign-first), ``key_place`` (inline), ``own_key`` and
    ``peer_key`` (those of the signature). Nothing where the manifest has no ``encryption``. Raises ``ConfigRefused``.
    """
    section = outer.section("encryption")
    if section is None:
        return None
    settings = Settings(f"{outer.profile} encryption", section, _KNOWN)
    content = settings.choice("content", Content, Content.AES256_GCM)
    transport = settings.choice("key_transport", KeyTransport, KeyTransport.OAEP_SHA256)
    order = settings.choice("order", Order, Order.SIGN_FIRST)
    place = settings.choice("key_place", KeyPlace, KeyPlace.INLINE)
    if (content.cbc or transport.weak) and (order, place) != (Order.ENCRYPT_FIRST, KeyPlace.INLINE):
        raise settings.refuse(
            "order", "must be encrypt-first with an inline key, because this cipher needs a signature around it"
        )
    if place is KeyPlace.HEADER and order is Order.ENCRYPT_FIRST:
        raise settings.refuse(
            "key_place", "must be inline with encrypt-first, so that the signature covers the key too"
        )
    own_name, peer_name = settings.text("own_key", own), settings.text("peer_key", peer)
    named = place is KeyPlace.HEADER
    receiver = identity(keys, peer_name, Method.RSA_SHA256, certificate=named)
    recipient = in_token_reference(key_info(KeyReference.ISSUER_SERIAL, receiver)) if named else ""
    return Encryption(
        content, transport, order, place, keys.rsa_private(own_name), keys.rsa_public(peer_name), recipient
    )
