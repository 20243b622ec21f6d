"""What do we hold, what did it bring, and what was refused?"""

from __future__ import annotations

from deploy.monitoring.panels import Board, Panel, increase, own


def trading() -> Board:
    """Accounts and strategies."""
    rows = {"Money": _money(), "Exposure": _exposure(), "Orders": _orders()}
    return Board(
        "tradewire-trading", "tradewire: trading", "What do we hold, what did it bring, and what was refused?", rows
    )


def _money() -> list[Panel]:
    account, strategy = "{{account}}", "{{account}} {{strategy}}"
    return [
        Panel("Equity", "Wallet and unrealized PnL, quote", "short", {own("tradewire_equity_usdt"): account}),
        Panel("Realized PnL", "Before fees, quote", "short", {own("tradewire_realized_pnl_usdt"): strategy}),
        Panel("Unrealized PnL", "At the mark, quote", "short", {own("tradewire_unrealized_pnl_usdt"): account}),
        Panel("Fees", "Paid, quote", "short", {own("tradewire_fees_paid_usdt_total"): strategy}),
        Panel("Drawdown", "Equity below its peak", "percentunit", {own("tradewire_drawdown_ratio"): account}),
    ]


def _exposure() -> list[Panel]:
    gross = {
        own("tradewire_gross_exposure_usdt"): "{{account}}",
        f"{own('tradewire_exposure_limit_ratio')} * {own('tradewire_equity_usdt')}": "{{account}} limit",
    }
    return [
        Panel(
            "Share of the limit",
            "Gross exposure as a share of what the account may hold",
            "percentunit",
            {own("tradewire_exposure_ratio"): "{{account}}"},
        ),
        Panel("Gross", "Sum of absolute notionals, and the limit, quote", "short", gross),
        Panel(
            "Net by symbol",
            "Signed notional at the mark, quote",
            "short",
            {own("tradewire_net_exposure_usdt"): "{{account}} {{symbol}}"},
        ),
    ]


def _orders() -> list[Panel]:
    return [
        Panel(
            "Decisions",
            "An hour, refusals by the first rule that failed",
            "short",
            {increase("tradewire_risk_decisions_total", "decision, rule", "1h"): "{{decision}} {{rule}}"},
        ),
        Panel(
            "Orders",
            "Transitions an hour, by new status",
            "short",
            {increase("tradewire_orders_total", "outcome", "1h"): "{{outcome}}"},
        ),
        Panel(
            "Ledger and venue",
            "Orders that only one of them knows",
            "short",
            {own("tradewire_ledger_mismatch_orders"): "{{account}}"},
        ),
        Panel(
            "Halted accounts",
            "1: no order that opens a position is taken, for records and venue differ",
            "short",
            {own("tradewire_account_halted"): "{{account}}"},
        ),
        Panel(
            "Orphaned stops",
            "conditional orders at the venue that guarded nothing and were withdrawn, in the last hour",
            "short",
            {f"sum(increase({own('tradewire_orphaned_stops_total')}[1h]))": "withdrawn"},
        ),
    ]
