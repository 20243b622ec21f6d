// Duty: does anything need me now?
import type { JSX } from "preact";
import { alertsOf } from "../alerts";
import type { Item_OrderFilled, Item_RiskAssessed } from "../api";
import { count, exact, moment } from "../format";
import { Block, Gain, Link, Money, State, Table } from "../parts";
import { useAccounts, useControls, useFills, useRefusals, useServices, useStrategies } from "../sources";
import { ratio } from "../format";
import { Held } from "./positions";

const NEWEST = 8;

export function Duty(): JSX.Element {
  return (
    <>
      <Alerts />
      <Accounts />
      <Held />
      <div class="two">
        <Newest />
        <Pipeline />
      </div>
    </>
  );
}

function Alerts(): JSX.Element {
  const services = useServices();
  const controls = useControls();
  const found = alertsOf(services.value?.services ?? [], controls.value ?? [], useStrategies().value ?? [], useAccounts().value ?? []);
  const known = services.value !== null;
  return (
    <section aria-live="polite">
      <h1>{!known ? "Reading the platform…" : found.length === 0 ? "Nothing needs you" : `${found.length} need you`}</h1>
      {found.map((one) => (
        <div class="alert" key={one.id}>
          <State kind={one.severity === "critical" ? "bad" : "warn"}>{one.severity}</State>
          <p>{one.what}</p>
          <Link to={one.page} label={`Open: ${one.what}`}>open</Link>
        </div>
      ))}
    </section>
  );
}

function Accounts(): JSX.Element {
  const accounts = useAccounts();
  return (
    <Block title="Accounts" note="amounts in the account's quote currency, since its start" of={accounts}>
      <Table
        rows={accounts.value ?? []}
        id={(one) => one.account_id}
        empty="No account has traded yet: one appears with its first bar."
        columns={[
          { head: "account", cell: (one) => <b>{one.account_id}</b> },
          { head: "equity", number: true, about: "wallet balance and unrealized PnL", cell: (one) => <Money of={one.equity} /> },
          { head: "realized PnL", number: true, about: "before fees and funding", cell: (one) => <Gain of={one.realized_pnl} /> },
          { head: "open PnL", number: true, about: "unrealized, at the mark", cell: (one) => <Gain of={one.unrealized_pnl} /> },
          { head: "fees", number: true, cell: (one) => <Money of={one.fees_paid} /> },
          { head: "drawdown", number: true, about: "below the highest equity", cell: (one) => ratio(one.drawdown_ratio) },
          { head: "gross exposure", number: true, about: "notional of all positions", cell: (one) => <Money of={one.gross_exposure} /> },
          { head: "as of, UTC", number: true, cell: (one) => <span class="muted">{moment(one.as_of_us)}</span> },
        ]}
      />
    </Block>
  );
}

type Line = { time_us: number; id: string; fill: Item_OrderFilled | null; refusal: Item_RiskAssessed | null };

function Newest(): JSX.Element {
  const fills = useFills(NEWEST);
  const refusals = useRefusals(NEWEST);
  const lines: Line[] = [
    ...(fills.value?.items ?? []).map((fill) => ({ time_us: fill.event_time_us, id: fill.event_id, fill, refusal: null })),
    ...(refusals.value?.items ?? []).map((refusal) => ({ time_us: refusal.event_time_us, id: refusal.event_id, fill: null, refusal })),
  ].sort((a, b) => b.time_us - a.time_us).slice(0, NEWEST);
  return (
    <Block title="Newest fills and refusals" of={fills}>
      <Table
        rows={lines}
        id={(line) => line.id}
        empty="No fill and no refusal so far."
        columns={[
          { head: "event time, UTC", cell: (line) => moment(line.time_us) },
          { head: "what", cell: what },
          { head: "strategy", cell: (line) => (line.fill ?? line.refusal)?.event.strategy_id },
          { head: "why", cell: (line) => <Link to={why(line)}>why?</Link> },
        ]}
      />
    </Block>
  );
}

function what(line: Line): string {
  if (line.fill) {
    const { side, qty, symbol, price } = line.fill.event;
    return `\u2713 ${side} ${exact(qty)} ${symbol} @ ${exact(price)}`;
  }
  const failed = line.refusal?.event.rules.find((rule) => !rule.passed);
  return `\u2715 refused: ${line.refusal?.event.symbol}, ${failed ? failed.rule : "no rule named"}`;
}

function why(line: Line): string {
  if (line.fill) return `/why/order/${encodeURIComponent(line.fill.event.client_order_id)}`;
  const event = line.refusal?.event;
  return `/why/${event?.strategy_id}/${event?.symbol}/${event?.event_time_us}`;
}

function Pipeline(): JSX.Element {
  const services = useServices();
  return (
    <Block title="Platform" of={services}>
      <Table
        rows={services.value?.services ?? []}
        id={(one) => one.name}
        empty="No service is known."
        columns={[
          { head: "service", cell: (one) => <Link to="/platform">{one.name}</Link> },
          { head: "state", cell: (one) => <State kind={one.state === "ready" ? "good" : one.state === "down" ? "bad" : "warn"}>{one.state}</State> },
          { head: "handled", number: true, about: "records since its start", cell: (one) => count(one.handled) },
        ]}
      />
    </Block>
  );
}
