// Positions: what do we hold, what may still fill?
import type { JSX } from "preact";
import type { PositionView } from "../api";
import { UNKNOWN, decimal, exact, moment, words } from "../format";
import { Block, Gain, Link, Table } from "../parts";
import { usePositions, useWorking } from "../sources";

export function Positions(): JSX.Element {
  const working = useWorking();
  return (
    <>
      <h1 class="only-read">Positions</h1>
      <Held />
      <Block title="Working orders" note="may still fill" of={working}>
        <Table
          rows={working.value?.items ?? []}
          id={(item) => item.event.client_order_id}
          empty="No order is at work."
          columns={[
            { head: "account", cell: (item) => item.event.account_id },
            { head: "symbol", cell: (item) => <b>{item.event.symbol}</b> },
            { head: "side", cell: (item) => item.event.side },
            { head: "quantity", number: true, about: "base", cell: (item) => exact(item.event.qty) },
            { head: "filled", number: true, about: "base", cell: (item) => exact(item.event.filled_qty) },
            { head: "type", cell: (item) => words(item.event.order_type) },
            { head: "price", number: true, about: "quote per base: limit, or the stop's trigger", cell: (item) => exact(item.event.price ?? item.event.stop_price) },
            { head: "leg", cell: (item) => words(item.event.leg) },
            { head: "status", cell: (item) => words(item.event.status) },
            { head: "strategy", cell: (item) => item.event.strategy_id },
            { head: "since, UTC", cell: (item) => <span class="muted">{moment(item.event_time_us)}</span> },
            { head: "why", cell: (item) => <Link to={`/why/order/${encodeURIComponent(item.event.client_order_id)}`}>why?</Link> },
          ]}
        />
      </Block>
    </>
  );
}

/** Net positions, over all accounts. */
export function Held(): JSX.Element {
  const positions = usePositions();
  return (
    <Block title="Positions" note="net, by account" of={positions}>
      <Table
        rows={positions.value ?? []}
        id={(one) => `${one.account_id} ${one.venue} ${one.symbol}`}
        empty="No position is open."
        columns={[
          { head: "account", cell: (one) => one.account_id },
          { head: "symbol", cell: (one) => <><b>{one.symbol}</b> <span class="muted">{one.venue}</span></> },
          { head: "quantity", number: true, about: "base; + long, \u2212 short", cell: (one) => exact(one.qty, true) },
          { head: "entry", number: true, about: "quote per base", cell: (one) => exact(one.entry_price) },
          { head: "mark", number: true, about: "quote per base", cell: (one) => exact(one.mark_price) },
          { head: "open PnL", number: true, about: "quote, unrealized at the mark", cell: (one) => <Gain of={one.unrealized_pnl} /> },
          { head: "to liquidation", number: true, about: "of the mark", cell: distance },
          { head: "strategies", cell: (one) => Object.entries(one.shares).map(([name, qty]) => `${name} ${exact(qty, true)}`).join(", ") },
          { head: "as of, UTC", cell: (one) => <span class="muted">{moment(one.as_of_us)}</span> },
        ]}
      />
    </Block>
  );
}

/** Distance from the mark to the liquidation price, a ratio of the mark: only for the eye, so a float will do. */
function distance(one: PositionView): JSX.Element | string {
  if (one.liquidation_price === null) return UNKNOWN;
  const mark = Number(one.mark_price);
  const share = (Math.abs(Number(one.liquidation_price) - mark) / mark) * 100;
  return <span title={`at ${one.liquidation_price}`}>{decimal(share.toFixed(4), 1)}{"\u00a0"}%</span>;
}
