// Trades: which earned, which cost? What is chosen and how it is sorted is in the URL.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { FeedView, TradeView, TradesView } from "../api";
import { Copying } from "../copying";
import { useData } from "../data";
import { exact, moment, words } from "../format";
import { go } from "../keys";
import { Block, Gain, Link, Money, Table } from "../parts";

const NEWEST = 500;
const AT_ONCE = 100;
const FIELDS = ["account_id", "strategy_id", "symbol"] as const;
const SORTS: Record<string, (a: TradeView, b: TradeView) => number> = {
  newest: (a, b) => (b.exit_time_us ?? Infinity) - (a.exit_time_us ?? Infinity) || b.entry_time_us - a.entry_time_us,
  worst: (a, b) => Number(a.pnl ?? 0) - Number(b.pnl ?? 0),
  best: (a, b) => Number(b.pnl ?? 0) - Number(a.pnl ?? 0),
  longest: (a, b) => held(b) - held(a),
};

const held = (one: TradeView): number => (one.exit_time_us === null ? 0 : one.exit_time_us - one.entry_time_us);

export function Trades(): JSX.Element {
  const [most, setMost] = useState(AT_ONCE);
  const asked = new URLSearchParams(location.search);
  const sort = asked.get("sort") ?? "newest";
  const found = useData<TradesView>(`/api/v1/trades?limit=${NEWEST}`, "OrderFilled");
  const feeds = useData<FeedView[]>("/api/v1/feeds").value ?? [];
  const every = found.value?.items ?? [];
  const rows = every.filter((one) => FIELDS.every((field) => !asked.get(field) || asked.get(field) === one[field]));
  rows.sort(SORTS[sort] ?? SORTS.newest);
  const choose = (name: string, value: string): void => {
    if (value) asked.set(name, value);
    else asked.delete(name);
    go(`/trades${asked.size ? `?${asked}` : ""}`, false);
  };
  const chart = (one: TradeView): string => {
    const feed = feeds.find((feed) => feed.venue === one.venue && feed.symbol === one.symbol);
    return `/m/${one.venue}/${encodeURIComponent(one.symbol)}/${feed?.interval ?? ""}?at=${one.entry_time_us}`;
  };
  return (
    <>
      <h1 class="only-read">Trades</h1>
      <Block title="Trades" note="a strategy's share of a symbol from flat to flat, by its own fills; amounts in quote" of={found}>
        <div class="bar acts">
          {FIELDS.map((field) => (
            <select key={field} aria-label={words(field)} value={asked.get(field) ?? ""} onChange={(event) => choose(field, event.currentTarget.value)}>
              <option value="">every {words(field).replace(" id", "")}</option>
              {[...new Set(every.map((one) => one[field]))].sort().map((name) => <option key={name}>{name}</option>)}
            </select>
          ))}
          <select aria-label="order of rows" value={sort} onChange={(event) => choose("sort", event.currentTarget.value)}>{Object.keys(SORTS).map((name) => <option key={name} value={name}>{name} first</option>)}</select>
          <Copying sheet={() => ({ name: "trades", heads: HEADS, rows: rows.map((one) => HEADS.map((head) => cell(one, head))) })} />
        </div>
        <p class="bar">{sums(rows)}{found.value?.next ? `; the newest ${NEWEST} of memory, the API has more` : ""}{found.value?.complete_from_us ? `; memory is complete from ${moment(found.value.complete_from_us)} UTC` : ""}</p>
        <Table
          rows={rows.slice(0, most)}
          id={(one) => `${one.account_id} ${one.strategy_id} ${one.symbol} ${one.entry_time_us} ${one.side}`}
          empty="No trade so far, or none that fits."
          columns={[
            { head: "ended, UTC", cell: (one) => (one.exit_time_us === null ? <b>open</b> : moment(one.exit_time_us)) },
            { head: "strategy", cell: (one) => one.strategy_id },
            { head: "symbol", cell: (one) => <b>{one.symbol}</b> },
            { head: "side", cell: (one) => (one.side === "BUY" ? "long" : "short") },
            { head: "quantity", number: true, about: "base", cell: (one) => exact(one.qty) },
            { head: "entry", number: true, about: "quote per base, weighted by quantity", cell: (one) => exact(one.entry_price) },
            { head: "exit", number: true, about: "quote per base, weighted by quantity", cell: (one) => exact(one.exit_price) },
            { head: "PnL", number: true, about: "less fees, without funding", cell: (one) => <Gain of={one.pnl} /> },
            { head: "fees", number: true, cell: (one) => <Money of={one.fees} /> },
            { head: "ended by", cell: (one) => words(one.exit_leg ?? "") },
            { head: "held", number: true, cell: (one) => hours(one) },
            { head: "look", cell: (one) => <><Link to={chart(one)} label={`chart of ${one.symbol} at the entry`}>chart</Link> {one.orders[0] && <Link to={`/why/order/${encodeURIComponent(one.orders[0])}`}>why?</Link>}</> },
          ]}
        />
        {rows.length > most && <p class="bar"><button type="button" onClick={() => setMost(most + AT_ONCE)}>show {Math.min(AT_ONCE, rows.length - most)} more of {rows.length}</button></p>}
      </Block>
    </>
  );
}

const HEADS = ["account_id", "strategy_id", "venue", "symbol", "side", "qty", "entry_time_us", "exit_time_us", "entry_price", "exit_price", "fees", "pnl", "exit_leg", "orders"];

function cell(one: TradeView, head: string): string | number | null {
  return head === "orders" ? one.orders.join(" ") : (one[head as Exclude<keyof TradeView, "orders">] ?? null);
}

function hours(one: TradeView): string {
  if (one.exit_time_us === null) return "";
  const h = held(one) / 3_600_000_000;
  return h < 1 ? `${Math.round(60 * h)}\u00a0min` : h < 72 ? `${h.toFixed(1)}\u00a0h` : `${(h / 24).toFixed(1)}\u00a0d`;
}

/** Floats, and so rounded to the cent: the CSV has each exactly. */
function sums(rows: TradeView[]): JSX.Element {
  const ended = rows.filter((one) => one.pnl !== null);
  const won = ended.filter((one) => Number(one.pnl) > 0).length;
  const total = ended.reduce((sum, one) => sum + Number(one.pnl), 0);
  return <>{ended.length} ended, {won} of them won, together <Gain of={total.toFixed(2)} />; {rows.length - ended.length} open</>;
}
