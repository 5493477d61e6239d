"""Which key a role means now, which others still count, and until when: ``rotation.toml`` of the key directory.

```toml
[ant-gateway-rsa]                 # the name that a manifest or a setting uses
use = "ant-gateway-rsa.2027"      # what it means now
previous = "ant-gateway-rsa"      # what it meant before: the way back
also = [{name = "ant-gateway-rsa", until = 2027-02-28}]   # still opens and verifies, never signs
```
One file for all roles, replaced in one step: a process reads the state before a change or the one after, never a mixture.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from gateway.kernel.errors import ConfigRefused

FILE = "rotation.toml"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Name = Annotated[str, msgspec.Meta(pattern=_NAME)]


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One more key that counts beside the one in use. Days are civil days in China, both inclusive."""

    name: Name
    until: date
    since: date | None = msgspec.field(default=None, name="from")

    def counts(self, day: date) -> bool:
        return day <= self.until and (self.since is None or self.since <= day)


class Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    use: Name
    previous: str = ""
    also: tuple[Accepted, ...] = ()


def read_roles(directory: Path) -> dict[str, Role]:
    """Every role by name; none without the file. Raises ``ConfigRefused`` (rotation-form)."""
    path = directory / FILE
    if not path.exists():
        return {}
    try:
        roles = msgspec.convert(tomllib.loads(path.read_text("utf-8")), dict[str, Role])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError):
        raise _form() from None
    if not all(re.fullmatch(_NAME, name) for name in roles):
        raise _form()
    return roles


def write_roles(directory: Path, roles: Mapping[str, Role]) -> None:
    """Replace the file in one step, durably."""
    path, fresh = directory / FILE, directory / f".{FILE}.new"
    text = "".join(_written(name, role) for name, role in sorted(roles.items()))
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    folder = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def role_of(roles: Mapping[str, Role], name: str) -> Role:
    return roles.get(name, Role(use=name))


def switched(role: Role, to: str, today: date, overlap_days: int) -> Role:
    """``to`` comes into use; what was in use still opens and verifies for ``overlap_days`` more days."""
    kept = tuple(one for one in role.also if one.name not in (to, role.use) and today <= one.until)
    old = Accepted(role.use, today + timedelta(days=overlap_days))
    return Role(use=to, previous=role.use, also=(*kept, old))


def turned_back(role: Role, today: date, overlap_days: int) -> Role:
    """What was in use before the last switch comes back. Raises ``ConfigRefused`` (rotation-no-way-back)."""
    if not role.previous:
        raise ConfigRefused(
            "there is no switch to take back",
            code="rotation-no-way-back",
            hint="see lianpei keys list for what is in use",
        )
    back = switched(role, role.previous, today, overlap_days)
    return msgspec.structs.replace(back, previous="")


def accepting(role: Role, one: Accepted) -> Role:
    """``one`` counts beside the key in use: a partner's announced key, before or after its day."""
    if one.name == role.use:
        raise ConfigRefused(f"{one.name} is in use already", code="rotation-form", hint="name the other key")
    return msgspec.structs.replace(role, also=(*(kept for kept in role.also if kept.name != one.name), one))


def _written(name: str, role: Role) -> str:
    also = ", ".join(
        "{" + f'name = "{one.name}"' + (f", from = {one.since}" if one.since else "") + f", until = {one.until}" + "}"
        for one in role.also
    )
    return f'["{name}"]\nuse = "{role.use}"\nprevious = "{role.previous}"\nalso = [{also}]\n\n'


def _form() -> ConfigRefused:
    return ConfigRefused(
        f"{FILE} is not as it should be",
        code="rotation-form",
        hint="each role gives use, previous and also = [{name, from, until}]; see docs/keys.md",
    )
