"""Expressions: a closed grammar, parsed by Python's parser, typed here and written out again as new source."""

from gateway.mapping.expressions.compile import compile_condition, compile_expression, compile_loop

__all__ = ["compile_condition", "compile_expression", "compile_loop"]
