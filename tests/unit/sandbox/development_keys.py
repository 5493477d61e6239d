"""One set of development keys for all tests of a run that need the gateway's key names."""

from pathlib import Path

import pytest

from gateway.wire.devkeys import create_development_keys


def development_keys(factory: pytest.TempPathFactory) -> Path:
    """Made once a run: the set is created where it is missing only."""
    directory = factory.getbasetemp() / "development-keys"
    create_development_keys(directory)
    return directory
