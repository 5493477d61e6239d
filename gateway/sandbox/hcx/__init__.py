"""Simulator ``hcx``: an exchange switch and the payer behind it (FHIR R4 bundles in JWE, results by callback)."""

from gateway.sandbox.hcx.simulator import Hcx

__all__ = ["Hcx"]
