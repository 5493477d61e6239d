"""Holds one day's books of ours against an insurer's, a channel's and a hospital's: what differs is named, owned and closed."""
