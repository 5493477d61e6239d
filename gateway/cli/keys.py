"""``lianpei keys``: see, make, request and judge keys. Nothing here ever prints private material."""

import argparse
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, Hash

from gateway.cli import key_judge, rotate
from gateway.cli.key_users import users_by_name
from gateway.cli.table import show as show_table
from gateway.config import Settings, load_settings
from gateway.kernel.errors import ConfigRefused
from gateway.wire.devkeys import create_development_keys
from gateway.wire.entries import Entry
from gateway.wire.keyfiles import kind_of, spki
from gateway.wire.keymaking import KINDS, certificate_request, new_key, parse_subject, write_new, write_pair
from gateway.wire.keys import KEY, KeyRing
from gateway.wire.rotation import Accepted, Role, accepting, read_roles, role_of, switched, write_roles

_EPILOG = """\
examples 例:
  lianpei keys list
  lianpei keys new ant-gateway-rsa.2027 --kind rsa-2048
  lianpei keys csr gateway-tls --subject CN=gateway.example,C=CN --dns gateway.example --out gateway.csr
  lianpei keys accept ant-insurer-rsa ant-insurer-rsa.2027 --until 2027-03-31
  lianpei keys rotate ant --dry-run
"""
_ABOUT = """Keys lie in one directory, by name: <name>.key.pem, .pub.pem, .cert.pem, .p12 (passphrase in <name>.p12.secret),
.pkcs11 (address of a key in a slot) and .secret. rotation.toml says which name a role means now. See docs/keys.md."""


def add_commands(commands: Any) -> None:
    top = commands.add_parser(
        "keys",
        help="see, make, request, judge and rotate keys 密钥管理与轮换",
        description=_ABOUT,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add(verbs, "list", _list, "every key: kind, place, fingerprint, last day, who uses it 列出密钥")
    one = _add(verbs, "show", _show, "everything public about one key 查看一枚密钥")
    one.add_argument("name", help="its name, or that of a role 密钥或角色名称")
    _add(
        verbs,
        "check",
        _check,
        "judge every key and every use of it; exit status 1 when something is wrong 检查密钥及其用途",
    )
    one = _add(
        verbs, "new", _new, "make a key pair: the private file for its owner only, and the public file 生成密钥对"
    )
    one.add_argument(
        "name", help="a new name; a role's next key is named <role>.<anything>, such as ant-gateway-rsa.2027 新名称"
    )
    one.add_argument("--kind", choices=KINDS, required=True, help="what is made 种类")
    one = _add(
        verbs,
        "csr",
        _csr,
        "a certificate request (PKCS#10) signed by the key, on standard output or in a file 证书申请",
    )
    one.add_argument("name", help="its name, or that of a role 密钥或角色名称")
    one.add_argument("--subject", required=True, help="for example CN=gateway.example,O=Example Hospital,C=CN 主体名称")
    one.add_argument(
        "--dns", action="append", default=[], metavar="NAME", help="a host name; may come several times 域名，可多个"
    )
    one.add_argument("--out", type=Path, help="a new file 新文件")
    _add_turns(verbs)
    one = verbs.add_parser(
        "development", help="create throw-away keys for development (a CA, RSA and SM2 keys) 生成一次性开发密钥"
    )
    one.add_argument(
        "directory", type=Path, nargs="?", default=Path("certs-example"), help="where (certs-example) 目录"
    )
    one.set_defaults(run=_create)


def _add_turns(verbs: Any) -> None:
    """From one key to another."""
    one = _add(
        verbs,
        "accept",
        _accept,
        "let a peer's other key count beside the one in use, until a day 限期并用对方另一枚密钥",
    )
    one.add_argument("role", help="the name that the manifest or setting uses 角色名")
    one.add_argument("name", help="the other key's name in the key directory 密钥目录中的名称")
    one.add_argument(
        "--until", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD", help="its last day 最后一日"
    )
    one.add_argument("--from", dest="since", type=date.fromisoformat, metavar="YYYY-MM-DD", help="its first day 首日")
    one = _add(
        verbs, "use", _use, "make another key what a role means now; the former one counts for a while 切换到对方新密钥"
    )
    one.add_argument("role", help="the name that the manifest or setting uses: a peer's, for ours see rotate 角色名")
    one.add_argument("name", help="the other key's name in the key directory 密钥目录中的名称")
    one.add_argument(
        "--overlap-days", type=int, default=30, metavar="N", help="how long the former key counts (30) 旧钥有效天数"
    )
    rotate.add_command(
        _add(verbs, "rotate", rotate.run, "prove, switch to, or switch back from an insurer's next key 轮换我方密钥")
    )


def _add(verbs: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    one.add_argument("--config", help="settings file (default: LIANPEI_CONFIG, else lianpei.toml) 设置文件")
    one.add_argument("--keys", type=Path, help="a key directory instead of the one that the settings name 密钥目录")
    one.set_defaults(run=run)
    return one


def _create(chosen: argparse.Namespace) -> int:
    create_development_keys(chosen.directory)
    print(f"development keys are in {chosen.directory}; they are refused outside development mode")
    return 0


def _settings(chosen: argparse.Namespace) -> Settings | None:
    """None where a key directory is named and no settings are: then nothing is known of the keys' users."""
    if chosen.keys and not (chosen.config or os.environ.get("LIANPEI_CONFIG")):
        return None
    return load_settings(chosen.config)


def _directory(chosen: argparse.Namespace) -> Path:
    settings = _settings(chosen)
    return chosen.keys or Path(settings.keys if settings else "")


def _ring(chosen: argparse.Namespace) -> KeyRing:
    return KeyRing.from_directory(_directory(chosen), isolate=True)


def _list(chosen: argparse.Namespace) -> int:
    settings, ring = _settings(chosen), _ring(chosen)
    users = users_by_name(settings, ring) if settings else {}
    by_name: dict[str, list[str]] = {}
    for role, who in users.items():
        by_name.setdefault(ring.name_of(role), []).extend(who)
        for one in ring.accepted(role):
            by_name.setdefault(one.name, []).extend(f"{user} (until {one.until})" for user in who)
    rows = [_row(name, entry, by_name.get(name, []), ring) for name, entry in sorted(ring.entries.items())]
    unread = sorted(ring.refusals.keys() - ring.entries.keys())
    rows += [(name, f"refused: {ring.refusals[name].error_code}", "", "", "", "", "") for name in unread]
    show_table(("name", "kind", "from", "fingerprint", "not after", "days", "used by"), rows, {5})
    return 0


def _row(name: str, entry: Entry, users: list[str], ring: KeyRing) -> tuple[str, ...]:
    ends = entry.ends
    days = str((ends - datetime.now(UTC)).days) if ends else ""
    kind = f"refused: {ring.refusals[name].error_code}" if name in ring.refusals else _kind(entry)
    return name, kind, entry.origin, fingerprint(entry)[:23], f"{ends:%Y-%m-%d}" if ends else "", days, ", ".join(users)


def _kind(entry: Entry) -> str:
    if entry.public is None:
        return "secret"
    return kind_of(entry.public) + ("" if entry.private is not None else ", public")


def fingerprint(entry: Entry) -> str:
    """SHA-256 of the certificate, else of the public key (SubjectPublicKeyInfo). A secret has none: it could be guessed from it."""
    if entry.certificate is not None:
        digest = entry.certificate.fingerprint(SHA256())
    elif entry.public is not None:
        hashed = Hash(SHA256())
        hashed.update(spki(entry.public))
        digest = hashed.finalize()
    else:
        return ""
    return ":".join(f"{byte:02X}" for byte in digest)


def _show(chosen: argparse.Namespace) -> int:
    ring = _ring(chosen)
    name = ring.name_of(chosen.name)
    entry = ring.entry(chosen.name)
    said = {"name": name, "kind": _kind(entry), "private half": entry.origin if entry.private else "not here"}
    said |= {"SHA-256": fingerprint(entry)}
    if entry.certificate is not None:
        said |= _certificate_lines(entry.certificate)
    for one in ring.accepted(chosen.name):
        said[f"also {one.name}"] = f"{f'from {one.since} ' if one.since else ''}until {one.until}"
    for label, value in said.items():
        if value:
            print(f"{label:14} {value}")
    return 0


def _certificate_lines(certificate: x509.Certificate) -> dict[str, str]:
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial": f"{certificate.serial_number:X}",
        "not before": f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%SZ}",
        "not after": f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%SZ}",
        "days left": str((certificate.not_valid_after_utc - datetime.now(UTC)).days),
    }


