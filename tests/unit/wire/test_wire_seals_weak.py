"""A weak algorithm loads as a partner's dated exception only, wherever in the settings it stands."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.seal_ends import AGREEMENTS, both_ends, make_keys

from gateway.cli import main
from gateway.cli.weak import weak_rows
from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import ConfigRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, build_seal, open_message, weak_algorithms, weak_use
from gateway.wire.seals.ciphers import CIPHERS
from gateway.wire.seals.settings import Settings
from gateway.wire.seals.signatures import ALGORITHMS as SIGNATURES
from gateway.wire.seals.weak import LABELS, NAMES_KEYS

LAST = date(2027, 12, 31)
DATED = {name: config for name, config in AGREEMENTS.items() if "exception" in config}
SOUND = {name: config for name, config in AGREEMENTS.items() if name not in DATED}
EXPECTED = {
    "exact rsa sha1": ("SHA-1",),
    "exact hmac md5": ("MD5",),
    "pairs md5": ("MD5",),
    "json rsa1_5": ("RSA1_5",),
    "yibao": ("ECB",),
    "yibao cbc": ("CBC",),
    "body 3des-ecb": ("3DES", "ECB"),
    "body sm4-ecb": ("ECB",),
    "jwe rsa1_5": ("RSA1_5",),
}
SOUND_NAMES = {"sha256", "sha512", "sm3", "gcm", "oaep", "pss", "ed25519", "ecdsa", "sm2"}


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_keys(tmp_path_factory.mktemp("weak-keys"))


@pytest.mark.parametrize(("agreement", "labels"), EXPECTED.items())
def test_what_is_weak_is_told_by_name(agreement: str, labels: tuple[str, ...]) -> None:
    assert weak_algorithms(AGREEMENTS[agreement]) == labels


@pytest.mark.parametrize("name", [*SIGNATURES, *CIPHERS])
def test_every_algorithm_is_either_sound_or_in_the_table(name: str) -> None:
    """A new name that is in neither list has to be judged before it can be agreed."""
    sound = any(word in name for word in SOUND_NAMES)
    assert bool(weak_algorithms({"profile": "x", "cipher": name})) is not sound


def test_no_setting_that_names_a_key_can_carry_an_algorithm(ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a key may be called ``md5`` and an algorithm can't hide behind a key's setting."""
    read: set[str] = set()

    def choice(settings: Settings, name: str, kind: Any, default: Any) -> Any:
        if any(value in LABELS for value in kind):
            read.add(name)
        return plain(settings, name, kind, default)

    plain = Settings.choice
    monkeypatch.setattr(Settings, "choice", choice)
    for config in AGREEMENTS.values():
        build_seal(config, ring, LAST)

    assert read
    assert not (read | {"algorithm", "cipher"}) & NAMES_KEYS


@pytest.mark.parametrize(
    "nested",
    [{"encrypt": {"cipher": "sm4-ecb"}}, {"request": [{"cipher": "sm4-ecb"}]}, {"key": "ok", "cipher": "sm4-ecb"}],
)
def test_a_weak_name_is_seen_at_any_depth(nested: dict[str, Any]) -> None:
    assert weak_algorithms({"profile": "x", **nested}) == ("ECB",)


@pytest.mark.parametrize("agreement", DATED)
def test_without_a_date_or_after_it_nothing_loads(ring: KeyRing, agreement: str) -> None:
    config = {**DATED[agreement], "exception": {"until": "2027-12-31", "reason": "r"}}
    own = {name: value for name, value in config.items() if name != "exception"}
    for wrong, day, code in ((own, LAST, "seal-setting"), (config, LAST + timedelta(days=1), "weak-seal-expired")):
        with pytest.raises(ConfigRefused) as refused:
            build_seal(wrong, ring, day)
        assert refused.value.error_code == code
    assert build_seal(config, ring, LAST).profile == config["profile"]


@pytest.mark.parametrize("agreement", SOUND)
def test_a_sound_agreement_needs_no_exception(agreement: str) -> None:
    assert weak_use(SOUND[agreement]) is None


