"""The futures simulation: the exchange of the services over arrays of bars, the same numbers to the last unit.

The fill model is the exchange's. A signal at a bar's close becomes orders that act at the next bar's open at the
earliest. Takers pay slippage, then the tick against them. Stops, take-profits and trailing stops act where the path of
a bar reaches them: open, adverse extreme, other extreme, close; at the open after a gap; a stop before a take-profit.
The account may be bound to a share of a bar's volume; orders may arrive late. Margin is cross or isolated, with the
venue's brackets; liquidation is at the mark, with its fee; funding is paid on what is held at the close it settles by.

One compiled `loop` carries an account along, from decision (`deciding`, `sizes`) over the `walk` of a bar (`pieces`,
`touches`, `fills`) to its state (`margin`). A bar that may liquidate or refuse anything goes to the exchange itself,
which `simulation` drives; `handover` says how open orders cross. It changes no number.
"""

from tradewire.backtest.futures.engine import FuturesEngine

__all__ = ["FuturesEngine"]
