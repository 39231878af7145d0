"""The processes of the service: their clocks, their presence and their variables."""
