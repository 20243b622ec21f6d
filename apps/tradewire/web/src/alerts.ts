// What needs somebody now, worst first: derived from the same answers that the blocks show.
import type { AccountView, ControlsView, LevelInForce, StrategyView } from "./api";
import { words } from "./format";
import type { Service } from "./shapes";

export interface Alert {
  id: string;
  severity: "critical" | "warning";
  what: string;
  page: string;
}

export function alertsOf(services: Service[], controls: ControlsView[], strategies: StrategyView[], accounts: AccountView[]): Alert[] {
  const found: Alert[] = [];
  for (const one of services) {
    if (one.state === "down") {
      found.push({ id: one.name, severity: "critical", what: `${one.name} is down: ${one.last_error ?? "no answer"}`, page: "/platform" });
    } else if (one.state === "not ready") {
      const why = one.unready[0]?.what ?? one.last_error ?? one.phase;
      found.push({ id: one.name, severity: "warning", what: `${one.name} is not ready: ${why}`, page: "/platform" });
    }
    if (one.dead_letters > 0) {
      found.push({ id: `${one.name}-letters`, severity: "warning", what: `${one.name} wrote ${one.dead_letters} dead letters`, page: `/platform/letters?service=${one.name}` });
    }
  }
  for (const level of levelsOf(controls)) {
    found.push({ id: `control-${level.scope}`, severity: "warning", what: `${level.scope} is at ${words(level.level)}, by ${level.author}: ${level.reason}`, page: "/log" });
  }
  for (const one of strategies) {
    if (one.status === "REFUSED") {
      found.push({ id: `strategy-${one.strategy_id}`, severity: "warning", what: `${one.strategy_id} version ${one.published_version} was refused: ${one.reasons[0]?.message ?? ""}`, page: "/s" });
    }
  }
  for (const one of accounts) {
    if (one.equity.startsWith("-")) found.push({ id: `equity-${one.account_id}`, severity: "critical", what: `${one.account_id} has lost more than it had`, page: "/" });
  }
  return found.sort((a, b) => a.severity.localeCompare(b.severity));
}

/** Levels other than NORMAL, each scope once, the newest word on it. */
export function levelsOf(controls: ControlsView[]): LevelInForce[] {
  const found = new Map<string, LevelInForce>();
  for (const one of controls) {
    for (const level of one.levels) {
      const known = found.get(level.scope);
      if (!known || known.control_offset < level.control_offset) found.set(level.scope, level);
    }
  }
  return [...found.values()].sort((a, b) => a.scope.localeCompare(b.scope));
}