def _check(chosen: argparse.Namespace) -> int:
    settings, ring = _settings(chosen), _ring(chosen)
    mistakes, notes = key_judge.judge(ring, settings)
    for line in (*mistakes, *notes):
        print(line, file=sys.stderr)
    if not mistakes:
        print(f"all good: {len(ring.names())} names")
    return 1 if mistakes else 0


def _new(chosen: argparse.Namespace) -> int:
    private, public = write_pair(_directory(chosen), chosen.name, new_key(chosen.kind))
    print(f"{private.name} (keep it here) and {public.name} (give it to the other end)")
    return 0


def _csr(chosen: argparse.Namespace) -> int:
    ring, directory = _ring(chosen), _directory(chosen)
    key = ring.private(chosen.name)
    key_file = directory / f"{ring.name_of(chosen.name)}{KEY}"
    request = certificate_request(key, parse_subject(chosen.subject), chosen.dns, key_file)
    if chosen.out:
        write_new(chosen.out, request)
    else:
        print(request.decode(), end="")
    return 0


def _accept(chosen: argparse.Namespace) -> int:
    directory, roles = _other_key(chosen)
    other = Accepted(chosen.name, chosen.until, chosen.since)
    write_roles(directory, {**roles, chosen.role: accepting(role_of(roles, chosen.role), other)})
    print(f"{chosen.name} counts for {chosen.role} until {chosen.until}; send the gateway SIGHUP to make it so")
    return 0


def _use(chosen: argparse.Namespace) -> int:
    directory, roles = _other_key(chosen)
    role = role_of(roles, chosen.role)
    if role.use == chosen.name:
        raise ConfigRefused(f"{chosen.role} means {chosen.name} already", code="rotation-form", hint="nothing is to do")
    write_roles(directory, {**roles, chosen.role: switched(role, chosen.name, rotate.today(), chosen.overlap_days)})
    print(f"{chosen.role} now means {chosen.name}; send the gateway SIGHUP to make it so")
    return 0


def _other_key(chosen: argparse.Namespace) -> tuple[Path, dict[str, Role]]:
    """Where the roles are written, and them. Raises ``ConfigRefused`` unless the key named is there and good."""
    _ring(chosen).using({chosen.name: chosen.name}).entry(chosen.name)
    directory = _directory(chosen)
    return directory, read_roles(directory)
