"""Drafts a partner folder from the partner's own schema or sample; nothing drafted loads before a person confirms it."""

from gateway.mapping.drafting.folder import Draft, draft_folder
from gateway.mapping.drafting.outline import Contract, Part
from gateway.mapping.drafting.sources import read_contract

__all__ = ["Contract", "Draft", "Part", "draft_folder", "read_contract"]
