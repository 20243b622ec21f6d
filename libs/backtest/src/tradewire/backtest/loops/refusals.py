"""The rules by which a compiled loop refuses an entry, as numbers; their order is that of `assessment.rules.judge`.

An entry counts for the first rule that it breaks. The rules that loops need not know are not here: research has no kill
switch, and history no age of data.
"""

from __future__ import annotations

RULES = (
    "instrument_status",
    "positive_equity",
    "max_daily_loss",
    "max_drawdown",
    "max_orders_per_minute",
    "min_qty",
    "max_qty",
    "min_notional",
    "max_order_notional",
    "price_collar",
    "max_position_notional",
    "max_gross_exposure",
    "max_net_exposure",
    "max_leverage",
    "max_concentration",
)
"""By number."""
(
    INSTRUMENT_STATUS,
    POSITIVE_EQUITY,
    MAX_DAILY_LOSS,
    MAX_DRAWDOWN,
    MAX_ORDERS_PER_MINUTE,
    MIN_QTY,
    MAX_QTY,
    MIN_NOTIONAL,
    MAX_ORDER_NOTIONAL,
    PRICE_COLLAR,
    MAX_POSITION_NOTIONAL,
    MAX_GROSS_EXPOSURE,
    MAX_NET_EXPOSURE,
    MAX_LEVERAGE,
    MAX_CONCENTRATION,
) = range(-1, -1 - len(RULES), -1)
"""In place of a quantity: the rule that refuses the entry, below 0."""
UNCLEAR = 0
"""In place of a quantity: floats can't tell."""
PASSES = 1
"""A rule's verdict where it surely does not refuse."""
