// The candle chart: bars, indicator lines and marks of one series. It keeps its place while bars arrive, and is taken
// down with its page. Colours come from the style sheet.
import {
  CandlestickSeries, type IChartApi, type ISeriesApi, type ISeriesMarkersPluginApi, LineSeries, type MouseEventParams,
  type SeriesMarker, type Time, type UTCTimestamp, createChart, createSeriesMarkers,
} from "lightweight-charts";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Annotation, CandlesView } from "./api";
import { colour, useTheme } from "./theme";

/** Names under which the indicator service publishes the bar itself. */
export const BAR_FIELDS = new Set(["open", "high", "low", "close", "volume"]);

/** Colours of lines, in the order of their names. */
export const LINES = ["--accent", "--warn", "--gain", "--loss", "--soft", "--ctl"];

export interface ChartProps {
  candles: CandlesView;
  marks: Annotation[];
  /** Indicators to draw, and whether in the pane of the prices. */
  lines: { name: string; onPrices: boolean }[];
  /** The bar that is looked at, µs. */
  at_us: number | null;
  /** A bar was chosen: its close, µs. */
  choose: (time_us: number) => void;
  /** The crosshair is over a bar: its row; null: over none. */
  over: (row: number | null) => void;
}

interface Drawn {
  chart: IChartApi;
  bars: ISeriesApi<"Candlestick">;
  marks: ISeriesMarkersPluginApi<Time>;
  lines: Map<string, ISeriesApi<"Line">>;
  times_us: number[];
}

const seconds = (us: number): UTCTimestamp => Math.floor(us / 1_000_000) as UTCTimestamp;

export function Chart(props: ChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn | null>(null);
  const newest = useRef(props);
  newest.current = props;
  const theme = useTheme();
  const names = props.lines.map((line) => `${line.name}${line.onPrices}`).join();

  useEffect(() => {
    if (!place.current) return undefined;
    const made = make(place.current, newest.current);
    made.chart.subscribeClick((event) => {
      const time_us = chosen(event, newest.current.candles);
      if (time_us !== null) newest.current.choose(time_us);
    });
    made.chart.subscribeCrosshairMove((event) => {
      const time_us = chosen(event, newest.current.candles);
      newest.current.over(time_us === null ? null : newest.current.candles.time_us.indexOf(time_us));
    });
    drawn.current = made;
    return () => {
      made.chart.remove();
      drawn.current = null;
    };
  }, [theme, names]);

  useEffect(() => {
    if (drawn.current) show(drawn.current, props);
  }, [props.candles, props.marks, props.at_us, theme, names]);

  return <div class="chart" ref={place} role="img" aria-label={`Candles of ${props.candles.symbol}; the table below has the newest`} />;
}

function make(place: HTMLElement, props: ChartProps): Drawn {
  const chart = createChart(place, {
    autoSize: true,
    layout: {
      attributionLogo: false, // it writes a style element, which the policy refuses; the About page has the notice
      background: { color: colour("--panel") },
      textColor: colour("--soft"),
      fontFamily: "system-ui, sans-serif",
      panes: { separatorColor: colour("--line") },
    },
    grid: { vertLines: { color: colour("--line") }, horzLines: { color: colour("--line") } },
    rightPriceScale: { borderColor: colour("--line") },
    timeScale: { borderColor: colour("--line"), timeVisible: true, secondsVisible: false, rightOffset: 4 },
  });
  const up = colour("--up");
  const down = colour("--down");
  const bars = chart.addSeries(CandlestickSeries, {
    upColor: colour("--panel"), downColor: down, borderUpColor: up, borderDownColor: down, wickUpColor: up, wickDownColor: down,
  });
  const lines = new Map<string, ISeriesApi<"Line">>();
  let pane = 0;
  props.lines.forEach((line, n) => {
    const options = { color: colour(LINES[n % LINES.length] ?? "--accent"), lineWidth: 1 as const, priceLineVisible: false, lastValueVisible: false };
    lines.set(line.name, chart.addSeries(LineSeries, options, line.onPrices ? 0 : (pane += 1)));
  });
  return { chart, bars, marks: createSeriesMarkers(bars, []), lines, times_us: [] };
}

