"""Other people's XML security: the xmlsec1 command line and node packages, as scripts/test-tools installs them."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
NODE_MODULES = ROOT / "var" / "node-tools" / "node_modules"
SCRIPTS = ROOT / "tests" / "interop" / "node"


def xmlsec1(*arguments: str, directory: Path, message: bytes, ids: Iterable[str] = ()) -> tuple[bool, bytes, str]:
    """Whether the command was content, what it printed, and what it complained of. ``ids``: ``attribute:element``."""
    (directory / "message.xml").write_bytes(message)
    identities = [word for one in ids for word in ("--id-attr:" + one.split(":", 1)[0], one.split(":", 1)[1])]
    command = ["xmlsec1", *arguments, *identities, "message.xml"]
    done = subprocess.run(command, cwd=directory, capture_output=True, timeout=20, check=False)
    return done.returncode == 0, done.stdout, done.stderr.decode("utf-8", "replace")


def node(script: str, *arguments: str, message: bytes = b"") -> tuple[bool, bytes, str]:
    assert NODE_MODULES.is_dir(), "run scripts/test-tools: it installs the node packages that judge our seals"
    done = subprocess.run(
        ["node", str(SCRIPTS / script), *arguments],
        input=message,
        capture_output=True,
        timeout=30,
        check=False,
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(NODE_MODULES)},
    )
    return done.returncode == 0, done.stdout, done.stderr.decode("utf-8", "replace")
