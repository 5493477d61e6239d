"""A webhook's signature is verified by the recipes of docs/webhooks.md, run as they stand there: openssl, node, python."""

import base64
import json
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.wire.keys import Entry, KeyRing
from gateway.wire.rotation import Accepted, Role
from gateway.wire.webhook import Signer

ROOT = Path(__file__).resolve().parents[3]
SECRET = b"0123456789abcdef0123456789abcdef"
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
BODY = b'{"type":"decided","data":{"order_id":"ord_1"}}'


def now() -> datetime:
    """Receivers look at their own clock, so a time from when this file was read would be too old for them."""
    return datetime.now(UTC)


def recipe(name: str) -> str:
    found = re.search(
        rf"<!-- recipe: {name} -->\n```\w+\n(.*?)```", (ROOT / "docs/webhooks.md").read_text("utf-8"), re.S
    )
    assert found is not None
    return found[1]


def headers(entry: Entry, at: datetime | None = None) -> dict[str, str]:
    return Signer(KeyRing(Path(), {"hook": entry}, {}, {}), "hook").headers("evt_1", BODY, at or now())


def shell(script: str, folder: Path, **environment: str) -> str:
    (folder / "body").write_bytes(BODY)
    done = subprocess.run(
        ["sh", "-ec", script], cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=20
    )
    return done.stdout


def python_says(told: dict[str, str], body: bytes, secret: bytes = SECRET) -> bool:
    ask = f"{recipe('python')}\nprint(is_ours({secret!r}, {told!r}, {body!r}))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.strip() == "True"


def node_says(told: dict[str, str], body: bytes) -> bool:
    ask = f"{recipe('node')}\nconsole.log(isOurs({json.dumps(SECRET.decode())}, {json.dumps(told)}, "
    ask += f"Buffer.from({json.dumps(base64.b64encode(body).decode())}, 'base64')))"
    done = subprocess.run(["node", "-e", ask], capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.strip() == "true"


def test_the_python_and_node_recipes_take_what_we_sign_and_nothing_else() -> None:
    told = headers(Entry(secret=Secret(SECRET.decode())))
    old = headers(Entry(secret=Secret(SECRET.decode())), now() - timedelta(seconds=400))

    for judge in (python_says, node_says):
        assert judge(told, BODY)
        assert not judge(told, BODY + b" ")
        assert not judge(told | {"webhook-id": "evt_2"}, BODY)
        assert not judge(old, BODY), "a replay after the window"


def test_the_openssl_recipe_gives_the_hmac_that_we_sign(tmp_path: Path) -> None:
    told = headers(Entry(secret=Secret("whsec_" + base64.b64encode(SECRET).decode())))
    said = shell(
        recipe("openssl-hmac"),
        tmp_path,
        WEBHOOK_ID=told["webhook-id"],
        WEBHOOK_TIMESTAMP=told["webhook-timestamp"],
        SECRET_HEX=SECRET.hex(),
    )
    assert said.strip() == told["webhook-signature"]


def test_the_openssl_recipe_verifies_the_ed25519_signature(tmp_path: Path) -> None:
    told = headers(Entry(PRIVATE, PRIVATE.public_key()))
    public = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "lianpei.pub.pem").write_bytes(public)
    given = {"WEBHOOK_ID": told["webhook-id"], "WEBHOOK_TIMESTAMP": told["webhook-timestamp"]}
    good = shell(recipe("openssl-ed25519"), tmp_path, **given, SIGNATURE=told["webhook-signature"])
    bad = shell(
        recipe("openssl-ed25519"), tmp_path, **given | {"WEBHOOK_ID": "evt_2"}, SIGNATURE=told["webhook-signature"]
    )

    assert "Signature Verified Successfully" in good
    assert "Signature Verified Successfully" not in bad


def test_while_keys_are_exchanged_old_and_new_receivers_both_take_it() -> None:
    new = b"new-secret-new-secret-new-secret"
    entries = {"old": Entry(secret=Secret(SECRET.decode())), "new": Entry(secret=Secret(new.decode()))}
    until = date.today() + timedelta(days=2)  # noqa: DTZ011 - a civil day
    roles = {"hook": Role("new", "old", (Accepted("old", until),))}
    signer = Signer(KeyRing(Path(), entries, {}, roles), "hook")

    both = signer.headers("evt_1", BODY, now())
    later = signer.headers("evt_1", BODY, now() + timedelta(days=4))

    assert len(both["webhook-signature"].split()) == 2
    assert python_says(both, BODY, SECRET)
    assert python_says(both, BODY, new)
    assert len(later["webhook-signature"].split()) == 1


def test_a_key_that_was_exchanged_while_we_serve_signs_the_next_attempt() -> None:
    new = b"new-secret-new-secret-new-secret"
    ring = KeyRing(Path(), {"hook": Entry(secret=Secret(SECRET.decode()))}, {}, {})
    signer = Signer(ring, "hook")
    ring.become(KeyRing(Path(), {"hook": Entry(secret=Secret(new.decode()))}, {}, {}))

    assert python_says(signer.headers("evt_1", BODY, now()), BODY, new)


@pytest.mark.parametrize("secret", ["short", "whsec_????", "whsec_c2hvcnQ="])
def test_a_secret_that_protects_nothing_is_refused(secret: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        headers(Entry(secret=Secret(secret)))
    assert refused.value.error_code == "webhook-key"
    assert secret not in str(refused.value)