function show(drawn: Drawn, props: ChartProps): void {
  const { candles } = props;
  const scale = drawn.chart.timeScale();
  const place = scale.getVisibleLogicalRange();
  const before = drawn.times_us;
  drawn.bars.setData(candles.time_us.map((us, n) => ({
    time: seconds(us), open: candles.open[n] ?? 0, high: candles.high[n] ?? 0, low: candles.low[n] ?? 0, close: candles.close[n] ?? 0,
  })));
  for (const [name, series] of drawn.lines) {
    const values = candles.values[name] ?? [];
    series.setData(candles.time_us.map((us, n) => {
      const value = values[n];
      return value == null ? { time: seconds(us) } : { time: seconds(us), value };
    }));
  }
  const marks = [...props.marks.flatMap((mark) => marker(mark, candles.time_us)), ...looked(props)];
  drawn.marks.setMarkers(marks.sort((a, b) => Number(a.time) - Number(b.time)));
  drawn.times_us = candles.time_us;
  if (!place || before.length === 0) return;
  const first_us = candles.time_us[0] ?? 0;
  const gone = before.filter((us) => us < first_us).length;
  const follows = place.to >= before.length - 1;
  const by = follows ? candles.time_us.length - before.length : -gone;
  scale.setVisibleLogicalRange({ from: place.from + by, to: place.to + by });
}

function chosen(event: MouseEventParams<Time>, candles: CandlesView): number | null {
  if (event.time === undefined) return null;
  return candles.time_us.find((us) => seconds(us) === event.time) ?? null;
}

/** The bar that is explained below has a mark of its own. */
function looked(props: ChartProps): SeriesMarker<Time>[] {
  const at_us = props.at_us === null ? null : barOf(props.at_us, props.candles.time_us);
  return at_us === null ? [] : [{ time: seconds(at_us), position: "aboveBar", shape: "circle", color: colour("--ink"), text: "why?" }];
}

/** A mark at the bar that was open then. */
function marker(mark: Annotation, times_us: number[]): SeriesMarker<Time>[] {
  const at_us = barOf(mark.time_us, times_us);
  if (at_us === null) return [];
  const time = seconds(at_us);
  switch (mark.kind) {
    case "ENTRY":
    case "EXIT": {
      const buys = mark.side === "BUY";
      const looks = { color: colour(buys ? "--gain" : "--loss"), text: mark.kind === "ENTRY" ? "" : "x" };
      return [{ time, position: buys ? "belowBar" : "aboveBar", shape: buys ? "arrowUp" : "arrowDown", ...looks }];
    }
    case "LIQUIDATION": return [{ time, position: "aboveBar", shape: "arrowDown", color: colour("--bad"), text: "liquidated" }];
    case "CONFIG": return [{ time, position: "belowBar", shape: "circle", color: colour("--accent"), text: mark.text.replace(/^.* version (\d+) .*$/, "v$1") }];
    case "GAP": return [{ time, position: "aboveBar", shape: "square", color: colour("--ctl"), text: "fault" }];
    default: return [{ time, position: "aboveBar", shape: "square", color: colour("--warn"), text: mark.kind === "REFUSAL" ? "refused" : "rejected" }];
  }
}

/** Close of the bar that holds a time; null outside of what is drawn. */
export function barOf(time_us: number, times_us: number[]): number | null {
  let low = 0;
  let high = times_us.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times_us[middle] ?? 0) < time_us) low = middle + 1;
    else high = middle;
  }
  const found = times_us[low];
  return found === undefined || (low === 0 && time_us < found) ? null : found;
}
