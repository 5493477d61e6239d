"""``lianpei demo --scenario``: the source systems' scenarios on a house of their own."""
