"""Stand-ins for hosted embedders, for tests and for trying things without an account."""
