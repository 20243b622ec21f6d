"""The protocol of Binance USDⓈ-M futures: what is on the wire, as frozen values. No I/O, no clock, no port.

Client and server share it: the adapters of ingest and execution, and the simulated venue. Each fact stands once, with
its source. "Binance docs" are the pages under developers.binance.com/docs/derivatives/usds-margined-futures, as of
2026-03, checked against the docstrings of binance-sdk-derivatives-trading-usds-futures 18.1.0 and ccxt 4.5.90.
"""
