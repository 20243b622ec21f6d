// The shell: what is fixed on every page, and which page a URL means.
import { type JSX, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { alertsOf } from "./alerts";
import type { PlatformView } from "./api";
import { Controls } from "./controls";
import { connection, live, useData, useSecond } from "./data";
import { age, clock } from "./format";
import { listen, useRoute } from "./keys";
import { About } from "./pages/about";
import { Account, Accounts } from "./pages/account";
import { DecisionAt, DecisionOfOrder, Decisions } from "./pages/decision";
import { Duty } from "./pages/duty";
import { Journal } from "./pages/journal";
import { Letters } from "./pages/letters";
import { Market } from "./pages/market";
import { Platform } from "./pages/platform";
import { Positions } from "./pages/positions";
import { Strategies, Strategy } from "./pages/strategies";
import { Trades } from "./pages/trades";
import { Search } from "./search";
import type { Session } from "./shapes";
import { useAccounts, useControls, useServices, useStrategies } from "./sources";
import { MENU } from "./menu";

function Page(props: { path: string }): JSX.Element {
  const [, first = "", ...rest] = props.path.split("/").map(decodeURIComponent);
  switch (first) {
    case "": return <Duty />;
    case "m": return <Market venue={rest[0]} symbol={rest[1]} interval={rest[2]} />;
    case "a": return rest[0] ? <Account id={rest[0]} /> : <Accounts />;
    case "trades": return <Trades />;
    case "positions": return <Positions />;
    case "platform": return rest[0] === "letters" ? <Letters /> : <Platform />;
    case "s": return rest[0] ? <Strategy id={rest[0]} /> : <Strategies />;
    case "log": return <Journal />;
    case "about": return <About />;
    case "why":
      if (rest[0] === "order" && rest[1]) return <DecisionOfOrder id={rest[1]} key={rest[1]} />;
      if (rest[0] && rest[1] && rest[2]) return <DecisionAt strategy={rest[0]} symbol={rest[1]} time_us={Number(rest[2])} key={props.path} />;
      return <Decisions />;
    default: return <section><h1>No such page</h1><p class="empty"><a href="/">Duty</a> tells whether anything needs you.</p></section>;
  }
}

function Connection(): JSX.Element {
  const now_ms = useSecond();
  const state = connection(now_ms);
  const since = live.heard_ms === null ? "" : age(now_ms - live.heard_ms);
  const shape = { live: "●", late: "▲", lost: "■" }[state];
  return <span role="status" class={{ live: "good", late: "warn", lost: "bad" }[state]} data-connection={state}>{shape} {state} <small>{since}</small></span>;
}

function Clock(): JSX.Element {
  useSecond();
  return <span>{clock(Date.now())} <small class="muted">UTC</small></span>;
}

function Header(props: { session: Session | null; frozen: boolean }): JSX.Element {
  const platform = useData<PlatformView>("/api/v1/platform").value;
  const mode = platform?.mode?.toUpperCase() ?? props.session?.mode ?? "…";
  const newest_us = Math.max(0, ...(useAccounts().value ?? []).map((one) => one.as_of_us));
  return (
    <header>
      <a class="name wide" href="/">tradewire</a>
      <span class={`mode mode-${mode.toLowerCase()}`} title={props.session?.market}>{mode}</span>
      <Clock />
      {newest_us > 0 && <span class="wide muted">event time {new Date(newest_us / 1000).toISOString().slice(0, 16).replace("T", " ")}</span>}
      <Connection />
      {props.frozen && <span class="warn" role="status">▲ frozen, {live.newer} newer</span>}
      <span class="space" />
      <Search />
      <Controls session={props.session} />
      <span class="wide muted">{props.session?.user}</span>
    </header>
  );
}

function Title(): null {
  const found = alertsOf(useServices().value?.services ?? [], useControls().value ?? [], useStrategies().value ?? [], useAccounts().value ?? []);
  const critical = found.some((one) => one.severity === "critical");
  useEffect(() => {
    document.title = `${critical ? "■ " : ""}${found.length ? `${found.length} need you · ` : ""}tradewire`;
  }, [critical, found.length]);
  return null;
}

function App(): JSX.Element {
  const path = useRoute();
  const session = useData<Session>("/web/session");
  const [frozen, setFrozen] = useState(false);
  useSecond();
  useEffect(() => listen(() => {
    live.freeze(!live.frozen);
    setFrozen(live.frozen);
  }), []);
  return (
    <>
      <a class="skip" href="#main">Skip to the page</a>
      <Header session={session.value} frozen={frozen} />
      <Title />
      <div class="shell">
        <nav aria-label="Pages">
          <ul>
            {MENU.map((page, n) => (
              <li key={page.path}>
                <a href={page.path} aria-current={active(page.path, path) ? "page" : undefined} aria-keyshortcuts={`${n + 1}`}>
                  <span class="key wide" aria-hidden="true">{n + 1}</span>{page.name}
                </a>
              </li>
            ))}
          </ul>
          <a class="muted wide about" href="/about">About, keys</a>
        </nav>
        <main id="main" tabIndex={-1}><Page path={path} /></main>
      </div>
    </>
  );
}

function active(page: string, path: string): boolean {
  return page === "/" ? path === "/" : path === page || path.startsWith(`${page}/`);
}

live.start();
const root = document.getElementById("app");
if (root) {
  root.replaceChildren();
  render(<App />, root);
}
