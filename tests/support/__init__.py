"""What tests of the whole house share: a hospital's side of the door, the simulators' books, sample bills."""
