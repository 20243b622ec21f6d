"""What the compiled loop keeps between bars: the columns of its integer arrays."""

from tradewire.backtest.loops.refusals import RULES

QTY, COST, STOP, TAKE, TRAIL, EXTREME, LAST_MARK = range(7)
"""Of a symbol: signed position, what it cost, levels of its protective orders (the trailing one's distance and the best
price it has seen), the last mark. 0 for an order that is not there."""
PENDING_EXIT, PENDING_SIDE, PENDING_QTY, PENDING_STOP, PENDING_TAKE, PENDING_TRAIL = range(7, 13)
"""Of a symbol: what acts at its next open. Whether to leave, side (1, -1) and quantity to enter, and its protection."""
STATE_COLUMNS = 13
WALLET, FEES, ENTRIES, FILLS, EQUITY, BLOCK, BLOCK_END, RUIN, ANSWERED, SENT, LEFT, CUT, REFUSALS = range(13)
"""Of the account's book: quote 1e-8, quote 1e-8, counts; equity at the end, 1e-8; the block of returns at hand and the
close that it ends before; the close at which nothing was left, 0 for none; signals that asked for anything, entries and
exits sent, entries cut by a cap on leverage; and, a column a rule of `refusals.RULES`, entries refused."""
BOOK_COLUMNS = REFUSALS + len(RULES)
WORTH, PEAK, FALL = range(3)
"""Of the account's gauge, float64: equity of the last close (0 after ruin) and its peak, 1e-8, and the largest fall, a
share."""
GAUGE_COLUMNS = 3
FILL_COLUMNS = 13
"""Of a logged fill: close, symbol, leg, sign, qty, price, shown price, fee, realized, position after, part of the path
(0 the open, 1 to 3) and the prices between which that part runs."""
