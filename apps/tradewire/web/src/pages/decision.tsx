// Decision: why this trade, or none? The chain bar, values, rules, risk, orders, fills; the verdict first.
import type { ComponentChildren, JSX } from "preact";
import type { Item_OrderChanged, Item_RiskAssessed, Item_StrategyEvaluated, Page_OrderFilled, Page_OrderChanged, Page_RiskAssessed, Page_StrategyEvaluated } from "../api";
import { type Loaded, useData } from "../data";
import { exact, moment, words } from "../format";
import { Block, Gain, Link, State, Table } from "../parts";

const AROUND = 200;

/** By an order: its evaluation is looked for among the newest up to it. */
export function DecisionOfOrder(props: { id: string }): JSX.Element {
  const order = useData<Item_OrderChanged>(`/api/v1/orders/${encodeURIComponent(props.id)}`, "OrderChanged");
  const event = order.value?.event;
  if (!event) return <Block title={`Order ${props.id}`} of={order}>{""}</Block>;
  return <Chain strategy={event.strategy_id} symbol={event.symbol} to_us={order.value?.event_time_us ?? 0} evaluation={event.evaluation_id} />;
}

/** By a strategy, a symbol and the time of a bar. */
export function DecisionAt(props: { strategy: string; symbol: string; time_us: number }): JSX.Element {
  return <Chain strategy={props.strategy} symbol={props.symbol} to_us={props.time_us} evaluation={null} />;
}

/** The newest decisions, to choose from. */
export function Decisions(): JSX.Element {
  const signals = new URLSearchParams(location.search).get("all") === null;
  const path = "/api/v1/evaluations?limit=100";
  const found = useData<Page_StrategyEvaluated>(path, "StrategyEvaluated");
  const rows = (found.value?.items ?? []).filter((item) => !signals || item.event.signal !== "HOLD");
  return (
    <>
      <h1 class="only-read">Decisions</h1>
      <Block
        title="Newest decisions"
        note={signals ? "signals among the newest 100 evaluations" : "the newest 100 evaluations"}
        of={found}
      >
        <p class="bar">{signals ? <Link to="/why?all">with those that held</Link> : <Link to="/why">only signals</Link>}</p>
        <Table
          rows={rows}
          id={(item) => item.event_id}
          empty="None of the newest 100 evaluations was a signal."
          columns={[
            { head: "bar, UTC", cell: (item) => moment(item.event_time_us) },
            { head: "strategy", cell: (item) => item.event.strategy_id },
            { head: "symbol", cell: (item) => <b>{item.event.symbol}</b> },
            { head: "signal", cell: (item) => words(item.event.signal) },
            { head: "close", number: true, cell: (item) => exact(item.event.close) },
            { head: "why", cell: (item) => <Link to={`/why/${item.event.strategy_id}/${item.event.symbol}/${item.event_time_us}`}>why?</Link> },
          ]}
        />
      </Block>
    </>
  );
}

interface ChainOf {
  strategy: string;
  symbol: string;
  to_us: number;
  evaluation: string | null;
}

function Chain(props: ChainOf): JSX.Element {
  const asked = `strategy_id=${encodeURIComponent(props.strategy)}&symbol=${encodeURIComponent(props.symbol)}&to_us=${props.to_us + 1}&limit=${AROUND}`;
  const evaluations = useData<Page_StrategyEvaluated>(`/api/v1/evaluations?${asked}`);
  const chosen = (evaluations.value?.items ?? []).find((item) =>
    props.evaluation === null ? item.event_time_us === props.to_us : item.event_id === props.evaluation);
  if (!chosen) {
    const missing: Loaded<unknown> = evaluations.value === null ? evaluations
      : { ...evaluations, value: null, error: "This decision is not in memory any more; `tradewire explain` reads it from Kafka." };
    return <Block title={`${props.strategy}, ${props.symbol}, ${moment(props.to_us)} UTC`} of={missing}>{""}</Block>;
  }
  return <Decided chosen={chosen} strategy={props.strategy} symbol={props.symbol} />;
}

