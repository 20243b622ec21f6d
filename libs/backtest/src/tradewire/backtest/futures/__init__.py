"""The futures simulation: the exchange of the services over arrays of bars."""
