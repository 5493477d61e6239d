"""Messages as flat lists of fields, and what is different between two of them."""

from gateway.mapping.compare.fields import Change, Fields, by_value, changes, document_fields, value_fields

__all__ = ["Change", "Fields", "by_value", "changes", "document_fields", "value_fields"]
