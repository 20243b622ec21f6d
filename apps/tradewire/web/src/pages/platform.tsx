// Platform: what holds everything up?
import type { JSX } from "preact";
import type { Page_GapDetected, LagView } from "../api";
import { useData } from "../data";
import { age, count, exact, moment, words } from "../format";
import { Block, Link, State, Table } from "../parts";
import type { Service } from "../shapes";
import { useServices } from "../sources";

const PASSED_ON = ["AccountStateChanged", "StrategyEvaluated", "beat"];

export function Platform(): JSX.Element {
  const services = useServices();
  const lag = useData<LagView[]>("/api/v1/lag", ...PASSED_ON);
  const gaps = useData<Page_GapDetected>("/api/v1/gaps?limit=50", "GapDetected");
  const now_us = services.value?.now_us ?? 0;
  return (
    <>
      <h1 class="only-read">Platform</h1>
      <Block title="Services" note="in the order of the pipeline" of={services}>
        <p class="bar"><Link to="/platform/letters">Dead letters of all services</Link></p>
        <ul class="tiles">
          {(services.value?.services ?? []).map((one) => <Tile key={one.name} of={one} now_us={now_us} />)}
        </ul>
      </Block>
      <Block title="Topics" note="read by telemetry" of={lag}>
        <Table
          rows={lag.value ?? []}
          id={(one) => one.topic}
          empty="No topic has a record yet."
          columns={[
            { head: "topic", cell: (one) => <code>{one.topic}</code> },
            { head: "newest event, UTC", cell: (one) => moment(one.newest_event_time_us) },
            { head: "records behind", number: true, cell: (one) => count(one.records_behind) },
          ]}
        />
      </Block>
      <Block title="Gaps" note="faults in market streams, newest first" of={gaps}>
        <Table
          rows={gaps.value?.items ?? []}
          id={(item) => item.event_id}
          empty="No fault in any market stream."
          columns={[
            { head: "event time, UTC", cell: (item) => moment(item.event_time_us) },
            { head: "symbol", cell: (item) => `${item.event.symbol} ${item.event.interval}` },
            { head: "venue", cell: (item) => item.event.venue },
            { head: "fault", cell: (item) => words(item.event.kind) },
            { head: "bars missing", number: true, cell: (item) => count(item.event.missing) },
            { head: "found", cell: (item) => (item.event.found ? `${item.event.field}: ${exact(item.event.found)}` : "") },
          ]}
        />
      </Block>
    </>
  );
}

function Tile(props: { of: Service; now_us: number }): JSX.Element {
  const one = props.of;
  const kind = one.state === "ready" ? "good" : one.state === "down" ? "bad" : "warn";
  const waits = one.state === "ready" ? one.waits_for : [...one.unready, ...one.waits_for];
  return (
    <li class={`tile ${kind}-edge`} data-service={one.name}>
      <h3>{one.name} <State kind={kind}>{one.state}</State></h3>
      <dl>
        <dt>phase</dt><dd>{one.phase}</dd>
        <dt>last success</dt><dd>{one.last_success_us ? `${age((props.now_us - one.last_success_us) / 1000)} ago` : "never"}</dd>
        <dt>handled</dt><dd>{count(one.handled)}</dd>
        <dt>published</dt><dd>{count(one.published)}</dd>
        <dt>dead letters</dt><dd>{one.dead_letters > 0 ? <Link to={`/platform/letters?service=${one.name}`} label={`dead letters of ${one.name}`}>{count(one.dead_letters)}</Link> : "0"}</dd>
      </dl>
      {one.state !== "ready" && one.last_error && <p>{one.last_error}</p>}
      {waits.slice(0, 3).map((wait) => <p key={wait.what} class="muted">waits for {wait.what}</p>)}
    </li>
  );
}
