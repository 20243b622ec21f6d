// One stream for all tabs of a browser: HTTP/1.1 allows six connections to a host, and the seventh tab would hang.

interface Port {
  postMessage(message: unknown): void;
}
const ports: Port[] = [];
const KINDS = [
  "OrderChanged", "OrderFilled", "AccountStateChanged", "StrategyEvaluated", "RiskAssessed", "StrategyStatusChanged",
  "StrategyConfigPublished", "RiskLimitsChanged", "ControlStatusChanged", "ControlChanged", "GapDetected",
  "AuditRecorded", "reset", "beat",
];
const FIRST_MS = 1000;
const LONGEST_MS = 30_000;
let source: EventSource | null = null;
let wait_ms = FIRST_MS;
let last_id = "";
let waiting = 0;

function say(kind: string): void {
  for (const port of ports) port.postMessage(kind);
}

function open(): void {
  waiting = 0;
  source?.close();
  const from = last_id.includes("-") && /-\d+$/.test(last_id) ? `?from=${encodeURIComponent(last_id)}` : "";
  source = new EventSource(`/api/v1/stream${from}`);
  source.onopen = () => {
    wait_ms = FIRST_MS;
    say("open");
  };
  source.onerror = () => {
    source?.close();
    say("cut");
    if (waiting) return;
    waiting = setTimeout(open, wait_ms * (0.8 + 0.4 * Math.random())) as unknown as number;
    wait_ms = Math.min(2 * wait_ms, LONGEST_MS);
  };
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      last_id = (event as MessageEvent).lastEventId || last_id;
      say(kind);
    });
  }
}

function add(port: MessagePort): void {
  ports.push(port);
  port.onmessage = (event) => {
    if (event.data === "bye") ports.splice(ports.indexOf(port), 1);
    if (event.data === "wake" && waiting) {
      clearTimeout(waiting);
      open();
    }
  };
  port.start();
  if (source === null) open();
}

(self as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = (event) => {
  const port = event.ports[0];
  if (port) add(port);
};
