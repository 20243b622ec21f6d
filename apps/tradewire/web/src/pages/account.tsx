// Account: how much was made, and how near is a limit?
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { AccountView, CurveView, LimitUseView, LimitsInUseView, PnlRow, PnlView } from "../api";
import { Copying } from "../copying";
import { Curve } from "../curve";
import { useData } from "../data";
import { UNKNOWN, count, decimal, exact, moment, ratio } from "../format";
import { Block, Gain, Link, Money, State, Table } from "../parts";
import { useAccounts } from "../sources";

const DAYS = 60;
const NEAR = 0.8;

/** The accounts to choose from; of a single one, itself. */
export function Accounts(): JSX.Element {
  const accounts = useAccounts();
  const known = accounts.value ?? [];
  const only = known[0];
  if (known.length === 1 && only) return <Account id={only.account_id} />;
  return (
    <>
      <h1 class="only-read">Accounts</h1>
      <Block title="Accounts" note="amounts in each account's quote currency" of={accounts}>
        <Table
          rows={known}
          id={(one) => one.account_id}
          empty="No account has traded yet: one appears with its first bar."
          columns={[
            { head: "account", cell: (one) => <Link to={`/a/${encodeURIComponent(one.account_id)}`}>{one.account_id}</Link> },
            { head: "equity", number: true, cell: (one) => <Money of={one.equity} /> },
            { head: "drawdown", number: true, about: "below the highest equity", cell: (one) => ratio(one.drawdown_ratio) },
            { head: "as of, UTC", cell: (one) => <span class="muted">{moment(one.as_of_us)}</span> },
          ]}
        />
      </Block>
    </>
  );
}

export function Account(props: { id: string }): JSX.Element {
  const path = `/api/v1/accounts/${encodeURIComponent(props.id)}`;
  const account = useData<AccountView>(path, "AccountStateChanged");
  return (
    <>
      <h1 class="only-read">Account {props.id}</h1>
      <Block title={<>Account {props.id}</>} note={account.value ? `amounts in its quote currency, as of ${moment(account.value.as_of_us)} UTC` : ""} of={account}>
        {account.value && <Figures of={account.value} />}
      </Block>
      <Equity path={path} />
      <Limits id={props.id} />
      <ByDay id={props.id} />
      <div class="two even">
        <By id={props.id} by="strategy" />
        <By id={props.id} by="symbol" />
      </div>
    </>
  );
}

function Figures({ of }: { of: AccountView }): JSX.Element {
  const key = (name: string, value: JSX.Element | string, about: string): JSX.Element => <div title={about}><dt>{name}</dt><dd>{value}</dd></div>;
  return (
    <dl class="figures">
      {key("equity", <Money of={of.equity} />, "wallet balance and unrealized PnL")}
      {key("wallet balance", <Money of={of.wallet_balance} />, "cash: deposits, realized PnL, fees and funding")}
      {key("open PnL", <Gain of={of.unrealized_pnl} />, "unrealized, at the mark")}
      {key("realized PnL", <Gain of={of.realized_pnl} />, "since the account's start, before fees and funding")}
      {key("fees", <Money of={of.fees_paid} />, "since the account's start")}
      {key("funding paid", <Money of={of.funding_paid} />, "since the account's start; negative: received")}
      {key("drawdown", ratio(of.drawdown_ratio), `below the highest equity, ${of.peak_equity}`)}
      {key("gross exposure", <Money of={of.gross_exposure} />, "sum of sizes at the mark")}
      {key("initial margin", <Money of={of.initial_margin} />, "what positions and orders bind")}
      {key("maintenance margin", <Money of={of.maintenance_margin} />, "equity below it: liquidation")}
    </dl>
  );
}

