"""What comes with the program and what must not: locked packages, their licences, known vulnerabilities, and secrets in files.

Run by ``make audit``; exit status 1 when something is wrong. What could not be looked up is said and fails only with
``--strict``. Standard library only, so that the judge brings nothing of its own.
"""

import hashlib
import importlib.metadata as metadata
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
BASELINE = Path("scripts/secrets-known.txt")
PERMITTED = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|PYTHON|Python Software Foundation|MPL|Mozilla Public|Unlicense|0BSD|zlib|Public Domain"
    r"|any-OSI|LGPL|Lesser General)\b",
    re.I,
)
"""Licences that let a hospital run and change the program; LGPL libraries are used unchanged."""
_NAME = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^ \\;]+)([^\\\n]*)((?:\s*\\\n\s+--hash=sha256:[0-9a-f]{64})*)", re.M
)
_BLOCK = "-----BEGIN [A-Z ]*PRIVATE KEY-----"
SECRETS = {
    "private key": re.compile(_BLOCK + r"(?:\\n|\s)+[A-Za-z0-9+/]{40}[A-Za-z0-9+/=\s\\]*"),
    "cloud key": re.compile(r"\b(?:AKIA|ASIA|LTAI)[A-Z0-9a-z]{16,24}\b"),
    "access token": re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|glpat-[A-Za-z0-9_-]{20}|xox[abpr]-[A-Za-z0-9-]{20,}|pypi-[A-Za-z0-9_-]{60,})"
    ),
    "assigned secret": re.compile(
        r"(?i)\b(?:secret|passw(?:or)?d|pwd|token|api_?key|access_?key)[\"']?\s*[:=]\s*[\"']([A-Za-z0-9+/_-]{24,})[\"']"
    ),
}  # fmt: skip
_MOST = 2_000_000
ADVISORIES = ("pypi", "osv")
_PATIENCE_S = 120


def locked(root: Path, lock: str) -> dict[str, tuple[str, bool]]:
    """Package -> (version, whether it has hashes)."""
    text = (root / lock).read_text("utf-8")
    return {_plain(name): (version, bool(hashes.strip())) for name, version, _, hashes in _NAME.findall(text)}


def lock_problems(root: Path) -> Iterator[str]:
    """Packages without a hash, lines that pin nothing, dependencies that no lock has."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    for lock in LOCKS:
        found = locked(root, lock)
        starts = [line for line in (root / lock).read_text("utf-8").splitlines() if re.match(r"[A-Za-z0-9]", line)]
        if len(starts) != len(found):
            yield f"{lock}: {len(starts) - len(found)} lines pin no version"
        yield from (f"{lock}: {name} has no hash" for name, (_, hashed) in found.items() if not hashed)
        extras = project["optional-dependencies"].values() if lock == LOCKS[1] else ()
        wanted = [*project["dependencies"], *(one for extra in extras for one in extra)]
        names = {_plain(re.split(r"[<>=\[;! ]", one)[0]) for one in wanted}
        yield from (f"{lock}: {name} is wanted and not locked (make lock)" for name in sorted(names - found.keys()))


def installed_problems(root: Path) -> Iterator[str]:
    """Installed packages that are not the locked version, or whose licence nobody has permitted."""
    for name, (version, _) in locked(root, LOCKS[1]).items():
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another platform or Python
        if found.version != version:
            yield f"{name} {found.version} is installed, {version} is locked"
        if not PERMITTED.search(licence(found)):
            yield f"{name}: licence not permitted or not told: {licence(found)[:60]!r}"


def licence(package: metadata.Distribution) -> str:
    about = package.metadata
    classifiers = [one for one in about.get_all("Classifier") or [] if one.startswith("License")]
    return " ".join([about.get("License-Expression") or "", (about.get("License") or "")[:200], *classifiers])


def secrets(root: Path) -> Iterator[tuple[str, str, str]]:
    """(file, kind, digest) of every text that looks like a secret."""
    for file in files(root):
        if file.stat().st_size > _MOST or file.name in LOCKS:
            continue
        text = file.read_text("utf-8", "replace")
        for kind, pattern in SECRETS.items():
            for found in pattern.finditer(text):
                yield str(file.relative_to(root)), kind, hashlib.sha256(found[0].strip().encode()).hexdigest()[:16]


def secret_problems(root: Path) -> Iterator[str]:
    known = known_secrets(root)
    found = list(secrets(root))
    for file, kind, digest in found:
        if (file, digest) not in known:
            yield f"{file}: looks like a {kind}; take it out, or if it protects nothing add `{file} {digest} why` to {BASELINE}"
    there = {(file, digest) for file, _, digest in found}
    yield from (f"{BASELINE}: {file} {digest} is no longer there" for file, digest in sorted(known - there))


def known_secrets(root: Path) -> set[tuple[str, str]]:
    """Each line of the baseline is: file, digest, and why it is no secret."""
    path = root / BASELINE
    lines = [line.split(None, 2) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    return {(file, digest) for file, digest, _why in lines}


def files(root: Path) -> list[Path]:
    """What is or would be committed."""
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=root, capture_output=True, check=True
    )
    return [root / name for name in sorted(done.stdout.decode().split("\0")) if name and (root / name).is_file()]


def vulnerabilities(root: Path) -> tuple[list[str], str]:
    """Known vulnerabilities of the locked runtime packages, and why they could not all be looked up (empty: they were).

    The second service is asked where the first one cannot answer for every package.
    """
    reasons = []
    for service in ADVISORIES:
        bad, reason = _looked_up(root, service)
        if bad or not reason:
            return bad, reason
        reasons.append(f"{service} {reason}")
    return [], "; ".join(reasons)


def _looked_up(root: Path, service: str) -> tuple[list[str], str]:
    command = [sys.executable, "-m", "pip_audit", "-r", LOCKS[0], "--require-hashes", "--disable-pip", "-f", "json"]
    command += ["-s", service, "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
        told = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return [], "gave no answer"
    bad = [f"{one['name']} {one['version']}: {entry['id']}" for one in told for entry in one.get("vulns", [])]
    skipped = sum("skip_reason" in one for one in told)
    return bad, f"does not know {skipped} of {len(told)} packages" if skipped else ""


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    wrong = [*lock_problems(ROOT), *installed_problems(ROOT), *secret_problems(ROOT)]
    check = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    wrong += check.stdout.strip().splitlines() if check.returncode else []
    bad, unknown = vulnerabilities(ROOT)
    for line in (*wrong, *bad):
        print(f"  ✗ {line}")
    if unknown:
        print(f"NOT LOOKED UP: known vulnerabilities: {unknown}")
    runtime, whole = (len(locked(ROOT, lock)) for lock in LOCKS)
    print(
        f"{runtime} runtime and {whole} development packages locked by hash; {len(files(ROOT))} files scanned for secrets"
    )
    return 1 if wrong or bad or (unknown and "--strict" in sys.argv) else 0


if __name__ == "__main__":
    sys.exit(main())
