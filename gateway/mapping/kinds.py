"""The kinds of value that the language knows."""

from enum import StrEnum


class Kind(StrEnum):
    TEXT = "text"
    INT = "whole number"
    DECIMAL = "decimal"
    NUMBER = "written number"
    """Digits made by ``yuan_number`` or ``number``: a leaf, no more arithmetic."""
    BOOL = "true/false"
    DATE = "date"
    DATETIME = "date and time"
    ENUM = "code"
    STRUCT = "object"
    LIST = "list"
    GROUP = "group"
    """Rows with the same key, made by ``groups``; ``of`` is the types of key and row."""
    MAP = "map of texts"
    DOC = "document value"
    NULL = "null"
    ANY = "anything"
    """The value of an expression that is already reported as wrong."""
