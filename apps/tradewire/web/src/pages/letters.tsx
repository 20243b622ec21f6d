// Dead letters: what could not be handled, why, and what can be done? What is chosen is in the URL.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { DeadLetterView, DeadLettersView } from "../api";
import { Copying } from "../copying";
import { touchAll, useData } from "../data";
import { count, moment, words } from "../format";
import { go } from "../keys";
import { Block, State, Table } from "../parts";
import type { Session } from "../shapes";
import { useServices } from "../sources";

const PAGE = 100;
const TIMEOUT_MS = 40_000;
const STATES = ["WAITS", "HANDLED", "GIVEN_UP"] as const;
const KINDS = { WAITS: "bad", HANDLED: "good", GIVEN_UP: "off" } as const;
const HEADS: (keyof DeadLetterView)[] = ["service", "letter", "written_us", "topic", "partition", "offset", "key", "event_id", "event_time_us", "trace_id", "stage", "error_type", "reason", "state"];

type Chosen = { letter: DeadLetterView; giveUp: boolean } | null;
type Outcome = { kind: "asked" | "done" | "pending" | "failed"; text: string } | null;

export function Letters(): JSX.Element {
  const asked = new URLSearchParams(location.search);
  const [most, setMost] = useState(PAGE);
  const [chosen, setChosen] = useState<Chosen>(null);
  const state = asked.get("state") ?? "WAITS";
  const wanted = new URLSearchParams({ limit: String(most) });
  for (const name of ["service", "topic", "key"]) if (asked.get(name)) wanted.set(name, asked.get(name) ?? "");
  if (state !== "every") wanted.set("state", state);
  if (!asked.get("behind")) wanted.set("behind", "false");
  const found = useData<DeadLettersView>(`/api/v1/dead-letters?${wanted}`, "beat");
  const services = (useServices().value?.services ?? []).map((one) => one.name).filter((name) => name !== "views");
  const rows = found.value?.items ?? [];
  const choose = (name: string, value: string): void => {
    if (value) asked.set(name, value);
    else asked.delete(name);
    go(`/platform/letters${asked.size ? `?${asked}` : ""}`, false);
  };
  const others = ["topic", "key"].filter((name) => asked.get(name));
  return (
    <>
      <h1 class="only-read">Dead letters</h1>
      <Block title="Dead letters" note="records that a service could not handle, newest first" of={found}>
        <div class="bar acts">
          <select aria-label="service" value={asked.get("service") ?? ""} onChange={(event) => choose("service", event.currentTarget.value)}>
            <option value="">every service</option>
            {services.map((name) => <option key={name}>{name}</option>)}
          </select>
          <select aria-label="state" value={state} onChange={(event) => choose("state", event.currentTarget.value)}>
            {STATES.map((name) => <option key={name} value={name}>{words(name)}</option>)}
            <option value="every">every state</option>
          </select>
          <button type="button" aria-pressed={asked.get("behind") !== null} onClick={() => choose("behind", asked.get("behind") ? "" : "true")}>with those behind</button>
          {others.map((name) => <button type="button" key={name} onClick={() => choose(name, "")}>{name} {asked.get(name)} <span aria-label="remove">×</span></button>)}
          <Copying sheet={() => ({ name: "dead-letters", heads: HEADS, rows: rows.map((one) => HEADS.map((head) => one[head] as string | number | null)) })} />
        </div>
        <p class="bar">{sentence(found.value)}</p>
        <Table
          rows={rows}
          id={(one) => `${one.service} ${one.letter}`}
          empty={state === "WAITS" ? "No dead letter waits." : "No dead letter, or none that fits."}
          columns={[
            { head: "written, UTC", cell: (one) => moment(one.written_us) },
            { head: "service", cell: (one) => <b>{one.service}</b> },
            { head: "record", about: "topic, partition and offset; below it its key", cell: (one) => (
              <span class="stack">
                <a href={filtered(asked, "topic", one.topic)}>{one.topic}</a> {one.partition ?? "?"}/{one.offset ?? "?"}<br />
                <a href={filtered(asked, "key", one.key)}>{one.key || "no key"}</a>{behind(one)}
              </span>) },
            { head: "why", cell: (one) => <Why of={one} /> },
            { head: "state", cell: (one) => <State kind={KINDS[one.state]}>{words(one.state)}</State> },
            { head: "act", cell: (one) => one.state === "WAITS" && (
              <span class="acts row">
                {one.replay && <button type="button" aria-label={`Replay ${one.key} of ${one.service}`} onClick={() => setChosen({ letter: one, giveUp: false })}>Replay…</button>}
                <button type="button" aria-label={`Give up letter ${one.letter} of ${one.service}`} onClick={() => setChosen({ letter: one, giveUp: true })}>Give up…</button>
              </span>) },
          ]}
        />
        {found.value?.next && most < 1000 && <p class="bar"><button type="button" onClick={() => setMost(most + PAGE)}>show {PAGE} more</button></p>}
      </Block>
      {chosen && <Asking chosen={chosen} close={() => setChosen(null)} />}
    </>
  );
}

