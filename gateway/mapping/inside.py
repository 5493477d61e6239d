"""The one way that a name in a mapping folder becomes a file: below the folder after every link and ``..`` was followed."""

from pathlib import Path


def file_inside(folder: Path, name: str) -> Path | None:
    """None for no file, and for one that lies elsewhere; paths are compared part by part, not by their letters."""
    try:
        path = (folder / name).resolve()
        return path if name and path.is_relative_to(folder.resolve()) and path.is_file() else None
    except (OSError, ValueError):  # a name that no file can have: too long, or with a NUL
        return None


def leads_outside(folder: Path, name: str) -> bool:
    """Whether the name is of nothing that could lie below the folder."""
    try:
        path = (folder / name).resolve()
        return not path.is_relative_to(folder.resolve()) or path.is_dir()
    except (OSError, ValueError):
        return True
