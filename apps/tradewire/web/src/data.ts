// What the pages know of the platform. The stream says that something changed; the state API says what is. A block keeps
// its last answer with its age for as long as there is no newer one.
import { useEffect, useState } from "preact/hooks";

export interface Loaded<T> {
  value: T | null;
  /** When it arrived, ms since the page's own start; null: never. */
  arrived_ms: number | null;
  error: string | null;
}

const AT_MOST_EACH_MS = 1000;
const AT_LEAST_EACH_MS = 10_000;
/** What no event tells of is asked more often. */
const EACH_MS: Record<string, number> = { "/web/services": 2000, "/api/v1/controls": 3000 };
const TIMEOUT_MS = 5000;
const KEPT = 60;

class Resource {
  state: Loaded<unknown> = { value: null, arrived_ms: null, error: null };
  readonly readers = new Set<() => void>();
  kinds: ReadonlySet<string> = new Set();
  private asked_ms = -AT_LEAST_EACH_MS;
  private asking = false;
  private dirty = true;

  constructor(readonly path: string) {}

  touch(): void {
    this.dirty = true;
  }

  /** Ask if there is a reader and something may have changed. */
  tick(now_ms: number): void {
    if (this.readers.size === 0 || this.asking || document.hidden) return;
    const since = now_ms - this.asked_ms;
    if (since >= (EACH_MS[this.path] ?? AT_LEAST_EACH_MS) || (this.dirty && since >= AT_MOST_EACH_MS)) void this.ask(now_ms);
  }

  private async ask(now_ms: number): Promise<void> {
    this.asked_ms = now_ms;
    this.asking = true;
    this.dirty = false;
    try {
      const answer = await fetch(this.path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      const body: unknown = await answer.json();
      if (answer.ok) {
        this.state = { value: body, arrived_ms: performance.now(), error: null };
        live.heard();
      } else {
        const detail = (body as { detail?: unknown }).detail;
        this.fail(answer.status === 401 ? "signed out: type `tradewire dashboard`" : String(detail ?? answer.status));
      }
    } catch {
      this.fail("no answer");
    } finally {
      this.asking = false;
    }
    this.show();
  }

  private fail(error: string): void {
    this.dirty = true;
    this.state = { ...this.state, error };
  }

  show(): void {
    if (live.frozen) live.newer += 1;
    else for (const read of this.readers) read();
  }
}

const resources = new Map<string, Resource>();

function resource(path: string, kinds: string[]): Resource {
  let found = resources.get(path);
  if (!found) {
    for (const [old, one] of resources) if (resources.size > KEPT && one.readers.size === 0) resources.delete(old);
    found = new Resource(path);
    resources.set(path, found);
  }
  found.kinds = new Set(kinds);
  return found;
}

/** The newest answer of a path, asked again when one of the kinds of events arrives, and each ten seconds. */
export function useData<T>(path: string, ...kinds: string[]): Loaded<T> {
  const [, again] = useState(0);
  const held = resource(path, kinds);
  useEffect(() => {
    const reader = (): void => again((n) => n + 1);
    held.readers.add(reader);
    held.touch();
    held.tick(performance.now());
    return () => void held.readers.delete(reader);
  }, [held]);
  return held.state as Loaded<T>;
}

/** Ask everything again: something was written. */
export function touchAll(): void {
  for (const one of resources.values()) one.touch();
}

/** The connection as the page sees it. */
class Live {
  frozen = false;
  newer = 0;
  heard_ms: number | null = null;
  private port: MessagePort | null = null;

  heard(): void {
    this.heard_ms = performance.now();
  }

  freeze(on: boolean): void {
    this.frozen = on;
    this.newer = 0;
    if (!on) for (const one of resources.values()) one.show();
  }

  on(kind: string): void {
    if (kind !== "cut") this.heard();
    const all = kind === "open" || kind === "reset";
    for (const one of resources.values()) if (all || one.kinds.has(kind)) one.touch();
  }

  start(): void {
    const make = (path: string): string => path;
    const policy = (window as { trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(path: string): string } } })
      .trustedTypes?.createPolicy("tradewire", { createScriptURL: make });
    const path = "/assets/worker.js";
    try {
      const worker = new SharedWorker(policy ? policy.createScriptURL(path) : path, { name: "tradewire", type: "module" });
      worker.port.onmessage = (event) => this.on(String(event.data));
      worker.port.start();
      this.port = worker.port;
    } catch {
      // A browser without shared workers reads each block every ten seconds: no stream, but HALT in every tab.
    }
    addEventListener("pagehide", () => this.port?.postMessage("bye"));
    const wake = (): void => {
      if (document.hidden) return;
      this.port?.postMessage("wake");
      for (const one of resources.values()) one.touch();
    };
    addEventListener("online", wake);
    document.addEventListener("visibilitychange", wake);
    setInterval(() => {
      const now_ms = performance.now();
      for (const one of resources.values()) one.tick(now_ms);
    }, 250);
  }
}

export const live = new Live();

export type Connection = "live" | "late" | "lost";

/** By the last answer or frame: within 7 s live, within 15 s late. */
export function connection(now_ms: number): Connection {
  if (live.heard_ms === null || now_ms - live.heard_ms > 15_000) return "lost";
  return now_ms - live.heard_ms < 7_000 ? "live" : "late";
}

export function isStale(loaded: Loaded<unknown>, now_ms: number): boolean {
  return loaded.arrived_ms !== null && now_ms - loaded.arrived_ms > 15_000;
}

/** Draws again each second: ages grow while nothing arrives. */
export function useSecond(): number {
  const [now_ms, set] = useState(performance.now());
  useEffect(() => {
    const timer = setInterval(() => set(performance.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now_ms;
}
