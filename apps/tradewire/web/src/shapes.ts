// Answers of the dashboard's own process.
export interface Service {
  name: string;
  state: "ready" | "not ready" | "down";
  phase: string;
  last_success_us: number | null;
  handled: number;
  published: number;
  dead_letters: number;
  last_error: string | null;
  waits_for: { reason: string; what: string; event_time_us: number | null }[];
  unready: { reason: string; what: string }[];
  asked_us: number;
}

export interface Services {
  now_us: number;
  services: Service[];
}

export interface Session {
  user: string;
  csrf: string;
  market: string;
  mode: string;
  now_us: number;
}
