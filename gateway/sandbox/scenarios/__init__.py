"""Scenarios: how the systems of the source documents work, played on a running house as their hospital would."""
