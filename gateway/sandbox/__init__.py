"""Insurers and a payment channel to practise against. They share no code with the gateway, only the kernel's words."""
