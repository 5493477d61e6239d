"""From compiled pieces to a Python function: writing the source, checking it against a whitelist, locating failures."""
