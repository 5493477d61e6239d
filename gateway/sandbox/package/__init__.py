"""The package protocol insurer (商保协议包, the 泰康-like dialect): JSON, AES, synchronous."""

from gateway.sandbox.package.server import PackageSimulator

__all__ = ["PackageSimulator"]
