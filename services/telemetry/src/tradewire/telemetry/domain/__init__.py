"""What telemetry knows: accounts, orders, fills, decisions and how fresh they are. Pure."""
