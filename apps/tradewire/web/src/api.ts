// Written by generate_types.py from the state API's OpenAPI document.
/** An account as of its newest state. */
export interface AccountView {
  equity: string;
  wallet_balance: string;
  unrealized_pnl: string;
  realized_pnl: string;
  fees_paid: string;
  funding_paid: string;
  initial_margin: string;
  maintenance_margin: string;
  account_id: string;
  as_of_us: number;
  sequence: number;
  peak_equity: string;
  drawdown_ratio: number;
  gross_exposure: string;
  strategies: StrategyResult[];
}

/** A version in force, or about to be. */
export interface ActiveVersion {
  version: number;
  account_id: string;
  venue: string;
  symbols: string[];
  interval: string;
  demands: string[];
  effective_from_us: number;
  digest: string;
  document: string;
}

/** One mark at the event time of a bar. ``price``: quote per base; ``qty``: base; null where there is none. */
export interface Annotation {
  kind: AnnotationKind;
  time_us: number;
  venue: string;
  symbol: string;
  account_id: string | null;
  strategy_id: string | null;
  text: string;
  ref: string;
  side: Side | null;
  price: string | null;
  qty: string | null;
  client_order_id: string | null;
}

/** What happened. EXIT: any fill that closes; REFUSAL: by risk; REJECTION: by execution or the venue; CONFIG: a */
export type AnnotationKind = "ENTRY" | "EXIT" | "LIQUIDATION" | "REFUSAL" | "REJECTION" | "CONFIG" | "GAP";

/** Newest first. ``next``: give it as ``after`` for older ones, null at the end of what is in memory. */
export interface Annotations {
  items: Annotation[];
  next: string | null;
  complete_from_us: number | null;
}

/** Structured audit event. */
export interface AuditRecorded {
  source: string;
  severity: Severity;
  name: string;
  message: string;
  event_time_us: number;
  trace_id: string | null;
  attributes: Record<string, string>;
}

