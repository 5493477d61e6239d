"""Simulator ``eclaimlink``: a claim post office (SOAP, WS-Security) and the payer behind it."""

from gateway.sandbox.eclaimlink.simulator import EClaimLink

__all__ = ["EClaimLink"]
