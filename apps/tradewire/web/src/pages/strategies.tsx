// Strategies: what runs, and why does it (not) trade?
import type { JSX } from "preact";
import { moment, words } from "../format";
import { Block, Link, State, Table } from "../parts";
import { useStrategies } from "../sources";

export function Strategies(): JSX.Element {
  const strategies = useStrategies();
  return (
    <>
      <h1 class="only-read">Strategies</h1>
      <Block title="Strategies" note="in force, and the answer to the newest version" of={strategies}>
        <Table
          rows={strategies.value ?? []}
          id={(one) => one.strategy_id}
          empty="No strategy was published yet: `tradewire strategy publish FILE` publishes one."
          columns={[
            { head: "strategy", cell: (one) => <Link to={`/s/${one.strategy_id}`}>{one.strategy_id}</Link> },
            { head: "version", number: true, cell: (one) => one.version ?? "\u2013" },
            { head: "status", cell: (one) => <State kind={one.status === "ACCEPTED" ? "good" : one.status === "REFUSED" ? "bad" : "off"}>{one.status ? words(one.status) : "no answer yet"}</State> },
            { head: "accounts", cell: (one) => [...new Set(one.active.map((version) => version.account_id))].join(", ") },
            { head: "symbols", cell: (one) => [...new Set(one.active.flatMap((version) => version.symbols))].join(", ") },
            { head: "last decision, UTC", cell: (one) => moment(one.last_evaluated_us) },
            { head: "refused for", cell: (one) => one.reasons.map((reason) => reason.message).join("; ") },
          ]}
        />
      </Block>
    </>
  );
}

export function Strategy(props: { id: string }): JSX.Element {
  const strategies = useStrategies();
  const one = strategies.value?.find((each) => each.strategy_id === props.id);
  return (
    <>
      <h1 class="only-read">{props.id}</h1>
      <Block title={props.id} of={one || strategies.value === null ? strategies : { ...strategies, value: null, error: "No such strategy." }}>
        {(one?.active ?? []).map((version) => (
          <div key={version.version}>
            <p class="bar">
              version {version.version} on account {version.account_id}, {version.symbols.join(", ")} {version.interval} at{" "}
              {version.venue}; since {version.effective_from_us === 0 ? "the first bar" : `${moment(version.effective_from_us)} UTC`}
            </p>
            <pre tabIndex={0}>{version.document}</pre>
          </div>
        ))}
        {one?.active.length === 0 && <p class="empty">No version is in force.</p>}
      </Block>
    </>
  );
}
