"""The 惠医保 insurer: JSON signed and encrypted with SM2, amounts in 分, results by callback."""

from gateway.sandbox.huiyibao.server import HuiyibaoSimulator

__all__ = ["HuiyibaoSimulator"]