function Equity({ path }: { path: string }): JSX.Element {
  const curve = useData<CurveView>(`${path}/equity?points=1000`, "AccountStateChanged");
  const [what, setWhat] = useState<"equity" | "drawdown">("equity");
  const [over, setOver] = useState<number | null>(null);
  const points = curve.value?.points ?? [];
  const times_us = useMemo(() => points.map((point) => point.time_us), [curve.value]);
  const values = useMemo(() => points.map((point) => (what === "equity" ? Number(point.equity) : -100 * point.drawdown_ratio)), [curve.value, what]);
  const at = points[over ?? points.length - 1];
  return (
    <Block title="Curve" note={curve.value?.thinned ? "lows and highs of equal stretches stand for all points" : ""} of={curve}>
      <p class="bar acts">
        <button type="button" aria-pressed={what === "equity"} onClick={() => setWhat("equity")}>equity</button>
        <button type="button" aria-pressed={what === "drawdown"} onClick={() => setWhat("drawdown")}>drawdown, %</button>
        {at && <span>{moment(at.time_us)} UTC: equity <Money of={at.equity} />, realized <Gain of={at.realized_pnl} />, drawdown {ratio(at.drawdown_ratio)}</span>}
      </p>
      {points.length > 1
        ? <Curve key={what} label={`${what} by event time; the table below has it by day`} times_us={times_us} values={values} over={setOver} zero={what === "drawdown"} />
        : <p class="empty">A curve needs two states of the account.</p>}
    </Block>
  );
}

function Limits({ id }: { id: string }): JSX.Element {
  const found = useData<LimitsInUseView[]>(`/api/v1/limits/in-use?account_id=${encodeURIComponent(id)}`, "AccountStateChanged", "RiskLimitsAnswered", "RiskAssessed");
  const limits = found.value?.[0];
  const by = limits?.version == null ? "no limit was ever set: `tradewire limits` sets them" : `version ${limits.version} by ${limits.author}, ${moment(limits.changed_at_us)} UTC`;
  const rows = [...(limits?.limits ?? [])].sort((a, b) => (b.ratio ?? -1) - (a.ratio ?? -1));
  const set = rows.filter((one) => one.limit !== null);
  const unset = rows.filter((one) => one.limit === null);
  return (
    <Block title="Limits in use" note={limits ? `${by}; used as of ${moment(limits.as_of_us)} UTC, without orders at work` : ""} of={found}>
      {set.length > 0 && <LimitTable rows={set} />}
      {unset.length > 0 && <details class="tools" open={set.length === 0 && innerWidth > 700}><summary>not set: {unset.length} limits, with what would be used of them</summary><LimitTable rows={unset} /></details>}
    </Block>
  );
}

function LimitTable({ rows }: { rows: LimitUseView[] }): JSX.Element {
  return (
    <Table
        rows={rows}
        id={(one) => one.limit_name}
        empty=""
        columns={[
          { head: "limit", cell: (one) => <code>{one.limit_name}</code> },
          { head: "unit", cell: (one) => <span class="muted">{one.unit}</span> },
          { head: "used", number: true, cell: (one) => (one.used === null ? <span class="muted">each order by itself</span> : amount(one, one.used)) },
          { head: "of", number: true, cell: (one) => (one.limit === null ? <span class="muted">not set</span> : amount(one, one.limit)) },
          { head: "share", cell: share },
          { head: "headroom", number: true, cell: (one) => amount(one, one.headroom) },
          { head: "risk's last judgement", cell: (one) => (one.last_us === null ? UNKNOWN : <>{one.last_value}, allowed {one.last_limit} <span class="muted">{moment(one.last_us)}</span></>) },
        ]}
      />
  );
}

function share(one: LimitUseView): JSX.Element | string {
  if (one.ratio === null) return UNKNOWN;
  const text = `${decimal((100 * one.ratio).toFixed(3), 1)}\u00a0%`;
  const kind = one.ratio >= 1 ? "bad" : one.ratio >= NEAR ? "warn" : null;
  return <><meter min={0} max={1} high={NEAR} value={Math.max(0, Math.min(1, one.ratio))} aria-label={`used share of ${one.limit_name}`} /> {kind ? <State kind={kind}>{text}</State> : text}</>;
}

