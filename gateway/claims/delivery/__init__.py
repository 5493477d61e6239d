"""Brings a hospital its events by itself (webhooks), and keeps count of what it has not yet read in its feed."""
