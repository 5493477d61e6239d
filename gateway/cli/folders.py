"""Where a command finds the mappings and schemas: what was said, else what the settings name, else the project's own."""

import os
from pathlib import Path
from typing import Literal

from gateway.config import load_settings
from gateway.kernel.errors import ConfigRefused


def folder_of(name: Literal["mappings", "schemas"], said: Path | None, config: str | None = None) -> Path:
    """Raises ``ConfigRefused`` for settings that can't be read. The folder need not be there."""
    if said is not None:
        return said
    if config or os.environ.get("LIANPEI_CONFIG"):
        return Path(getattr(load_settings(config), name))
    return Path(name)


def there(folder: Path, option: str) -> Path:
    """Raises ``ConfigRefused`` where there is no such folder."""
    if not folder.is_dir():
        raise ConfigRefused(
            f"there is no folder {folder}",
            code="folder-missing",
            hint=f"Run it in the project's folder, name its settings file in LIANPEI_CONFIG, or the folder with {option}.",
        )
    return folder