function sentence(of: DeadLettersView | null): string {
  if (!of) return "";
  const parked = of.parked_keys ? `; later records of ${count(of.parked_keys)} ${of.parked_keys === 1 ? "key" : "keys"} wait behind them` : "";
  const more = of.is_complete ? "" : "; older letters than these are in the topics alone: tradewire dlq list";
  return `${count(of.waiting)} ${of.waiting === 1 ? "waits" : "wait"}, of all services${parked}${more}`;
}

function behind(one: DeadLetterView): string {
  const others = one.waiting_of_key - 1;
  return one.stage !== "parked" && one.state === "WAITS" && others > 0 ? `, and ${count(others)} behind it` : "";
}

function filtered(asked: URLSearchParams, name: string, value: string): string {
  const next = new URLSearchParams(asked);
  next.set(name, value);
  return `/platform/letters?${next}`;
}

function Why(props: { of: DeadLetterView }): JSX.Element {
  const one = props.of;
  return (
    <details class="wrap">
      <summary><span class="muted">{one.stage}{one.failed_again ? ", again" : ""}</span> {one.reason}</summary>
      <dl class="lineage">
        <dt>letter</dt><dd><code>{one.service} {one.letter}</code></dd>
        <dt>error</dt><dd>{one.error_type ?? "not told"}</dd>
        <dt>event time, UTC</dt><dd>{moment(one.event_time_us)}</dd>
        <dt>event id</dt><dd><code>{one.event_id ?? "none"}</code></dd>
        <dt>trace</dt><dd>{one.trace_id ? <code>{one.trace_id}</code> : "none"}</dd>
        {one.replay && <><dt>replay</dt><dd>{one.replay}</dd></>}
        {one.not_replayable && <><dt>replay</dt><dd>not possible: {one.not_replayable}</dd></>}
        {one.give_up && <><dt>give up</dt><dd>{one.give_up}</dd></>}
      </dl>
    </details>
  );
}

/** One dialog for both acts; giving up names the key, to be typed. */
function Asking(props: { chosen: Exclude<Chosen, null>; close: () => void }): JSX.Element {
  const { letter, giveUp } = props.chosen;
  const session = useData<Session>("/web/session").value;
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState("");
  const [outcome, setOutcome] = useState<Outcome>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const name = letter.key || letter.letter;
  const done = outcome?.kind === "done" || outcome?.kind === "pending";
  const ready = (!giveUp || typed === name) && outcome?.kind !== "asked" && !done;
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!ready) return;
    setOutcome({ kind: "asked", text: `Asked. ${letter.service} has not answered yet.` });
    setOutcome(await ask(session?.csrf ?? "", letter, giveUp));
    touchAll();
  };
  return (
    <dialog ref={dialog} aria-labelledby="letter" onClose={props.close}>
      <form onSubmit={(event) => void send(event)}>
        <h1 id="letter">{giveUp ? `Give up letter ${letter.letter} of ${letter.service}` : `Replay ${name} at ${letter.service}`}</h1>
        <p>{giveUp ? letter.give_up : letter.replay}.</p>
        <p class="preview">{letter.reason}</p>
        {giveUp && <label><span>type <b>{name}</b> to give it up</span> <input id="typed-letter" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} autocomplete="off" /></label>}
        {outcome && <p role="alert" data-outcome={outcome.kind}><State kind={outcome.kind === "done" ? "good" : outcome.kind === "failed" ? "bad" : "warn"}>{outcome.kind}</State> {outcome.text}</p>}
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>{done ? "Close" : "Cancel"}</button>
          {!done && <button type="submit" class={giveUp ? "halt" : ""} disabled={!ready}>{giveUp ? "Give up" : "Replay"}</button>}
        </div>
      </form>
    </dialog>
  );
}

async function ask(csrf: string, letter: DeadLetterView, giveUp: boolean): Promise<Outcome> {
  try {
    const answer = await fetch("/web/dead-letters", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Tradewire-CSRF": csrf },
      body: JSON.stringify({ service: letter.service, topic: letter.topic, key: letter.key, give_up: giveUp ? [letter.letter] : [] }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const said = (await answer.json()) as { detail?: unknown; handled?: number; given_up?: number };
    if (answer.status === 200) return { kind: "done", text: `${letter.service} handled ${count(said.handled)} and gave up ${count(said.given_up)}` };
    const detail = typeof said.detail === "string" ? said.detail : JSON.stringify(said.detail);
    return { kind: answer.status === 202 ? "pending" : "failed", text: detail };
  } catch {
    return { kind: "pending", text: "No answer: it is not known whether it was asked. The list shows what waits." };
  }
}
