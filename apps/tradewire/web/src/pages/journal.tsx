// Journal: who did what, when?
import type { JSX } from "preact";
import { levelsOf } from "../alerts";
import type { Page_AuditRecorded } from "../api";
import { useData } from "../data";
import { moment, words } from "../format";
import { Block, State, Table } from "../parts";
import { useControls } from "../sources";

export function Journal(): JSX.Element {
  const controls = useControls();
  const audits = useData<Page_AuditRecorded>("/api/v1/audits?limit=100", "AuditRecorded");
  return (
    <>
      <h1 class="only-read">Journal</h1>
      <Block title="Kill switch" note="levels in force" of={controls}>
        <Table
          rows={levelsOf(controls.value ?? [])}
          id={(level) => level.scope}
          empty="Everything is at normal."
          columns={[
            { head: "scope", cell: (level) => <b>{level.scope}</b> },
            { head: "level", cell: (level) => <State kind="warn">{words(level.level)}</State> },
            { head: "since, UTC", cell: (level) => moment(level.issued_at_us) },
            { head: "by", cell: (level) => level.author },
            { head: "reason", cell: (level) => level.reason },
            { head: "obeyed by", cell: (level) => obeying(controls.value ?? [], level.scope) },
          ]}
        />
      </Block>
      <Block title="Audit events" note="newest first" of={audits}>
        <Table
          rows={audits.value?.items ?? []}
          id={(item) => item.event_id}
          empty="Nothing was told yet."
          columns={[
            { head: "time, UTC", cell: (item) => moment(item.event_time_us) },
            { head: "severity", cell: (item) => words(item.event.severity) },
            { head: "source", cell: (item) => item.event.source },
            { head: "event", cell: (item) => <code>{item.event.name}</code> },
            { head: "message", cell: (item) => <span class="wrap">{item.event.message}</span> },
          ]}
        />
      </Block>
    </>
  );
}

function obeying(controls: { service: string; instance: string; levels: { scope: string }[] }[], scope: string): string {
  const found = controls.filter((one) => one.levels.some((level) => level.scope === scope));
  return [...new Set(found.map((one) => one.service))].join(", ");
}
