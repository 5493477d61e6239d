"""A partner folder as a table that people read: each field of the message and where it comes from."""

from gateway.mapping.fieldtable.page import page
from gateway.mapping.fieldtable.rows import ActTable, Row, Section, act_table

__all__ = ["ActTable", "Row", "Section", "act_table", "page"]