/** Prices: quote per base; volume: base. */
export interface BarView {
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** Closed bars as columns of the same length, by rising time. Prices: quote per base; volume: base. */
export interface CandlesView {
  venue: string;
  symbol: string;
  interval: string;
  interval_us: number;
  time_us: number[];
  open: number[];
  high: number[];
  low: number[];
  close: number[];
  volume: number[];
  values: Record<string, (number | null)[]>;
  next: string | null;
  kept_from_us: number;
  dropped: boolean;
}

/** The answer. */
export type ConfigStatus = "ACCEPTED" | "REFUSED" | "RETIRED";

/** Kill switch and pause. */
export interface ControlChanged {
  scope: string;
  level: ControlLevel;
  reason: string;
  author: string;
  issued_at_us: number;
}

/** Level in force. */
export type ControlLevel = "NORMAL" | "NO_NEW" | "REDUCE_ONLY" | "FLATTEN" | "PAUSED";

/** The kill switch as one instance of a service obeys it. */
export interface ControlsView {
  service: string;
  instance: string;
  partitions: number[];
  control_offset: number;
  levels: LevelInForce[];
  told_us: number;
}

/** An account as of an event time. */
export interface CurvePoint {
  time_us: number;
  equity: string;
  realized_pnl: string;
  drawdown_ratio: number;
}

/** Equity over time. ``thinned``: lows and highs of equal stretches stand for all of their points. */
export interface CurveView {
  account_id: string;
  thinned: boolean;
  points: CurvePoint[];
}

/** One record that a service could not handle, where it is from, why, and what an operator can do. */
export interface DeadLetterView {
  service: string;
  letter: string;
  written_us: number;
  topic: string;
  partition: number | null;
  offset: number | null;
  key: string;
  event_id: string | null;
  event_time_us: number | null;
  trace_id: string | null;
  stage: string;
  error_type: string | null;
  reason: string;
  failed_again: boolean;
  state: LetterState;
  parks_key: boolean;
  waiting_of_key: number;
  replay: string | null;
  give_up: string | null;
  not_replayable: string | null;
}

/** A page of dead letters, newest first. */
export interface DeadLettersView {
  items: DeadLetterView[];
  next: string | null;
  asked_us: number;
  waiting: number;
  parked_keys: number;
  is_complete: boolean;
}

/** The chain of one decision: bar, values, rules, risk, orders, fills; the verdict first. */
export interface ExplanationView {
  question: string;
  verdict: string;
  strategy_id: string;
  venue: string;
  symbol: string;
  interval: string | null;
  time_us: number;
  trace_id: string | null;
  bar: BarView | null;
  evaluation: Item_StrategyEvaluated | null;
  rules: RuleView[] | null;
  notes: string[];
  assessment: Item_RiskAssessed | null;
  orders: OrderStoryView[];
  gaps: GapDetected[];
  unknown: string[];
}

/** Does a feed come? ENDED: its source said that there is no more; UNKNOWN: nobody knows when it last came. */
export type FeedState = "LIVE" | "LATE" | "DEAD" | "ENDED" | "UNKNOWN";

/** A stream of bars: LIVE, LATE or DEAD by the time at which its next bar is due, ENDED when its source said so. */
export interface FeedView {
  venue: string;
  symbol: string;
  interval: string;
  last_event_us: number;
  received_us: number | null;
  due_us: number | null;
  silent_seconds: number | null;
  state: FeedState;
}

/** A fault in a market stream: reported, never repaired silently. */
export interface GapDetected {
  venue: string;
  symbol: string;
  interval: string;
  kind: GapKind;
  event_time_us: number;
  after_us: number | null;
  before_us: number | null;
  missing: number;
  field: string | null;
  found: string | null;
  allowed: string | null;
  row: number | null;
}

/** What is wrong. */
export type GapKind = "MISSING" | "FILLED" | "DUPLICATE" | "CONFLICT" | "OUT_OF_ORDER" | "INVALID" | "OFF_GRID" | "FUTURE";

/** What a row of results is about. */
export type Grouping = "day" | "strategy" | "symbol";

/** One instance of a service, as it says of itself every few seconds and as ``tradewire status`` shows it. */
export interface InstanceView {
  instance_id: string;
  state: "ready" | "not ready" | "lost" | "stopped";
  why: string[];
  waits_for: string[];
  phase: string;
  version: string;
  host: string;
  pid: number;
  started_us: number;
  starts: number;
  reported_us: number;
  last_success_us: number | null;
  handled: number;
  dead_letters: number;
  lag_records: number | null;
  lag_seconds: number | null;
  last_error: string | null;
}

/** An instrument's filters, fees and brackets, in force from valid_from_us. */
export interface InstrumentChanged {
  venue: string;
  symbol: string;
  base: string;
  quote: string;
  status: InstrumentStatus;
  tick_size: string;
  step_size: string;
  min_qty: string;
  max_qty: string;
  min_notional: string;
  maker_fee: string;
  taker_fee: string;
  liquidation_fee: string;
  price_collar_ratio: string;
  intervals: string[];
  brackets: LeverageBracket[];
  valid_from_us: number;
}

/** Trading status at the venue. */
export type InstrumentStatus = "TRADING" | "HALT" | "BREAK" | "CLOSED";

/** What is wrong with one field. ``loc``: where it is, e.g. query, limit. */
export interface InvalidField {
  loc: (string | number)[];
  msg: string;
  type: string;
}

/** Why a question can't be answered: a sentence, or what is wrong with each field. */
export interface InvalidRequest {
  detail: string | InvalidField[];
}

export interface Item_AuditRecorded {
  event_id: string;
  event_time_us: number;
  trace_id: string | null;
  event: AuditRecorded;
}

export interface Item_ControlChanged {
  event_id: string;
  event_time_us: number;
  trace_id: string | null;
  event: ControlChanged;
}

export interface Item_GapDetected {
  event_id: string;
  event_time_us: number;
  trace_id: string | null;
  event: GapDetected;
}

export interface Item_OrderChanged {
  event_id: string;
  event_time_us: number;
  trace_id: string | null;
  event: OrderChanged;
}

export interface Item_OrderFilled {
  event_id: string;
  event_time_us: number;
  trace_id: string | null;
  event: OrderFilled;
}

export interface Item_RiskAssessed {
  event_id: string;
  event_time_us: number;
  trace_id: string | null;
  event: RiskAssessed;
}

export interface Item_StrategyEvaluated {
  event_id: string;
  event_time_us: number;
  trace_id: string | null;
  event: StrategyEvaluated;
}

/** How far a topic was read here. ``behind_us``: event time between it and the newest of any topic. */
export interface LagView {
  topic: string;
  newest_event_time_us: number;
  behind_us: number;
  records_behind: number;
}

/** What became of it. WAITS: nobody has handled it, or it failed again; HANDLED: an operator had it replayed; */
export type LetterState = "WAITS" | "HANDLED" | "GIVEN_UP";

/** A level other than NORMAL. */
export interface LevelInForce {
  scope: string;
  level: ControlLevel;
  reason: string;
  author: string;
  issued_at_us: number;
  control_offset: number;
}

/** One maintenance-margin tier. */
export interface LeverageBracket {
  notional_floor: string;
  notional_cap: string;
  maintenance_ratio: string;
  maintenance_amount: string;
  max_leverage: number;
}

/** One limit. ``limit`` null: not set. ``used``, ``headroom``: by the newest account state, positions at the mark. */
export interface LimitUseView {
  limit_name: string;
  unit: string;
  limit: string | null;
  used: string | null;
  headroom: string | null;
  ratio: number | null;
  last_value: string | null;
  last_limit: string | null;
  last_us: number | null;
}

/** Limits of an account, all that there are, and what is used. ``version`` null: none were ever set. */
export interface LimitsInUseView {
  account_id: string;
  as_of_us: number;
  version: number | null;
  author: string | null;
  changed_at_us: number | null;
  limits: LimitUseView[];
}

/** Liquidity flag. */
export type Liquidity = "TAKER" | "MAKER";

/** Oldest first. ``next``: give it as ``after`` for the rest; null at the end. */
export interface LogAnswer {
  entries: LogEntry[];
  next: string | null;
}

/** A message in the log store. */
export interface LogEntry {
  event_id: string;
  topic: string;
  partition: number;
  offset: number;
  event_time_us: number;
  recorded_at_us: number;
  kind: string;
  account_id: string | null;
  strategy_id: string | null;
  symbol: string | null;
  client_order_id: string | null;
  trace_id: string | null;
  correlation_id: string | null;
  causation_id: string | null;
  payload: Record<string, unknown> | null;
}

/** The newest prices of a symbol, quote per base. ``last``: close of its newest bar. Each has its event time. */
export interface MarkView {
  venue: string;
  symbol: string;
  mark: string | null;
  mark_time_us: number | null;
  last: string | null;
  last_time_us: number | null;
  bid: string | null;
  ask: string | null;
  quote_time_us: number | null;
  received_us: number | null;
}

/** A transition of an order. */
export interface OrderChanged {
  account_id: string;
  client_order_id: string;
  strategy_id: string;
  venue: string;
  symbol: string;
  event_time_us: number;
  sequence: number;
  status: OrderStatus;
  side: Side;
  order_type: string;
  leg: string;
  qty: string;
  filled_qty: string;
  price: string | null;
  stop_price: string | null;
  reason: string | null;
  venue_order_id: string | null;
  evaluation_id: string | null;
}

/** A fill; idempotent by (account_id, venue_trade_id). */
export interface OrderFilled {
  account_id: string;
  client_order_id: string;
  strategy_id: string;
  venue: string;
  symbol: string;
  event_time_us: number;
  sequence: number;
  venue_trade_id: string;
  side: Side;
  qty: string;
  price: string;
  fee: string;
  liquidity: Liquidity;
  realized_pnl: string;
  position_after: string;
  leg: string;
  evaluation_id: string | null;
}

/** An order that risk approved. */
export interface OrderIntent {
  client_order_id: string;
  leg: OrderLeg;
  side: Side;
  order_type: OrderType;
  qty: string;
  price: string | null;
  stop_price: string | null;
  trailing_distance: string | null;
  time_in_force: TimeInForce;
  reduce_only: boolean;
  parent_id: string | null;
  oco_group: string | null;
  reference_price: string | null;
}

/** Purpose. */
export type OrderLeg = "ENTRY" | "EXIT" | "STOP_LOSS" | "TAKE_PROFIT" | "TRAILING_STOP" | "FLATTEN";

/** New status. */
export type OrderStatus = "UNKNOWN" | "INITIALIZED" | "DENIED" | "SUBMITTED" | "ACCEPTED" | "PARTIALLY_FILLED" | "FILLED" | "PENDING_CANCEL" | "CANCELED" | "EXPIRED" | "REJECTED" | "TRIGGERED";

/** One order: each transition that is known, and its fills. What risk asked for is in the assessment's intents. */
export interface OrderStoryView {
  client_order_id: string;
  changes: OrderChanged[];
  fills: OrderFilled[];
}

/** Binance order type. */
export type OrderType = "MARKET" | "LIMIT" | "STOP_MARKET" | "TAKE_PROFIT_MARKET" | "TRAILING_STOP_MARKET";

export interface Page_AuditRecorded {
  items: Item_AuditRecorded[];
  next: string | null;
}

export interface Page_ControlChanged {
  items: Item_ControlChanged[];
  next: string | null;
}

export interface Page_GapDetected {
  items: Item_GapDetected[];
  next: string | null;
}

export interface Page_OrderChanged {
  items: Item_OrderChanged[];
  next: string | null;
}

export interface Page_OrderFilled {
  items: Item_OrderFilled[];
  next: string | null;
}

export interface Page_RiskAssessed {
  items: Item_RiskAssessed[];
  next: string | null;
}

export interface Page_StrategyEvaluated {
  items: Item_StrategyEvaluated[];
  next: string | null;
}

/** Account partitions: ``held`` are those whose accounts this instance shows, of ``all`` that there are. */
export interface Partitions {
  held: number[];
  all: number;
}

/** Where one is. */
export interface PlatformView {
  mode: "paper" | "testnet" | "mainnet" | "replay" | null;
  environment: string;
  version: string;
  now_us: number;
  event_time_us: number | null;
  started_us: number;
  partitions: Partitions;
  at: string;
}

/** Results of one account. ``key``: the day (begin, UTC, ISO 8601), strategy or symbol. */
export interface PnlRow {
  account_id: string;
  key: string;
  from_us: number | null;
  realized_pnl: string;
  fees: string;
  fills: number;
  funding: string | null;
  equity_change: string | null;
  as_of_us: number | null;
}

/** Days newest first, strategies and symbols by name. ``complete_from_us``: older days made room; null: none has. */
export interface PnlView {
  by: Grouping;
  rows: PnlRow[];
  complete_from_us: number | null;
}

/** A net position; ``shares``: signed quantity by strategy, base. */
export interface PositionView {
  account_id: string;
  as_of_us: number;
  venue: string;
  symbol: string;
  qty: string;
  entry_price: string;
  mark_price: string;
  unrealized_pnl: string;
  liquidation_price: string | null;
  shares: Record<string, string>;
}

/** Why there is no answer. */
export interface Problem {
  detail: string;
}

/** One finding of the validation. */
export interface RefusalReason {
  line: number | null;
  column: number | null;
  message: string;
  suggestion: string | null;
}

/** Risk's answer to one evaluation. */
export interface RiskAssessed {
  account_id: string;
  strategy_id: string;
  config_version: number;
  venue: string;
  symbol: string;
  event_time_us: number;
  evaluation_id: string;
  decision: RiskDecision;
  intents: OrderIntent[];
  cancels: string[];
  rules: RuleOutcome[];
  equity: string | null;
  account_time_us: number | null;
  step_index: number;
  step_size: number;
  late: boolean;
  last_of_stream: boolean;
}

/** The answer. */
export type RiskDecision = "NO_SIGNAL" | "NO_ACTION" | "APPROVED" | "REFUSED";

/** Limits of one account; null = no limit. */
export interface RiskLimitsChanged {
  account_id: string;
  version: number;
  max_order_notional: string | null;
  max_position_notional: string | null;
  max_gross_exposure: string | null;
  max_net_exposure: string | null;
  max_leverage: string | null;
  max_concentration_ratio: string | null;
  max_daily_loss: string | null;
  max_drawdown_ratio: string | null;
  max_orders_per_minute: number | null;
  max_data_age_s: number | null;
  price_collar_ratio: string | null;
  author: string;
  changed_at_us: number;
}

/** One rule, its numbers and verdict. */
export interface RuleOutcome {
  rule: string;
  passed: boolean;
  value: string;
  limit: string;
}

/** A rule of the strategy: its text, its truth (null: unknown), and what it saw at the bar and at the one before. */
export interface RuleView {
  rule: string;
  expression: string;
  truth: boolean | null;
  values: Record<string, number | null>;
  previous: Record<string, number | null>;
}

/** A service. ``state``: ready when one instance is; absent when none reported itself. */
export interface ServiceView {
  name: string;
  state: "ready" | "not ready" | "lost" | "stopped" | "absent";
  instances: InstanceView[];
}

/** The six services in the order in which events pass. ``problems``: what is wrong, a sentence each. */
export interface ServicesView {
  asked_us: number;
  healthy: boolean;
  problems: string[];
  services: ServiceView[];
}

/** Severity. */
export type Severity = "INFO" | "WARNING" | "ERROR";

/** Order side (FIX 54). */
export type Side = "BUY" | "SELL";

/** What the rules ask for. */
export type Signal = "HOLD" | "ENTER_LONG" | "ENTER_SHORT" | "EXIT_LONG" | "EXIT_SHORT" | "REVERSE_TO_LONG" | "REVERSE_TO_SHORT";

/** How an entry is sized. */
export interface Sizing {
  method: SizingMethod;
  value: number;
  max_leverage: number | null;
  inputs: Record<string, number>;
}

/** Sizing rule. */
export type SizingMethod = "FRACTION_OF_EQUITY" | "FIXED_NOTIONAL" | "FIXED_QTY" | "RISK_PER_TRADE" | "VOLATILITY_TARGET";

/** A strategy's answer to one closed bar; HOLD counts. */
export interface StrategyEvaluated {
  account_id: string;
  strategy_id: string;
  config_version: number;
  venue: string;
  symbol: string;
  interval: string;
  event_time_us: number;
  signal: Signal;
  ready: boolean;
  entry_long: boolean;
  exit_long: boolean;
  entry_short: boolean;
  exit_short: boolean;
  close: string;
  sizing: Sizing;
  stop_distance: number | null;
  take_profit_distance: number | null;
  trailing_distance: number | null;
  seen: Record<string, number | null>;
  candle_offset: number;
  last_of_stream: boolean;
}

/** What a strategy's fills on an account came to, quote; PnL before fees. */
export interface StrategyResult {
  strategy_id: string;
  realized_pnl: string;
  fees: string;
  fills: number;
}

/** A strategy: the platform's answer to its newest version, what is in force, and when it last decided. */
export interface StrategyView {
  strategy_id: string;
  published_version: number | null;
  version: number | null;
  status: ConfigStatus | null;
  reasons: RefusalReason[];
  active: ActiveVersion[];
  last_evaluated_us: number | null;
}

/** Time in force. */
export type TimeInForce = "GTC" | "IOC" | "FOK" | "GTX";

/** A strategy's share of a symbol from flat to flat; ``exit_time_us`` null: it is still open. */
export interface TradeView {
  account_id: string;
  strategy_id: string;
  venue: string;
  symbol: string;
  side: Side;
  qty: string;
  entry_time_us: number;
  exit_time_us: number | null;
  entry_price: string;
  exit_price: string | null;
  fees: string;
  pnl: string | null;
  exit_leg: string | null;
  orders: string[];
}

/** Newest first. ``next``: give it as ``after`` for older ones; null at the end of what is in memory. */
export interface TradesView {
  items: TradeView[];
  next: string | null;
  complete_from_us: number | null;
}

export interface Answers {
  "/api/v1/accounts": AccountView[];
  "/api/v1/accounts/{account_id}": AccountView;
  "/api/v1/accounts/{account_id}/equity": CurveView;
  "/api/v1/annotations": Annotations;
  "/api/v1/assessments": Page_RiskAssessed;
  "/api/v1/audits": Page_AuditRecorded;
  "/api/v1/candles": CandlesView;
  "/api/v1/controls": ControlsView[];
  "/api/v1/controls/history": Page_ControlChanged;
  "/api/v1/dead-letters": DeadLettersView;
  "/api/v1/evaluations": Page_StrategyEvaluated;
  "/api/v1/explain": ExplanationView;
  "/api/v1/feeds": FeedView[];
  "/api/v1/fills": Page_OrderFilled;
  "/api/v1/gaps": Page_GapDetected;
  "/api/v1/instruments": InstrumentChanged[];
  "/api/v1/lag": LagView[];
  "/api/v1/limits": RiskLimitsChanged[];
  "/api/v1/limits/in-use": LimitsInUseView[];
  "/api/v1/log": LogAnswer;
  "/api/v1/marks": MarkView[];
  "/api/v1/orders": Page_OrderChanged;
  "/api/v1/orders/{client_order_id}": Item_OrderChanged;
  "/api/v1/platform": PlatformView;
  "/api/v1/pnl": PnlView;
  "/api/v1/positions": PositionView[];
  "/api/v1/services": ServicesView;
  "/api/v1/strategies": StrategyView[];
  "/api/v1/stream": unknown;
  "/api/v1/trades": TradesView;
}
