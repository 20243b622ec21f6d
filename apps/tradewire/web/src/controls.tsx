// The kill switch. Safe directions take one confirmation; flatten and resume name what they act on, to be typed.
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { levelsOf } from "./alerts";
import type { ControlLevel } from "./api";
import { touchAll } from "./data";
import { decimal, words } from "./format";
import { State } from "./parts";
import type { Session } from "./shapes";
import { useAccounts, useControls, usePositions, useWorking } from "./sources";

const TIMEOUT_MS = 20_000;
const GLOBAL = "global";

interface Act {
  level: ControlLevel;
  verb: string;
  effect: string;
  risky: boolean;
}

const ACTS: Act[] = [
  { level: "NO_NEW", verb: "Halt", effect: "No new position is opened, and entries at work are withdrawn. Exits and protective orders go on.", risky: false },
  { level: "REDUCE_ONLY", verb: "Reduce only", effect: "Positions can only get smaller; entries at work are withdrawn.", risky: false },
  { level: "FLATTEN", verb: "Flatten", effect: "Every open position is closed at the market, and whatever opens, until you resume.", risky: true },
  { level: "NORMAL", verb: "Resume", effect: "Trading goes on.", risky: true },
];

type Outcome = { kind: "asked" | "obeyed" | "pending" | "failed"; text: string } | null;

export function Controls(props: { session: Session | null }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const confirm = useRef<HTMLButtonElement>(null);
  const cancel = useRef<HTMLButtonElement>(null);
  const [act, setAct] = useState<Act>(ACTS[0] as Act);
  const [scope, setScope] = useState(GLOBAL);
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [outcome, setOutcome] = useState<Outcome>(null);
  const accounts = (useAccounts().value ?? []).map((one) => one.account_id);
  const levels = levelsOf(useControls().value ?? []);
  const name = scope === GLOBAL ? "everything" : scope.slice(scope.indexOf(":") + 1);
  const ready = (!act.risky || typed === name) && outcome?.kind !== "asked";

  const choose = (next: Act): void => {
    setAct(next);
    setTyped("");
    setOutcome(null);
    (next.risky ? cancel : confirm).current?.focus();
  };
  const open = (): void => {
    choose(ACTS[0] as Act);
    dialog.current?.showModal();
    confirm.current?.focus();
  };
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!ready) return;
    setOutcome({ kind: "asked", text: "Asked. Risk and execution have not answered yet." });
    setOutcome(await ask(props.session?.csrf ?? "", { scope, level: act.level, reason }));
    touchAll();
  };
  return (
    <>
      {levels.length > 0 && <a class="warn" href="/log" data-level={levels[0]?.level}>▲ {levels.map((one) => `${one.scope}: ${words(one.level)}`).join(", ")}</a>}
      <button type="button" class="halt" onClick={open}>Halt…</button>
      <dialog ref={dialog} aria-labelledby="act" onClose={() => setOutcome(null)}>
        <form onSubmit={(event) => void send(event)}>
          <h1 id="act">{act.verb} {name}</h1>
          <div class="acts" role="group" aria-label="What to do">
            {ACTS.map((one) => <button type="button" key={one.level} aria-pressed={one === act} onClick={() => choose(one)}>{one.verb}</button>)}
          </div>
          <label>of <select value={scope} onChange={(event) => { setScope(event.currentTarget.value); setTyped(""); }}>
            <option value={GLOBAL}>everything</option>
            {accounts.map((one) => <option key={one} value={`account:${one}`}>account {one}</option>)}
          </select></label>
          <p>{act.effect}</p>
          <Preview act={act} account={scope === GLOBAL ? null : name} />
          <label>reason, for the record <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} maxLength={500} /></label>
          {act.risky && <label><span>type <b>{name}</b> to {act.verb.toLowerCase()}</span> <input id="typed" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} autocomplete="off" /></label>}
          {outcome && <p role="alert" data-outcome={outcome.kind}><State kind={outcome.kind === "obeyed" ? "good" : outcome.kind === "failed" ? "bad" : "warn"}>{outcome.kind}</State> {outcome.text}</p>}
          <div class="buttons">
            <button type="button" ref={cancel} onClick={() => dialog.current?.close()}>{outcome?.kind === "obeyed" ? "Close" : "Cancel"}</button>
            <button type="submit" class="halt" ref={confirm} disabled={!ready}>{act.verb} {name}</button>
          </div>
        </form>
      </dialog>
    </>
  );
}

/** What would be closed and withdrawn, counted from what the page knows. */
function Preview(props: { act: Act; account: string | null }): JSX.Element | null {
  const held = (usePositions().value ?? []).filter((one) => props.account === null || one.account_id === props.account);
  const orders = (useWorking().value?.items ?? []).filter((one) => props.account === null || one.event.account_id === props.account);
  if (props.act.level === "NORMAL") return null;
  const all = props.act.level === "FLATTEN";
  const withdrawn = orders.filter((one) => all || one.event.leg === "ENTRY").length;
  const gross = held.reduce((sum, one) => sum + Math.abs(Number(one.qty) * Number(one.mark_price)), 0);
  const closed = all ? `Closes ${held.length} positions at the market, gross ${decimal(gross.toFixed(2), 0)} in quote. ` : "";
  return <p class="preview">{closed}Withdraws {withdrawn} of {orders.length} orders at work, as of now.</p>;
}

/** What the dashboard's server answers: who obeys, and what each account shows of it. */
interface Answered {
  detail?: unknown;
  obeyed_by?: Record<string, string[]>;
  accounts?: Record<string, { outcome: string; detail: string }>;
}

const TOLD: Record<string, string> = { closing: "closing", cannot_act: "can't act:" };
const TELLING = Object.keys(TOLD);

async function ask(csrf: string, body: { scope: string; level: string; reason: string }): Promise<Outcome> {
  try {
    const answer = await fetch("/web/controls", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Tradewire-CSRF": csrf },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const said = (await answer.json()) as Answered;
    if (answer.status === 200) {
      const by = Object.entries(said.obeyed_by ?? {}).map(([service, all]) => `${service} (${all.length})`);
      const obeyed = `${words(body.level)} is obeyed by ${by.join(", ")}`;
      const accounts = Object.entries(said.accounts ?? {});
      const lines = accounts.filter(([, one]) => TELLING.includes(one.outcome)).map(([name, one]) => `${name}: ${TOLD[one.outcome] ?? one.outcome} ${one.detail}`);
      const stuck = accounts.some(([, one]) => one.outcome === "cannot_act");
      return { kind: stuck ? "pending" : "obeyed", text: [obeyed, ...lines].join("; ") };
    }
    const detail = typeof said.detail === "string" ? said.detail : JSON.stringify(said.detail);
    return { kind: answer.status === 202 ? "pending" : "failed", text: detail };
  } catch {
    return { kind: "pending", text: "No answer: it is not known whether it was written. The level in force is at the top of the page." };
  }
}
