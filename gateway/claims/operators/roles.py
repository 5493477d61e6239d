"""Who works at the operators' door and what each may do."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.claims.custody.wish import is_plain
from gateway.kernel.errors import ConfigRefused, NotAllowed, RoleMissing
from gateway.kernel.secret import Secret

_SHORTEST_TOKEN = 32


class Role(StrEnum):
    VIEW = "view"
    """States, amounts, times, digests."""
    VIEW_BODY = "view-body"
    """A message's content, for a reason that goes into the audit."""
    RE_DRIVE = "re-drive"
    """Have an insurer asked again; propose a correction."""
    CONFIGURE = "configure"
    """Approve somebody else's correction."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the settings name. ``token`` and ``certificate_name`` are two ways to prove to be this one person."""

    name: str
    roles: frozenset[Role]
    token: Secret[str] | None = None
    certificate_name: str = ""


@dataclass(frozen=True, slots=True)
class Operator:
    """A person at the door. ``proof`` is a fingerprint of the token or certificate that was shown."""

    name: str
    roles: frozenset[Role]
    proof: str

    @property
    def signature(self) -> str:
        """How the audit names this person."""
        return f"operator:{self.name}"

    def require(self, role: Role) -> None:
        """Raises ``RoleMissing``."""
        if role not in self.roles:
            raise RoleMissing("this operator may not do that", hint=f"It needs the role {role.value}.")


class Operators:
    """Raises ``ConfigRefused`` when two persons could be taken for one another."""

    def __init__(self, persons: Iterable[Person]) -> None:
        self._by_token: dict[str, Person] = {}
        self._by_certificate: dict[str, Person] = {}
        names: set[str] = set()
        for person in persons:
            _once(person.name.casefold(), names, person.name)
            names.add(person.name.casefold())
            self._register(person)

    def become(self, fresh: "Operators") -> None:
        """Whoever ``fresh`` knows is known from now on, and nobody else: a former token opens nothing any more."""
        self._by_token, self._by_certificate = fresh._by_token, fresh._by_certificate

    @property
    def names(self) -> frozenset[str]:
        return frozenset(person.name for person in {*self._by_token.values(), *self._by_certificate.values()})

    def __len__(self) -> int:
        return len({*self._by_token.values(), *self._by_certificate.values()})

    def _register(self, person: Person) -> None:
        if not is_plain(person.name):
            raise _refused("with an odd name", "a name is an id without long numbers")
        if person.token is None and not person.certificate_name:
            raise _refused(person.name, "it has neither token nor certificate")
        if person.token is not None:
            if len(person.token.expose()) < _SHORTEST_TOKEN:
                raise _refused(person.name, f"its token is shorter than {_SHORTEST_TOKEN} characters")
            mark = fingerprint(person.token.expose().encode())
            _once(mark, self._by_token, person.name)
            self._by_token[mark] = person
        if person.certificate_name:
            _once(person.certificate_name, self._by_certificate, person.name)
            self._by_certificate[person.certificate_name] = person

    def by_token(self, token: str) -> Operator:
        """Raises ``NotAllowed``. Tokens are compared by their digest, so that time tells nothing about them."""
        mark = fingerprint(token.encode())
        return _at_the_door(self._by_token.get(mark), mark)

    def by_certificate(self, common_name: str, certificate: bytes) -> Operator:
        """``certificate`` is what the handshake verified, in DER. Raises ``NotAllowed``."""
        return _at_the_door(self._by_certificate.get(common_name), fingerprint(certificate))


def fingerprint(shown: bytes) -> str:
    return hashlib.sha256(b"lianpei operator\0" + shown).hexdigest()


def _at_the_door(person: Person | None, proof: str) -> Operator:
    if person is None:
        raise unknown()
    return Operator(person.name, person.roles, proof)


def unknown() -> NotAllowed:
    return NotAllowed(
        "the caller is not known",
        code="operator-unknown",
        hint="Send Authorization: Bearer with your own token, or connect with your certificate.",
    )


def _once(mark: str, taken: Iterable[str], name: str) -> None:
    if mark in taken:
        raise _refused(name, "its name, token or certificate is another operator's too")


def _refused(name: str, why: str) -> ConfigRefused:
    return ConfigRefused(f"operator {name}: {why}", code="operator-setting", hint="One entry and one token per person.")
