// A curve over time, drawn by uPlot and taken down with its page. Floats are for drawing alone.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { colour, useTheme } from "./theme";

const HEIGHT = 220;

export interface CurveProps {
  label: string;
  times_us: number[];
  values: (number | null)[];
  /** Number of the place that the cursor is over; null: over none. */
  over: (n: number | null) => void;
  zero?: boolean;
}

export function Curve(props: CurveProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const newest = useRef(props);
  newest.current = props;
  const drawn = useRef<uPlot | null>(null);
  const theme = useTheme();

  useEffect(() => {
    const box = place.current;
    if (!box) return undefined;
    const made = new uPlot(options(box.clientWidth, newest.current, (n) => newest.current.over(n)), columns(newest.current), box);
    drawn.current = made;
    const sized = new ResizeObserver(() => made.setSize({ width: box.clientWidth, height: HEIGHT }));
    sized.observe(box);
    return () => {
      sized.disconnect();
      made.destroy();
      drawn.current = null;
    };
  }, [theme]);

  useEffect(() => drawn.current?.setData(columns(props)), [props.times_us, props.values]);

  return <div class="curve" ref={place} role="img" aria-label={props.label} />;
}

const columns = (props: CurveProps): uPlot.AlignedData => [props.times_us.map((us) => us / 1e6), props.values];

function options(width: number, props: CurveProps, over: (n: number | null) => void): uPlot.Options {
  const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    tzDate: (s) => uPlot.tzDate(new Date(s * 1e3), "Etc/UTC"),
    cursor: { y: false },
    series: [{}, { stroke: colour("--accent"), width: 1.5, fill: `color-mix(in srgb, ${colour("--accent")} 12%, transparent)` }],
    scales: props.zero ? { y: { range: (_, low, high) => [Math.min(low, 0), Math.max(high, 0)] } } : {},
    axes: [{ ...axis, space: 96, size: 34, values: (_, ticks) => ticks.map(day) }, { ...axis, size: 72, values: (_, ticks) => ticks.map((tick) => tick.toLocaleString("en", { maximumFractionDigits: 8 })) }],
    hooks: { setCursor: [(self) => over(self.cursor.idx ?? null)] },
  };
}

function day(s: number): string {
  const text = new Date(s * 1e3).toISOString();
  return text.slice(11, 16) === "00:00" ? text.slice(0, 10) : text.slice(5, 16).replace("T", " ");
}
