"""The deployment examples are read as they are: settings by the gateway's own reader, alerts against real metric names."""

import json
import re
import shutil
import subprocess
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from gateway.config import Settings, load_settings

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"


GATEWAYS = ("gateway-a", "gateway-b")


def compose() -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return said


@pytest.mark.parametrize("room", ["gateway", "payment"])
def test_the_example_settings_are_read_and_run_one_room_each(room: str) -> None:
    settings = load_settings(DEPLOY / f"{room}.toml")
    assert settings.mode == "production"
    assert (settings.claims is None, settings.payment is None) == (
        (False, True) if room == "gateway" else (True, False)
    )


def test_the_rooms_share_no_volume_and_no_key_directory() -> None:
    mounts = {name: set(one["volumes"]) for name, one in compose()["services"].items()}
    for gateway in GATEWAYS:
        assert mounts[gateway] & mounts["payment"] == set()


def test_the_payment_room_has_no_road_to_the_claims_database() -> None:
    services = compose()["services"]
    assert set(services["payment"]["networks"]) & set(services["database"]["networks"]) == set()


def test_the_images_health_check_asks_no_proxy() -> None:
    command = json.loads(re.findall(r"^  CMD (\[.+\])$", (ROOT / "Dockerfile").read_text("utf-8"), re.M)[0])
    environment = {"http_proxy": "http://127.0.0.1:9"}
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as door:
        Thread(target=door.serve_forever, daemon=True).start()
        asked = command[2].replace(":9464/healthz", f":{door.server_address[1]}/README.md")
        checked = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, env=environment, check=False)
        door.shutdown()
    assert checked.returncode == 0


def test_the_payment_rooms_health_check_asks_no_proxy() -> None:
    *_, program = compose()["services"]["payment"]["healthcheck"]["test"]
    assert "ProxyHandler({})" in program
    compile(program, "healthcheck", "exec")


@pytest.mark.parametrize("unit", ["gateway", "payment"])
def test_a_unit_is_one_that_systemd_takes_and_is_hardened(unit: str, tmp_path: Path) -> None:
    """systemd's own judge reads it; the program's path is the only thing that this machine has not."""
    program = tmp_path / "lianpei"
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    text = (DEPLOY / "systemd" / f"lianpei-{unit}.service").read_text("utf-8")
    copy = tmp_path / f"lianpei-{unit}.service"
    copy.write_text(text.replace("/opt/lianpei/bin/lianpei", str(program)), "utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, f"lianpei-{unit}" in verified.stderr) == (0, False), verified.stderr
    judged = ["systemd-analyze", "security", "--offline=true", "--threshold=20", copy]
    secure = subprocess.run(judged, capture_output=True, text=True, check=False)
    assert secure.returncode == 0, secure.stdout[-2000:]


def test_the_units_run_the_rooms_as_two_users_in_two_folders() -> None:
    said = [dict(re.findall(r"^(\w+)=(.*)$", path.read_text("utf-8"), re.M)) for path in DEPLOY.glob("systemd/*")]
    assert len(said) == len({one["User"] for one in said}) == len({one["StateDirectory"] for one in said}) == 2
    grace = load_settings(DEPLOY / "gateway.toml").claims
    assert grace is not None
    assert all(int(one["TimeoutStopSec"]) > grace.stop_notice + grace.stop_grace + 15 for one in said)


def test_the_compose_file_is_one_by_the_published_specification() -> None:
    judge = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        DEPLOY / "compose.yaml",
    ]
    judged = subprocess.run(judge, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr


@pytest.mark.parametrize("kind", ["networks", "secrets", "volumes"])
def test_what_a_service_names_is_declared_and_the_other_way_round(kind: str) -> None:
    said = compose()
    named = {name.partition(":")[0] for one in said["services"].values() for name in one.get(kind, [])}
    assert {name for name in named if not name.startswith(".")} == set(said[kind])


def test_a_room_reads_keys_that_nobody_else_is_given() -> None:
    """A key that others can read is refused, so the database has its password in a file of its own."""
    said = compose()
    secrets = {Path(one["file"]).parent.name for one in said["secrets"].values()}
    mounted = {one.split(":")[0].removeprefix("./") for room in said["services"].values() for one in room["volumes"]}
    assert secrets & mounted == set()


@pytest.mark.parametrize("room", [*GATEWAYS, "payment"])
def test_a_container_has_the_time_that_a_stop_takes(room: str) -> None:
    claims = load_settings(DEPLOY / "gateway.toml").claims
    assert claims is not None
    assert int(compose()["services"][room]["stop_grace_period"].removesuffix("s")) > (
        claims.stop_notice + claims.stop_grace + 10
    )


@pytest.mark.parametrize("room", [*GATEWAYS, "payment"])
def test_a_room_is_confined(room: str) -> None:
    said = compose()["services"][room]
    assert (said["read_only"], said["cap_drop"]) == (True, ["ALL"])
    assert all("9464" not in port and "8543" not in port for port in said.get("ports", []))


def test_every_port_that_is_published_or_scraped_is_one_that_is_served() -> None:
    settings: list[Settings] = [load_settings(DEPLOY / f"{room}.toml") for room in ("gateway", "payment")]
    claims, payment = settings[0].claims, settings[1].payment
    assert claims is not None
    assert payment is not None
    served = {claims.hospital_door.port, claims.partner_door.port, claims.operator_door.port, payment.door.port}
    watched = (DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8")
    exposed = {int(port) for port in re.findall(r"^EXPOSE (.*)$", (ROOT / "Dockerfile").read_text(), re.M)[0].split()}
    published = {int(port.split(":")[1]) for port in compose()["services"]["gateway-a"]["ports"]}
    scraped = {int(port) for port in re.findall(r'"(?:gateway-[ab]|payment):(\d+)"', watched)}
    assert exposed == served
    assert published | scraped <= served


def test_alerts_are_about_metrics_that_there_are() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text("utf-8"))["groups"][0]["rules"]
    used = {name for rule in rules for name in re.findall(r"lianpei_\w+", rule["expr"])}
    documented = set(re.findall(r"`(lianpei_\w+)`", (ROOT / "docs" / "settings.md").read_text("utf-8")))
    assert used <= documented
    assert {"lianpei_ready", "lianpei_unknown_claims", "lianpei_unknown_amount_fen"} <= used
    assert {"lianpei_certificate_days_left", "lianpei_weak_crypto"} <= used


def test_promtool_agrees_with_every_alert() -> None:
    """Prometheus' own tool reads the rules and plays the cases; each alert is in at least one of them."""
    tool = shutil.which("promtool") or str(ROOT / ".venv" / "bin" / "promtool")
    for words in (["check", "rules", "rules.yml"], ["test", "rules", "rules_test.yml"]):
        done = subprocess.run([tool, *words], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text("utf-8"))["groups"][0]["rules"]
    played = (DEPLOY / "prometheus" / "rules_test.yml").read_text("utf-8")
    assert [rule["alert"] for rule in rules if f'alertname="{rule["alert"]}"' not in played] == []


def test_the_image_gets_what_the_build_copies() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.M)
    assert {name for names in copied for name in names.split()} == allowed