@pytest.mark.parametrize("agreement", ["exact rsa sha1", "body sm4-ecb"])
def test_a_running_process_stops_on_the_day_after(ring: KeyRing, now: datetime, agreement: str) -> None:
    ours, theirs = both_ends(
        ring, {**DATED[agreement], "exception": {"until": str(now.astimezone(SHANGHAI).date()), "reason": "r"}}
    )
    sealed = ours.seal(Plain(b"{}"), Role.REQUEST, now - timedelta(days=1))
    later = now + timedelta(days=2)
    for call in (
        lambda: ours.seal(Plain(b"{}"), Role.REQUEST, later),
        lambda: theirs.open(sealed.body, Role.REQUEST, later),
        lambda: open_message(theirs, sealed.body, sealed.headers, Role.REQUEST, later),
    ):
        with pytest.raises(ConfigRefused) as refused:
            call()
        assert refused.value.error_code == "weak-seal-expired"


def folder(home: Path, seal: dict[str, Any]) -> Path:
    """A mappings folder with one partner of this seal."""
    place = home / "mappings" / "insurers" / "old"
    place.mkdir(parents=True)
    manifest = {"insurer": "old", "names": {"zh": "旧", "en": "Old"}, "protocol": "json", "seal": seal, "kinds": {}}
    (place / "insurer.yaml").write_text(json.dumps(manifest), "utf-8")
    (place / "faults.yaml").write_text("{}", "utf-8")
    return home / "mappings"


@pytest.mark.parametrize(
    ("exception", "mistake"),
    [
        (None, "weak-crypto-undated"),
        ({"until": "2020-01-01", "reason": "r"}, "weak-crypto-expired"),
        ({"until": "2099-01-01", "reason": "r"}, ""),
    ],
)
def test_check_shows_exceptions_and_refuses_bad_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], exception: dict[str, str] | None, mistake: str
) -> None:
    seal: dict[str, Any] = {"profile": "encrypted-body", "cipher": "3des-ecb", "key": "k"}
    mappings = folder(tmp_path, seal if exception is None else {**seal, "exception": exception})
    code = main(["check", "--mappings", str(mappings), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (code, any(mistake in one["code"] for one in told["mistakes"])) == ((1, True) if mistake else (0, False))
    if exception is not None:
        (row,) = told["weak"]
        assert (row["insurer"], row["algorithms"], row["until"]) == ("old", ["3DES", "ECB"], exception["until"])
        assert (row["days_left"] < 0) is bool(mistake)


def test_check_prints_one_line_per_partner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exception = {"until": "2099-01-01", "reason": "the partner offers nothing else"}
    mappings = folder(tmp_path, {"profile": "encrypted-body", "cipher": "sm4-ecb", "key": "k", "exception": exception})
    assert main(["check", "--mappings", str(mappings)]) == 0
    assert "weak: old ECB until 2099-01-01" in capsys.readouterr().out


def test_an_exception_that_is_needed_no_more_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mappings = folder(tmp_path, {"profile": "plain", "exception": {"until": "2099-01-01", "reason": "r"}})
    assert main(["check", "--mappings", str(mappings)]) == 1
    assert "weak-crypto-idle" in capsys.readouterr().err


def test_the_next_to_end_comes_first() -> None:
    folders = sorted(Path("mappings/insurers").iterdir())
    rows = weak_rows(folders, LAST)
    assert [row.until for row in rows] == sorted(row.until for row in rows)
    assert rows


def test_a_hospitals_format_is_told_beside_the_partners(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seal = f'profile = "yibao-mobile"\nexception = {{ until = "{LAST}", reason = "the profile is SM4-ECB" }}\n'
    undated, sound = 'profile = "yibao-mobile"\n', 'profile = "yibao-mobile"\ncipher = "sm4-gcm"\n'
    forms = "".join(f"[hospitals.seals.{name}]\n{said}" for name, said in (("a", seal), ("b", undated), ("c", sound)))
    settings = f'mode = "production"\nkeys = "k"\nmappings = "m"\nschemas = "."\n[[hospitals]]\ncode = "H1"\nname = "n"\n{forms}'
    (tmp_path / "lianpei.toml").write_text(settings, "utf-8")
    (tmp_path / "insurers").mkdir()

    assert main(["check", "--mappings", str(tmp_path), "--config", str(tmp_path / "lianpei.toml"), "--json"]) == 0

    (row,) = json.loads(capsys.readouterr().out)["weak"]
    assert (row["hospital"], row["format"], row["algorithms"], row["until"]) == ("H1", "a", ["ECB"], str(LAST))
    main(["check", "--mappings", str(tmp_path), "--config", str(tmp_path / "lianpei.toml")])
    assert capsys.readouterr().out.startswith(f"weak: hospital H1 a ECB until {LAST}")
