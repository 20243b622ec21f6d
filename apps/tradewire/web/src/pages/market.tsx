// Market: what did the market do, and we in it?
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Annotation, Annotations, CandlesView, ExplanationView, FeedView, InstrumentChanged, StrategyView } from "../api";
import { BAR_FIELDS, Chart, LINES, barOf } from "../chart";
import { useData } from "../data";
import { Explained, shown } from "../explained";
import { moment, words } from "../format";
import { go } from "../keys";
import { Block, Link, State, Table } from "../parts";
import { useStrategies } from "../sources";
import { explainPath } from "./decision";

const BARS = [300, 1000, 5000];
const ROWS = 8;
const KINDS = ["ENTRY", "EXIT", "REFUSAL", "REJECTION", "LIQUIDATION", "CONFIG", "GAP"] as const;
const FEED: Record<string, "good" | "warn" | "bad" | "off"> = { LIVE: "good", LATE: "warn", DEAD: "bad", ENDED: "off", UNKNOWN: "warn" };

interface Series {
  venue: string;
  symbol: string;
  interval: string;
}

/** The chart of a series; without one, of the first that there is. */
export function Market(props: { venue?: string; symbol?: string; interval?: string }): JSX.Element {
  const feeds = useData<FeedView[]>("/api/v1/feeds", "CandleClosed");
  const known = feeds.value ?? [];
  const fits = known.filter((one) => (!props.venue || one.venue === props.venue) && (!props.symbol || one.symbol === props.symbol));
  const feed = fits.find((one) => one.interval === props.interval) ?? fits[0];
  if (!feed) {
    const what = props.symbol ? `No bars of ${props.venue} ${props.symbol} have come yet.` : "No bars have come yet.";
    return <><h1 class="only-read">Market</h1><Block title="Market" of={feeds}><p class="empty">{what}</p></Block></>;
  }
  return <SeriesPage feed={feed} all={known} key={`${feed.venue} ${feed.symbol} ${feed.interval}`} />;
}

const pathOf = (one: Series, at_us: number | null): string =>
  `/m/${one.venue}/${encodeURIComponent(one.symbol)}/${one.interval}${at_us === null ? "" : `?at=${at_us}`}`;

function SeriesPage(props: { feed: FeedView; all: FeedView[] }): JSX.Element {
  const { feed } = props;
  const [limit, setLimit] = useState(BARS[0] ?? 300);
  const [kinds, setKinds] = useState<ReadonlySet<string>>(new Set(KINDS));
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  const [which, setWhich] = useState<string | null>(null);
  const [row, setRow] = useState<number | null>(null);
  const trading = (useStrategies().value ?? []).filter((one) => trades(one, feed));
  const strategy = trading.find((one) => one.strategy_id === which) ?? trading[0];
  const at = Number(new URLSearchParams(location.search).get("at"));
  const at_us = at > 0 ? at : null;
  const of = `venue=${feed.venue}&symbol=${encodeURIComponent(feed.symbol)}`;
  const until_us = at_us === null ? null : windowEnd(feed, limit, at_us);
  const stretch = until_us === null ? "" : `&to_us=${until_us}`;
  const candles = useData<CandlesView>(`/api/v1/candles?${of}&interval=${feed.interval}&limit=${limit}${stretch}`, "CandleClosed");
  const marks = useData<Annotations>(`/api/v1/annotations?${of}&limit=1000`, "OrderFilled", "OrderChanged", "RiskAssessed", "GapDetected", "StrategyStatusChanged");
  const view = candles.value;
  const names = view ? Object.keys(view.values).filter((name) => !BAR_FIELDS.has(name)) : [];
  const onPrices = useMemo(() => new Set(view ? names.filter((name) => isPrice(view, name)) : []), [names.join(), view === null]);
  const own = new Set(strategy?.active.flatMap((version) => version.demands));
  const on = chosen ?? new Set(names.filter((name) => own.has(name) && onPrices.has(name)));
  const lines = names.filter((name) => on.has(name)).map((name) => ({ name, onPrices: onPrices.has(name) }));
  const wanted = useMemo(() => (marks.value?.items ?? []).filter((mark) => kinds.has(mark.kind)), [marks.value, kinds]);
  return (
    <>
      <h1 class="only-read">{feed.symbol} {feed.interval} at {feed.venue}</h1>
      <Block title={<Head feed={feed} all={props.all} />} of={candles}>
        {view && (
          <>
            <details class="tools" open={innerWidth > 700}>
              <summary>marks, indicators, bars</summary>
              <Toggles label="marks" names={KINDS} on={kinds} set={setKinds} />
              <Toggles label="indicators" names={names} on={on} set={setChosen} />
              <label class="inline">bars <select value={limit} onChange={(event) => setLimit(Number(event.currentTarget.value))}>{BARS.map((one) => <option key={one} value={one}>{one}</option>)}</select></label>
              {trading.length > 1 && <label class="inline">strategy <select value={strategy?.strategy_id} onChange={(event) => { setWhich(event.currentTarget.value); setChosen(null); }}>{trading.map((one) => <option key={one.strategy_id}>{one.strategy_id}</option>)}</select></label>}
            </details>
            <Legend view={view} row={row ?? view.time_us.length - 1} names={lines.map((line) => line.name)} />
            <Chart candles={view} marks={wanted} lines={lines} at_us={at_us} choose={(time_us) => go(pathOf(feed, time_us), false)} over={setRow} />
            <p class="bar">{kept(view, marks.value)}</p>
          </>
        )}
      </Block>
      {view && at_us !== null && <Why feed={feed} view={view} at_us={at_us} marks={marks.value?.items ?? []} strategy={strategy} />}
      {view && <Newest feed={feed} view={view} marks={marks.value?.items ?? []} />}
    </>
  );
}

