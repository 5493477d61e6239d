"""The whole conversation on a virtual clock: one seed is one world, with faults at every boundary (docs/simulation.md)."""
