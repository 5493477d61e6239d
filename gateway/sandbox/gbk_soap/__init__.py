"""Simulator ``gbk-soap``: a SOAP service with one text argument, a whole GBK document in CDATA, decided at once."""

from gateway.sandbox.gbk_soap.server import GbkSoapSimulator

__all__ = ["GbkSoapSimulator"]