/** Where the bars to draw end when the bar that is looked at is older than the newest of them; null: at the newest. */
function windowEnd(feed: FeedView, limit: number, at_us: number): number | null {
  const [, number = "1", unit = "m"] = /^(\d+)([mhdw])$/.exec(feed.interval) ?? [];
  const step_us = Number(number) * 60_000_000 * ({ m: 1, h: 60, d: 1440, w: 10_080 }[unit] ?? 1);
  return at_us > feed.last_event_us - limit * step_us ? null : at_us + Math.floor(limit / 2) * step_us;
}

function Head(props: { feed: FeedView; all: FeedView[] }): JSX.Element {
  const { feed } = props;
  const found = useData<InstrumentChanged[]>(`/api/v1/instruments?venue=${feed.venue}&symbol=${encodeURIComponent(feed.symbol)}`).value?.[0];
  return (
    <>
      {props.all.length > 1
        ? <select aria-label="series" class="series" value={pathOf(feed, null)} onChange={(event) => go(event.currentTarget.value)}>{props.all.map((one) => <option key={pathOf(one, null)} value={pathOf(one, null)}>{one.venue} {one.symbol} {one.interval}</option>)}</select>
        : <span>{feed.symbol} {feed.interval} <span class="note">{feed.venue}</span></span>}
      <span class="note">{found ? `prices in ${found.quote} per ${found.base}, volume in ${found.base}` : "prices in quote per base"}; times UTC, at a bar's close</span>
      <span class="note">newest bar closed {moment(feed.last_event_us)}</span>
      <State kind={FEED[feed.state] ?? "warn"}>feed {words(feed.state)}</State>
    </>
  );
}

function Toggles(props: { label: string; names: readonly string[]; on: ReadonlySet<string>; set: (on: ReadonlySet<string>) => void }): JSX.Element | null {
  if (props.names.length === 0) return null;
  return (
    <fieldset class="toggles">
      <legend>{props.label}</legend>
      {props.names.map((name) => (
        <button key={name} type="button" aria-pressed={props.on.has(name)} onClick={() => {
          const on = new Set(props.on);
          if (!on.delete(name)) on.add(name);
          props.set(on);
        }}>{/^[A-Z_]+$/.test(name) ? words(name) : name}</button>
      ))}
    </fieldset>
  );
}

function Legend(props: { view: CandlesView; row: number; names: string[] }): JSX.Element {
  const { view, row } = props;
  const prices = [["open", view.open], ["high", view.high], ["low", view.low], ["close", view.close], ["volume", view.volume]] as const;
  return (
    <p class="bar legend">
      <b>{moment(view.time_us[row])}</b>{" "}
      {prices.map(([name, column]) => <span key={name}><span class="muted">{name}</span> {shown(column[row])} </span>)}
      {props.names.map((name, n) => <span key={name}><span class="line" style={{ background: `var(${LINES[n % LINES.length]})` }} aria-hidden="true" /><code>{name}</code> {shown(view.values[name]?.[row])} </span>)}
    </p>
  );
}

