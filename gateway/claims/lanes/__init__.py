"""What one insurer may take of us and we of it: places, pace, rest after failures, and the hours in which it is closed."""