function amount(one: LimitUseView, text: string | null): JSX.Element | string {
  if (text === null) return UNKNOWN;
  if (one.unit === "quote") return <Money of={text} />;
  return <span title={text}>{one.unit === "ratio" ? ratio(Number(text)) : one.unit === "\u00d7 equity" ? `${decimal(text, 2)}\u00d7` : exact(text)}</span>;
}

function ByDay({ id }: { id: string }): JSX.Element {
  const found = useData<PnlView>(`/api/v1/pnl?by=day&limit=${DAYS}&account_id=${encodeURIComponent(id)}`, "OrderFilled", "AccountStateChanged");
  const rows = found.value?.rows ?? [];
  const most = Math.max(1e-9, ...rows.map((row) => Math.abs(Number(row.equity_change ?? 0))));
  const heads = ["account_id", "day_utc", "equity_change", "realized_pnl", "fees", "funding", "fills", "as_of_us"];
  return (
    <Block title="By day" note={`days of UTC, newest ${DAYS}${found.value?.complete_from_us ? `; complete from ${moment(found.value.complete_from_us)} UTC` : ""}`} of={found}>
      <p class="bar"><Copying sheet={() => ({ name: `pnl-by-day-${id}`, heads, rows: rows.map((row) => [row.account_id, row.key, row.equity_change, row.realized_pnl, row.fees, row.funding, row.fills, row.as_of_us]) })} /></p>
      <div class="low">
        <Table
          rows={rows}
          id={(row) => row.key}
          empty="Nothing has happened yet."
          columns={[
            { head: "day, UTC", cell: (row) => row.key },
            { head: "change of equity", number: true, about: "with what is unrealized, fees and funding", cell: (row) => <Gain of={row.equity_change} /> },
            { head: "bar", cell: (row) => <Bar of={row} most={most} /> },
            { head: "realized PnL", number: true, about: "as fills report it, before fees and funding", cell: (row) => <Gain of={row.realized_pnl} /> },
            { head: "fees", number: true, cell: (row) => <Money of={row.fees} /> },
            { head: "funding", number: true, about: "paid: negative", cell: (row) => <Gain of={row.funding} /> },
            { head: "fills", number: true, cell: (row) => count(row.fills) },
            { head: "as of, UTC", cell: (row) => <span class="muted">{moment(row.as_of_us)}</span> },
          ]}
        />
      </div>
    </Block>
  );
}

/** The day's change beside others, for the eye. */
function Bar(props: { of: PnlRow; most: number }): JSX.Element {
  const value = Number(props.of.equity_change ?? 0);
  const width = `${(50 * Math.abs(value)) / props.most}%`;
  return <span class="daybar" aria-hidden="true"><i class={value < 0 ? "fell" : "rose"} style={{ width }} /></span>;
}

function By(props: { id: string; by: "strategy" | "symbol" }): JSX.Element {
  const found = useData<PnlView>(`/api/v1/pnl?by=${props.by}&account_id=${encodeURIComponent(props.id)}`, "OrderFilled");
  return (
    <Block title={`By ${props.by}`} note="fills since the account's start" of={found}>
    <Table
        rows={found.value?.rows ?? []}
        id={(row) => row.key}
        empty="No fill so far."
        columns={[
          { head: props.by, cell: (row) => (row.key === "" ? "the venue (liquidations)" : props.by === "strategy" ? <Link to={`/s/${encodeURIComponent(row.key)}`}>{row.key}</Link> : <b>{row.key}</b>) },
          { head: "realized PnL", number: true, about: "as fills report it, of the account's net position, before fees", cell: (row) => <Gain of={row.realized_pnl} /> },
          { head: "fees", number: true, cell: (row) => <Money of={row.fees} /> },
          { head: "fills", number: true, cell: (row) => count(row.fills) },
        ]}
      />
    </Block>
  );
}
