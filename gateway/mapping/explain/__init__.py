"""The second, slow back end: it walks the mapping's tree and expressions, runs no generated code, and says where each value came from.

It shares with the compiler what reads a file (YAML, grammar, tables, signatures) and the run-time words that need no
compiling; trees, operators, absence and the spelling of values are written a second time. Both back ends must make the
same bytes: ``lianpei map fuzz`` and the tests hold one against the other.
"""

from gateway.mapping.explain.act import Explained, explain_answer, explain_callback, explain_reading, explain_request
from gateway.mapping.explain.rows import Row

__all__ = ["Explained", "Row", "explain_answer", "explain_callback", "explain_reading", "explain_request"]
