"""A strategy's way out: closed first, retired then, so that no position is left to nobody."""

from __future__ import annotations

from tradewire.app.operating.effects import LevelEffects
from tradewire.app.operating.operator import NoAnswerError, Operator
from tradewire.ports.events import AccountStateChanged, ControlLevel, StrategyStatusChanged

REASON = "the strategy is being retired"


async def retire_flat(operator: Operator, known: StrategyStatusChanged, within_s: float) -> StrategyStatusChanged:
    """Put the strategy at FLATTEN, wait until it has no position and no order, and retire it.

    The level stays in force: an entry that was on its way is closed too when it fills, whenever that is.

    Parameters: known: the platform's newest answer about it; within_s: longest wait for each of the two steps.
    Raises: NoAnswerError when it was not flat in time (it is not retired then, and goes on being closed);
    RetryableError.
    """
    strategy_id = known.strategy_id
    await operator.control(f"strategy:{strategy_id}", ControlLevel.FLATTEN, REASON)
    accounts = {version.account_id for version in known.active}
    try:
        await operator.until_account(lambda state: holds_nothing(state, strategy_id), accounts, within_s)
    except NoAnswerError:
        shown = await LevelEffects(operator, f"strategy:{strategy_id}", ControlLevel.FLATTEN).until_shown(0.0)
        still = "; ".join(f"{name}: {one.outcome.words} {one.detail}" for name, one in shown.items())
        raise NoAnswerError(
            f"{strategy_id} was not flat within {within_s:.0f} s and was not retired; it stays at FLATTEN. {still}. "
            f"Try again with a longer --wait-s, or tradewire resume --strategy {strategy_id}"
        ) from None
    return await operator.retire_strategy(strategy_id, within_s)


def holds_nothing(state: AccountStateChanged, strategy_id: str) -> bool:
    """Has a strategy neither a share of a position nor a working order on an account?"""
    shares = {share.strategy_id for share in state.strategy_positions if share.qty}
    return strategy_id not in shares | {order.strategy_id for order in state.open_orders}
