"""Runs the console blocks of a page and gives the page as it should read."""

import contextlib
import io
import re
import shlex
import subprocess
from pathlib import Path

from gateway.cli import main

_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def walked(page: str) -> str:
    """The page with each command followed by what it prints, in the current folder."""
    return _BLOCK.sub(lambda found: f"```console\n{''.join(map(_run, _commands(found[1])))}```", page)


def _commands(block: str) -> list[str]:
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def _run(command: str) -> str:
    words = shlex.split(command)
    if words[0] == "lianpei":
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            main(words[1:])
        return f"$ {command}\n{out.getvalue()}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=30, check=True)
    return f"$ {command}\n{done.stdout}"


def workplace(folder: Path, repository: Path) -> None:
    """An empty house beside the real documentation."""
    (folder / "docs").symlink_to(repository / "docs")
    (folder / "mappings" / "insurers").mkdir(parents=True)
