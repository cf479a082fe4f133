"""How training scales over machines: a model of a round's time, and a simulation with failures."""
