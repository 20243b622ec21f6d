// Decision: why this trade, or none?
import type { JSX } from "preact";
import type { ExplanationView, Page_OrderChanged, Page_StrategyEvaluated } from "../api";
import { useData } from "../data";
import { Explained } from "../explained";
import { exact, moment, words } from "../format";
import { Block, Link, Table } from "../parts";

/** By an order. */
export function DecisionOfOrder(props: { id: string }): JSX.Element {
  const found = useData<ExplanationView>(`/api/v1/explain?client_order_id=${encodeURIComponent(props.id)}`, "OrderChanged", "OrderFilled");
  return <Explained of={found} title={`Order ${props.id}`} />;
}

export function explainPath(strategy: string, symbol: string, time_us: number): string {
  return `/api/v1/explain?strategy_id=${encodeURIComponent(strategy)}&symbol=${encodeURIComponent(symbol)}&time_us=${time_us}`;
}

/** By a strategy, a symbol and the time of a bar. */
export function DecisionAt(props: { strategy: string; symbol: string; time_us: number }): JSX.Element {
  const found = useData<ExplanationView>(explainPath(props.strategy, props.symbol, props.time_us), "OrderChanged", "OrderFilled");
  return <Explained of={found} title={`${props.strategy}, ${props.symbol}, ${moment(props.time_us)} UTC`} />;
}

/** The last order and the newest decisions, to choose from. */
export function Decisions(): JSX.Element {
  const signals = new URLSearchParams(location.search).get("all") === null;
  const found = useData<Page_StrategyEvaluated>("/api/v1/evaluations?limit=100", "StrategyEvaluated");
  const rows = (found.value?.items ?? []).filter((item) => !signals || item.event.signal !== "HOLD");
  return (
    <>
      <h1 class="only-read">Decisions</h1>
      <LastOrders />
      <Block title="Newest decisions" note={signals ? "signals among the newest 100 evaluations" : "the newest 100 evaluations"} of={found}>
        <p class="bar">
          {signals ? <Link to="/why?all">with those that held</Link> : <Link to="/why">only signals</Link>}
          {" · "}why none at another bar: choose it on the <Link to="/m">chart</Link>
        </p>
        <Table
          rows={rows}
          id={(item) => item.event_id}
          empty="None of the newest 100 evaluations was a signal."
          columns={[
            { head: "bar closed, UTC", cell: (item) => moment(item.event_time_us) },
            { head: "strategy", cell: (item) => item.event.strategy_id },
            { head: "symbol", cell: (item) => <b>{item.event.symbol}</b> },
            { head: "signal", cell: (item) => words(item.event.signal) },
            { head: "close", number: true, about: "quote per base", cell: (item) => exact(item.event.close) },
            { head: "why", cell: (item) => <Link to={`/why/${item.event.strategy_id}/${item.event.symbol}/${item.event_time_us}`}>why?</Link> },
          ]}
        />
      </Block>
    </>
  );
}

function LastOrders(): JSX.Element {
  const orders = useData<Page_OrderChanged>("/api/v1/orders?limit=5", "OrderChanged");
  return (
    <Block title="Last orders" note="newest first" of={orders}>
      <Table
        rows={orders.value?.items ?? []}
        id={(item) => item.event.client_order_id}
        empty="No order has been made yet."
        columns={[
          { head: "time, UTC", cell: (item) => moment(item.event_time_us) },
          { head: "strategy", cell: (item) => item.event.strategy_id },
          { head: "symbol", cell: (item) => <b>{item.event.symbol}</b> },
          { head: "order", cell: (item) => `${words(item.event.leg)} ${item.event.side} ${exact(item.event.qty)}` },
          { head: "status", cell: (item) => words(item.event.status) },
          { head: "why", cell: (item) => <Link to={`/why/order/${encodeURIComponent(item.event.client_order_id)}`}>why?</Link> },
        ]}
      />
    </Block>
  );
}
