"""Consents that hospitals register: recorded, shown, withdrawn (§3.1)."""
