"""The settings of ``xml-dsig``: what the manifest says, read once and strictly."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from gateway.wire.keys import KeyRing
from gateway.wire.seals.base import Role
from gateway.wire.seals.freshness import build_freshness
from gateway.wire.seals.settings import Answers, Settings
from gateway.wire.seals.xml.algorithms import C14n, Digest, Method, Suite, signing_key
from gateway.wire.seals.xml.dsig import Form, Layout, TimeRule, XmlDsigSeal
from gateway.wire.seals.xml.identity import KeyReference, identity
from gateway.wire.seals.xml.single_use import SingleUse

PROFILE = "xml-dsig"
_LAYOUT = frozenset({"form", "element", "id_attribute", "signature", "digest", "c14n", "prefix", "key_info", "time"})
_KNOWN = _LAYOUT | {"own_key", "peer_key", "answers", "request", "answer", "single_use", "exception"}
_TIME = frozenset({"path", "time_form", "window_s"})
_ELEMENT = re.compile(r"(\{[^{}\s]+\})?[A-Za-z_][A-Za-z0-9_.-]*")
_PREFIX = re.compile(r"[a-z][a-z0-9]*")
_IN_X509_DATA = (KeyReference.NONE, KeyReference.ISSUER_SERIAL, KeyReference.X509_DATA)


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> XmlDsigSeal:  # noqa: ARG001 - builders' shape
    """Settings: ``own_key``, ``peer_key``; ``answers`` (sealed | plain); ``single_use`` (seconds); how a message is signed:
    ``form``, ``element``, ``id_attribute``, ``signature``, ``digest``, ``c14n``, ``prefix``, ``key_info``, ``time``; and the same
    again below ``request`` or ``answer`` where one of them differs.
    """
    settings = Settings(PROFILE, config, _KNOWN)
    layouts = {role: _layout(_for_role(settings, config, role)) for role in Role}
    own, peer = settings.text("own_key"), settings.text("peer_key")
    method = layouts[Role.REQUEST].suite.method
    if method.elliptic is not layouts[Role.ANSWER].suite.method.elliptic:
        raise settings.refuse("signature", "must be of one kind, RSA or ECDSA, in requests and answers")
    named = any(layout.reference is not KeyReference.NONE for layout in layouts.values())
    ours = identity(keys, own, method, certificate=named)
    return XmlDsigSeal(
        (signing_key(keys, own, method), ours),
        identity(keys, peer, method, certificate=named),
        layouts,
        settings.choice("answers", Answers, Answers.SEALED),
        (own, peer),
        SingleUse(timedelta(seconds=settings.number("single_use", 1))) if "single_use" in config else None,
    )


def _for_role(settings: Settings, config: Mapping[str, Any], role: Role) -> Settings:
    special = config.get(role.value, {})
    if not isinstance(special, Mapping):
        raise settings.refuse(role.value, "must be a group of settings")
    shared = {name: value for name, value in config.items() if name in _LAYOUT}
    return Settings(PROFILE, shared | dict(special), _LAYOUT)


def _layout(settings: Settings) -> Layout:
    form = settings.choice("form", Form, Form.ENVELOPED)
    element = settings.optional("element")
    if (element or form is Form.DETACHED) and not _ELEMENT.fullmatch(element):
        raise settings.refuse("element", "must name the signed child of the root: name or {namespace}name")
    prefix = settings.optional("prefix", "ds")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise settings.refuse("prefix", "must be a short lower-case name, or empty for a default namespace")
    reference = settings.choice("key_info", KeyReference, KeyReference.NONE)
    if reference not in _IN_X509_DATA:
        raise settings.refuse("key_info", f"must be one of {', '.join(_IN_X509_DATA)}")
    suite = Suite(
        settings.choice("signature", Method, Method.RSA_SHA256),
        settings.choice("digest", Digest, Digest.SHA256),
        settings.choice("c14n", C14n, C14n.EXCLUSIVE),
    )
    identity_name = settings.text("id_attribute", "Id")
    if identity_name not in ("Id", "id", "ID"):
        raise settings.refuse("id_attribute", "must be Id, id or ID")
    return Layout(suite, form, element, identity_name, f"{prefix}:" if prefix else "", reference, _time(settings))


def _time(settings: Settings) -> TimeRule | None:
    section = settings.section("time")
    if section is None:
        return None
    rule = Settings(f"{PROFILE} time", section, _TIME)
    return TimeRule(rule.text("path"), build_freshness(rule))
