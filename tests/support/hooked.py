"""A room's process with hooks of a test in it: ``hooked.py HOOKS.json gateway --config …``. The product knows nothing of it."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    sys.path.insert(1, str(ROOT / "tests"))

from gateway.cli import main  # noqa: E402
from gateway.cli.stage import Stage  # noqa: E402
from support import disks, stations  # noqa: E402

_KINDS: dict[str, Callable[..., object]] = {"stations": stations.install, "disk": disks.install}


@dataclass
class HookedStage(Stage):
    """``hooks``: process name -> kind of hook -> what its ``install`` is given. Read at each start."""

    hooks: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def _program(self, name: str) -> list[str]:
        if name not in self.hooks:
            return super()._program(name)
        told = self.home / f"{name}-hooks.json"
        told.write_text(json.dumps(self.hooks[name]), "utf-8")
        return [str(Path(__file__).resolve()), str(told)]


if __name__ == "__main__":
    hooks = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    for kind, told in hooks.items():
        _KINDS[kind](**told)
    sys.exit(main(sys.argv[2:]))
