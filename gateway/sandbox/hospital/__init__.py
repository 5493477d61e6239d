"""A sample hospital: synthetic visits that tie out to the 分, three spellings of them, a client, a demo list."""
