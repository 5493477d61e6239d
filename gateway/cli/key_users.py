"""Who uses which key: the settings' doors and hospitals, and the partner folders that they name."""

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.claims.partners.manifest import load_manifest
from gateway.config import ClaimsSettings, PaymentSettings, Settings
from gateway.wire.keys import CERTIFICATE, KeyRing
from gateway.wire.seals.overlap import seal_names


def users_by_name(settings: Settings, keys: KeyRing) -> dict[str, list[str]]:
    """Role to its users. A role that no file stands behind is in it too: that key is missing."""
    found: dict[str, list[str]] = {}
    for role, user in (*_of_rooms(settings), *_of_people(settings, keys), *_of_insurers(settings, keys)):
        if role and user not in found.setdefault(role, []):
            found[role].append(user)
    return found


def insurers_of(role: str, settings: Settings, keys: KeyRing) -> list[str]:
    """The insurers whose seal names ``role``."""
    return [code for code in settings.insurers if role in _sealing(settings, code, keys)]


def _of_rooms(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.claims is not None:
        yield from _of_claims(settings.claims)
    if settings.clearing is not None:
        yield settings.clearing.secret, "clearing"
        yield _stem(settings.clearing.ca), "clearing"
    if settings.payment is not None:
        yield from _of_payment(settings.payment)


def _of_claims(room: ClaimsSettings) -> Iterator[tuple[str, str]]:
    for name in ("hospital_door", "partner_door", "operator_door"):
        yield getattr(room, name).certificate, name.replace("_", " ")
    yield from ((name, "vault") for name in (room.vault_key, *room.vault_keys_old, room.vault_index_key))
    yield room.audit_key, "audit"
    yield room.database_password, "database"
    yield _stem(room.client_ca), "hospital door"
    yield _stem(room.operator_ca), "operator door"


def _of_payment(room: PaymentSettings) -> Iterator[tuple[str, str]]:
    yield room.door.certificate, "payment door"
    yield room.secret, "payment"
    yield _stem(room.channel_ca), "payment"
    yield from ((_stem(one.ca), "payment") for one in room.channels.values())


def _of_people(settings: Settings, keys: KeyRing) -> Iterator[tuple[str, str]]:
    for hospital in settings.hospitals:
        yield from ((name, hospital.code) for name in _certified(hospital.certificate_name, keys))
        yield hospital.signing_key, hospital.code
        yield hospital.password, hospital.code
        if hospital.webhook is not None:
            yield hospital.webhook.key, hospital.code
            yield _stem(hospital.webhook.ca), hospital.code
        for config in hospital.seals.values():
            for name in seal_names(config, keys):
                yield name, hospital.code
    for operator in settings.operators:
        yield operator.token, f"operator {operator.name}"


def _certified(common_name: str, keys: KeyRing) -> list[str]:
    """Keys with a certificate under this name. A hospital keeps its own; development has them here."""
    return [
        name for name, entry in keys.entries.items() if entry.certificate and common_name in _names(entry.certificate)
    ]


def _names(certificate: x509.Certificate) -> list[str | bytes]:
    return [one.value for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]


def _of_insurers(settings: Settings, keys: KeyRing) -> Iterator[tuple[str, str]]:
    for code, deployed in settings.insurers.items():
        for name in (deployed.client_certificate, _stem(deployed.ca), _stem(deployed.peer_ca)):
            yield name, code
        for name in _sealing(settings, code, keys):
            yield name, code
        for name in _manifest_secrets(settings, code):
            yield name, code


def _sealing(settings: Settings, code: str, keys: KeyRing) -> list[str]:
    return seal_names(load_manifest(_folder(settings, code)).seal, keys)


def _manifest_secrets(settings: Settings, code: str) -> list[str]:
    return list(load_manifest(_folder(settings, code)).secrets.values())


def _folder(settings: Settings, code: str) -> Path:
    return Path(settings.mappings) / "insurers" / code


def _stem(file: str) -> str:
    """A CA is named by its file; only one of the ring's own form is a name of the ring."""
    return file.removesuffix(CERTIFICATE) if file.endswith(CERTIFICATE) else ""
