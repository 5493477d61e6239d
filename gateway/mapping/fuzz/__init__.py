"""Fuzzing of mappings: valid sources made from their types, hostile answers made from good ones, and a verdict for each.

Everything follows from a seed and a case's number, so that any finding is made again by naming the two.
"""
