"""What ``make audit`` must notice: a secret in a file, a package without a hash, a licence that nobody permitted."""

import importlib.util
import json
import re
import subprocess
import sys
from email.message import Message
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

ROOT = Path(__file__).resolve().parents[3]
HASH = "--hash=sha256:" + "0" * 64
PROJECT = '[project]\ndependencies = ["aiohttp>=3"]\n[project.optional-dependencies]\ndev = ["pytest"]\n'
GOOD = f"aiohttp==3.1 \\\n    {HASH}\n"


def _loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / "scripts" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


audit: Any = _loaded()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "requirements.lock").write_text(GOOD)
    (tmp_path / "requirements-dev.lock").write_text(f"{GOOD}pytest==9.0 \\\n    {HASH}\n")
    (tmp_path / "scripts").mkdir()
    return tmp_path


def private_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


PLANTED = {
    "private key": private_key(),
    "private key in JSON": '{"key": "' + private_key().replace("\n", "\\n") + '"}',
    "cloud key": 'ID = "' + "AKIA" + "IOSFODNN7EXAMPLX" + '"',
    "access token": "ghp" + "_" + "a1B2" * 9,
    "assigned secret": 'api_key = "' + "q8Zr2Lm5" * 4 + '"',
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_noticed_before_it_is_committed(project: Path, kind: str) -> None:
    assert list(audit.secret_problems(project)) == []
    (project / "settings.py").write_text(PLANTED[kind])
    told = list(audit.secret_problems(project))
    assert len(told) == 1
    assert told[0].startswith("settings.py: looks like a")


def test_a_known_text_is_let_through_with_a_reason_and_a_line_for_what_is_gone_is_noticed(project: Path) -> None:
    (project / "vector.json").write_text(PLANTED["cloud key"])
    ((_, _, digest),) = audit.secrets(project)
    known = project / "scripts" / "secrets-known.txt"
    known.write_text(f"vector.json {digest} a published vector\n")
    assert list(audit.secret_problems(project)) == []
    (project / "vector.json").unlink()
    assert "no longer there" in next(iter(audit.secret_problems(project)))


def test_the_project_holds_no_secret() -> None:
    assert list(audit.secret_problems(ROOT)) == []


def test_a_package_without_a_hash_or_a_lock_is_noticed(project: Path) -> None:
    assert list(audit.lock_problems(project)) == []
    (project / "requirements.lock").write_text("aiohttp==3.1\n")
    assert list(audit.lock_problems(project)) == ["requirements.lock: aiohttp has no hash"]
    (project / "requirements.lock").write_text("aiohttp>=3\n")
    told = list(audit.lock_problems(project))
    assert told == [
        "requirements.lock: 1 lines pin no version",
        "requirements.lock: aiohttp is wanted and not locked (make lock)",
    ]


class Package:
    version = "3.1"

    def __init__(self, licence: str) -> None:
        self.metadata = Message()
        self.metadata["License-Expression"] = licence


@pytest.mark.parametrize(
    ("licence", "version", "problems"),
    [("Apache-2.0", "3.1", 0), ("AGPL-3.0-only", "3.1", 1), ("", "3.1", 1), ("MIT", "3.2", 1)],
)
def test_an_unpermitted_licence_and_another_version_are_noticed(
    project: Path, monkeypatch: pytest.MonkeyPatch, licence: str, version: str, problems: int
) -> None:
    package = Package(licence)
    package.version = version
    lock = project / "requirements-dev.lock"
    lock.write_text(GOOD)
    monkeypatch.setattr(audit.metadata, "distribution", lambda name: package)
    assert len(list(audit.installed_problems(project))) == problems


SKIPPED = {"name": "a", "version": "1", "skip_reason": "unknown"}
FOUND = {"name": "b", "version": "1", "vulns": [{"id": "CVE-1"}]}
CLEAN = {"name": "b", "version": "1", "vulns": []}


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"pypi": [CLEAN]}, ([], "")),
        ({"pypi": [FOUND]}, (["b 1: CVE-1"], "")),
        ({"pypi": [SKIPPED, FOUND]}, (["b 1: CVE-1"], "does not know 1 of 2 packages")),
        ({"pypi": [SKIPPED, CLEAN], "osv": [CLEAN]}, ([], "")),
        ({"pypi": [SKIPPED], "osv": [FOUND]}, (["b 1: CVE-1"], "")),
        ({"pypi": [SKIPPED], "osv": None}, ([], "pypi does not know 1 of 1 packages; osv gave no answer")),
        ({"pypi": None, "osv": None}, ([], "pypi gave no answer; osv gave no answer")),
    ],
)
def test_what_could_not_be_looked_up_is_said(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], told: tuple[list[str], str]
) -> None:
    def asked(command: list[str], **_: Any) -> Any:
        answer = answers[command[command.index("-s") + 1]]
        stdout = "" if answer is None else json.dumps({"dependencies": answer})
        return subprocess.CompletedProcess(command, 1, stdout, "no way out")

    monkeypatch.setattr(audit.subprocess, "run", asked)
    assert audit.vulnerabilities(ROOT) == told


def test_the_judge_of_known_vulnerabilities_is_there_and_reads_our_lock() -> None:
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "-r",
        "requirements.lock",
        "--require-hashes",
        "--disable-pip",
        "--dry-run",
    ]
    done = subprocess.run(
        [*command, "--progress-spinner", "off"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert int(re.search(r"would have audited (\d+) packages", done.stderr)[1]) > 40  # type: ignore[index]


def test_ci_runs_the_audit() -> None:
    assert "make audit" in (ROOT / ".ci" / "run").read_text("utf-8")
    assert "scripts/audit.py" in (ROOT / "Makefile").read_text("utf-8")
    assert sys.version_info >= (3, 11)
