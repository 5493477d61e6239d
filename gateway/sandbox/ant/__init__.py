"""The Ant insurance platform's insurer: XML under a detached RSA signature, decided by callback."""

from gateway.sandbox.ant.server import AntSimulator

__all__ = ["AntSimulator"]