function Decided(props: { chosen: Item_StrategyEvaluated; strategy: string; symbol: string }): JSX.Element {
  const { chosen } = props;
  const of = `strategy_id=${encodeURIComponent(props.strategy)}&symbol=${encodeURIComponent(props.symbol)}`;
  const assessments = useData<Page_RiskAssessed>(`/api/v1/assessments?${of}&from_us=${chosen.event_time_us}&limit=1000`, "RiskAssessed");
  const orders = useData<Page_OrderChanged>(`/api/v1/orders?${of}&from_us=${chosen.event_time_us}&limit=1000`, "OrderChanged");
  const fills = useData<Page_OrderFilled>(`/api/v1/fills?${of}&from_us=${chosen.event_time_us}&limit=1000`, "OrderFilled");
  const assessed = (assessments.value?.items ?? []).find((item) => item.event.evaluation_id === chosen.event_id);
  const own = (orders.value?.items ?? []).filter((item) => item.event.evaluation_id === chosen.event_id);
  const filled = (fills.value?.items ?? []).filter((item) => item.event.evaluation_id === chosen.event_id);
  const event = chosen.event;
  return (
    <>
      <section>
        <h1>{verdict(chosen, assessed, filled.length)}</h1>
        <p class="bar">
          {event.strategy_id} version {event.config_version} on {event.symbol} {event.interval} at {event.venue}, bar of{" "}
          {moment(event.event_time_us)} UTC, close {exact(event.close)}
        </p>
      </section>
      <Block title="What the strategy saw" of={{ value: chosen, arrived_ms: null, error: null }}>
        <div class="two">
          <dl class="pairs">{Object.entries(event.seen).map(([name, value]) => <Pair key={name} name={<code>{name}</code>}>{value === null ? "not ready" : Number(value).toPrecision(8)}</Pair>)}</dl>
          <dl class="pairs">
            {(["entry_long", "exit_long", "entry_short", "exit_short"] as const).map((rule) => (
              <Pair key={rule} name={<code>{rule}</code>}>{event[rule] ? <State kind="good">true</State> : <State kind="off">false</State>}</Pair>
            ))}
            <Pair name="signal"><b>{words(event.signal)}</b></Pair>
          </dl>
        </div>
      </Block>
      <Block title="What risk said" of={assessments}>
        <Table
          rows={assessed?.event.rules ?? []}
          id={(rule) => rule.rule}
          empty={assessed ? `${words(assessed.event.decision)}: no rule had to be judged.` : "No answer of risk is in memory."}
          columns={[
            { head: "rule", cell: (rule) => <code>{rule.rule}</code> },
            { head: "passed", cell: (rule) => (rule.passed ? <State kind="good">passed</State> : <State kind="bad">failed</State>) },
            { head: "value", number: true, cell: (rule) => exact(rule.value) },
            { head: "limit", number: true, cell: (rule) => exact(rule.limit) },
          ]}
        />
      </Block>
      <Block title="Orders and fills" of={orders}>
        <Table
          rows={own}
          id={(item) => item.event.client_order_id}
          empty="No order came of it."
          columns={[
            { head: "order", cell: (item) => <code>{item.event.client_order_id}</code> },
            { head: "side", cell: (item) => item.event.side },
            { head: "leg", cell: (item) => words(item.event.leg) },
            { head: "quantity", number: true, cell: (item) => exact(item.event.qty) },
            { head: "filled", number: true, cell: (item) => exact(item.event.filled_qty) },
            { head: "status", cell: (item) => words(item.event.status) },
            { head: "fills", cell: (item) => filled.filter((fill) => fill.event.client_order_id === item.event.client_order_id).map((fill) => <>{exact(fill.event.qty)} @ {exact(fill.event.price)}, PnL <Gain of={fill.event.realized_pnl} /> </>) },
          ]}
        />
      </Block>
    </>
  );
}

function Pair(props: { name: ComponentChildren; children: ComponentChildren }): JSX.Element {
  return <div><dt>{props.name}</dt><dd>{props.children}</dd></div>;
}

function verdict(chosen: Item_StrategyEvaluated, assessed: Item_RiskAssessed | undefined, fills: number): string {
  const signal = words(chosen.event.signal);
  if (!chosen.event.ready) return "No trade: the indicators were not ready";
  if (chosen.event.signal === "HOLD") return "No trade: no rule of the strategy was true";
  const failed = assessed?.event.rules.find((rule) => !rule.passed);
  if (failed) return `No trade: risk refused ${signal}, ${failed.rule} ${exact(failed.value)} is beyond ${exact(failed.limit)}`;
  if (!assessed) return `The strategy said ${signal}; risk's answer is not known`;
  const end = fills === 0 ? "no fill so far" : fills === 1 ? "1 fill" : `${fills} fills`;
  return `The strategy said ${signal}; risk: ${words(assessed.event.decision)}; ${end}`;
}
