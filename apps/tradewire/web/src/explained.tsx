// One decision: the verdict first, then bar, rules, risk, orders and fills.
import type { ComponentChildren, JSX } from "preact";
import type { ExplanationView, RuleView } from "./api";
import { type Loaded } from "./data";
import { exact, moment, words } from "./format";
import { Block, Gain, State, Table } from "./parts";

export function Explained(props: { of: Loaded<ExplanationView>; title: string; level?: 1 | 2 }): JSX.Element {
  const found = props.of.value;
  const Head = props.level === 2 ? "h2" : "h1";
  if (found === null) return <><Head class="only-read">{props.title}</Head><Block title={props.title} of={props.of}>{""}</Block></>;
  return (
    <>
      <section class="verdict" data-verdict>
        <Head>{sentence(found.verdict)}</Head>
        <p class="bar">
          {found.strategy_id}{found.evaluation ? ` version ${found.evaluation.event.config_version}` : ""} on{" "}
          <a href={`/m/${found.venue}/${found.symbol}${found.interval ? `/${found.interval}` : ""}?at=${found.time_us}`}>{found.symbol} {found.interval ?? ""}</a>{" "}
          at {found.venue}, {found.evaluation ? "bar that closed" : "at"} {moment(found.time_us)} UTC
          {found.bar && <>: open {shown(found.bar.open)}, high {shown(found.bar.high)}, low {shown(found.bar.low)}, close {shown(found.bar.close)}, volume {shown(found.bar.volume)}</>}
        </p>
        {found.unknown.map((text) => <p class="bar" key={text}><State kind="warn">not known</State> {text}</p>)}
        {found.gaps.map((gap) => <p class="bar" key={gap.event_time_us}><State kind="warn">fault</State> {words(gap.kind)} at {moment(gap.event_time_us)} UTC{gap.found == null ? "" : `: found ${gap.found}, allowed ${gap.allowed}`}</p>)}
      </section>
      {found.evaluation && <Rules of={props.of} found={found} />}
      {found.assessment && <Risk of={props.of} found={found} />}
      {found.orders.length > 0 && <Orders of={props.of} found={found} />}
      {found.trace_id && <p class="muted">trace <code>{found.trace_id}</code></p>}
    </>
  );
}

interface Part {
  of: Loaded<ExplanationView>;
  found: ExplanationView;
}

function Rules({ of, found }: Part): JSX.Element {
  const event = found.evaluation?.event;
  const seen = Object.entries(event?.seen ?? {});
  return (
    <Block title={<>1 · The strategy said {words(event?.signal ?? "")}</>} note="its rules, with what they saw: the bar before → this bar" of={of}>
      {found.rules
        ? found.rules.map((rule) => <Rule key={rule.rule} rule={rule} />)
        : <dl class="pairs">{seen.map(([name, value]) => <Pair key={name} name={<code>{name}</code>}>{value === null ? "no value" : shown(Number(value))}</Pair>)}</dl>}
      {found.notes.map((note) => <p class="bar" key={note}>{note}</p>)}
    </Block>
  );
}

function Rule({ rule }: { rule: RuleView }): JSX.Element {
  const state = rule.truth === null ? <State kind="warn">unknown</State> : rule.truth ? <State kind="good">true</State> : <State kind="off">false</State>;
  return (
    <div class="rule" data-rule={rule.rule}>
      <p><b class="rule-name">{rule.rule}</b> {state} <code>{rule.expression}</code></p>
      <dl class="values">
        {Object.entries(rule.values).map(([name, value]) => (
          <Pair key={name} name={<code>{name}</code>}>
            {name in rule.previous && <><span class="muted">{shown(rule.previous[name])} →</span> </>}{shown(value)}
          </Pair>
        ))}
      </dl>
    </div>
  );
}

function Risk({ of, found }: Part): JSX.Element {
  const event = found.assessment?.event;
  return (
    <Block title={<>2 · Risk said {words(event?.decision ?? "")}</>} note={event?.equity == null ? "" : `equity ${exact(event.equity)}, account ${event.account_id}`} of={of}>
      <Table
        rows={[...(event?.rules ?? [])].sort((a, b) => Number(a.passed) - Number(b.passed))}
        id={(rule) => rule.rule}
        empty="No rule had to be judged: there was nothing to enter."
        columns={[
          { head: "rule", cell: (rule) => <code>{rule.rule}</code> },
          { head: "answer", cell: (rule) => (rule.passed ? <State kind="good">passed</State> : <State kind="bad">refused</State>) },
          { head: "found", number: true, cell: (rule) => rule.value },
          { head: "allowed", number: true, cell: (rule) => rule.limit },
        ]}
      />
    </Block>
  );
}

function Orders({ of, found }: Part): JSX.Element {
  return (
    <Block title="3 · Orders and fills" note="quantities in base, prices in quote per base" of={of}>
      <Table
        rows={found.orders}
        id={(order) => order.client_order_id}
        empty=""
        columns={[
          { head: "leg", cell: (order) => words(order.changes.at(-1)?.leg ?? intent(found, order.client_order_id)?.leg ?? "") },
          { head: "side", cell: (order) => order.changes.at(-1)?.side ?? intent(found, order.client_order_id)?.side },
          { head: "quantity", number: true, cell: (order) => exact(order.changes.at(-1)?.qty ?? intent(found, order.client_order_id)?.qty) },
          { head: "price", number: true, about: "limit, or the stop's trigger", cell: (order) => exact(order.changes.at(-1)?.price ?? order.changes.at(-1)?.stop_price) },
          { head: "what became of it", cell: (order) => order.changes.length === 0 ? "not sent yet" : order.changes.map((change) => words(change.status)).join(" → ") + (order.changes.at(-1)?.reason ? ` (${order.changes.at(-1)?.reason})` : "") },
          { head: "fills", cell: (order) => order.fills.map((fill) => <span key={fill.sequence}>{exact(fill.qty)} at {exact(fill.price)}, PnL <Gain of={fill.realized_pnl} /> </span>) },
          { head: "order", cell: (order) => <code>{order.client_order_id}</code> },
        ]}
      />
    </Block>
  );
}

function intent(found: ExplanationView, id: string): { leg: string; side: string; qty: string } | undefined {
  return found.assessment?.event.intents.find((one) => one.client_order_id === id);
}

function Pair(props: { name: ComponentChildren; children: ComponentChildren }): JSX.Element {
  return <div><dt>{props.name}</dt><dd>{props.children}</dd></div>;
}

/** A float of a bar or an indicator, for reading: eight digits. */
export function shown(value: number | null | undefined): string {
  return value == null ? "no value" : Number(value.toPrecision(8)).toString();
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
