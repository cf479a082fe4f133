"""Looking inside a network: gradient checks."""