/** Why at a bar: what happened then, and what the strategy decided. */
function Why(props: { feed: FeedView; view: CandlesView; at_us: number; marks: Annotation[]; strategy: StrategyView | undefined }): JSX.Element {
  const { view, at_us, strategy } = props;
  const row = view.time_us.indexOf(at_us);
  const step = (by: number): void => {
    const next = view.time_us[row + by];
    if (next !== undefined) go(pathOf(props.feed, next), false);
  };
  return (
    <>
      <section data-at={at_us}>
        <h2>
          Bar that closed {moment(at_us)} UTC
          <span class="acts">
            <button type="button" disabled={row <= 0} onClick={() => step(-1)}>earlier bar</button>
            <button type="button" disabled={row < 0 || row === view.time_us.length - 1} onClick={() => step(1)}>later bar</button>
          </span>
        </h2>
        {happened(props.marks, view, at_us).map((mark) => <p class="bar" key={`${mark.kind} ${mark.ref}`}><b>{words(mark.kind)}</b> {mark.text} {mark.client_order_id && <Link to={`/why/order/${encodeURIComponent(mark.client_order_id)}`}>why?</Link>}</p>)}
        {!strategy && <p class="empty">No strategy that is in force trades {props.feed.symbol} on {props.feed.interval} bars.</p>}
      </section>
      {strategy && <Explanation strategy={strategy.strategy_id} symbol={props.feed.symbol} at_us={at_us} key={`${strategy.strategy_id} ${at_us}`} />}
    </>
  );
}

function Explanation(props: { strategy: string; symbol: string; at_us: number }): JSX.Element {
  const found = useData<ExplanationView>(explainPath(props.strategy, props.symbol, props.at_us), "OrderChanged", "OrderFilled");
  return <Explained of={found} title={props.strategy} level={2} />;
}

/** The newest bars in words, for the keyboard and for who can't see the chart. */
function Newest(props: { feed: FeedView; view: CandlesView; marks: Annotation[] }): JSX.Element {
  const { view } = props;
  const rows = view.time_us.map((_, n) => n).slice(-ROWS).reverse();
  return (
    <Block title="Bars" note="the newest of those drawn" of={{ value: view, arrived_ms: null, error: null }}>
      <Table
        rows={rows}
        id={(n) => `${view.time_us[n]}`}
        empty=""
        columns={[
          { head: "bar closed, UTC", cell: (n) => moment(view.time_us[n]) },
          { head: "open", number: true, cell: (n) => shown(view.open[n]) },
          { head: "high", number: true, cell: (n) => shown(view.high[n]) },
          { head: "low", number: true, cell: (n) => shown(view.low[n]) },
          { head: "close", number: true, cell: (n) => shown(view.close[n]) },
          { head: "volume", number: true, cell: (n) => shown(view.volume[n]) },
          { head: "what happened", cell: (n) => happened(props.marks, view, view.time_us[n] ?? 0).map((mark) => mark.text).join("; ") },
          { head: "why", cell: (n) => <Link to={pathOf(props.feed, view.time_us[n] ?? 0)}>why?</Link> },
        ]}
      />
    </Block>
  );
}

function happened(marks: Annotation[], view: CandlesView, at_us: number): Annotation[] {
  return marks.filter((mark) => barOf(mark.time_us, view.time_us) === at_us);
}

function trades(one: StrategyView, feed: Series): boolean {
  return one.active.some((version) => version.venue === feed.venue && version.interval === feed.interval && version.symbols.includes(feed.symbol));
}

/** Are the values of an indicator on the scale of prices? By the newest that there is. */
function isPrice(view: CandlesView, name: string): boolean {
  const values = view.values[name] ?? [];
  for (let n = values.length - 1; n >= 0; n -= 1) {
    const share = (values[n] ?? NaN) / (view.close[n] ?? NaN);
    if (Number.isFinite(share)) return share > 0.4 && share < 2.5;
  }
  return false;
}

function kept(view: CandlesView, marks: Annotations | null): string {
  const bars = view.dropped ? `bars in memory begin ${moment(view.kept_from_us)} UTC, older ones are on the topic; ` : "";
  const complete = marks?.complete_from_us == null ? "" : `marks in memory are complete from ${moment(marks.complete_from_us)} UTC; `;
  return `${bars}${complete}click a bar for why, or choose one below`;
}
