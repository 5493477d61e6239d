"""Simulator ``padded-xml``: XML whose values are the padded columns of a host's record, decided at once."""

from gateway.sandbox.padded_xml.server import PaddedXmlSimulator

__all__ = ["PaddedXmlSimulator"]
