"""A simulated Binance USDⓈ-M futures venue on loopback: recorded candles, one account, the venue's own protocol.

Orders are matched by the simulated exchange of `tradewire.trading`; what is on the wire is `tradewire.binance`'s.
"""
