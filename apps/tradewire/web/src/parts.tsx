// The few shapes that every page is made of.
import type { ComponentChildren, JSX } from "preact";
import { type Loaded, isStale, useSecond } from "./data";
import { age, decimal, signOf } from "./format";

/** A block with its heading. It says how old it is once it is stale, and why there is nothing in it yet. */
export function Block(props: { title: ComponentChildren; of: Loaded<unknown>; children: ComponentChildren; note?: string }): JSX.Element {
  const now_ms = useSecond();
  const stale = isStale(props.of, now_ms);
  const old = stale ? `${age(now_ms - (props.of.arrived_ms ?? now_ms))} old` : "";
  return (
    <section class={stale || (props.of.error && props.of.value !== null) ? "stale" : ""} tabIndex={0}>
      <h2>
        {props.title}
        {props.note && <span class="note">{props.note}</span>}
        {(old || props.of.error) && <span class="warn">{[old, props.of.error].filter(Boolean).join(", ")}</span>}
      </h2>
      {props.of.value === null ? <p class="empty">{props.of.error ?? "Reading…"}</p> : props.children}
    </section>
  );
}

export interface Column<T> {
  head: string;
  /** What the number is, on hover. */
  about?: string;
  number?: boolean;
  cell: (row: T) => ComponentChildren;
}

/** A table that becomes cards of label and number on a phone. */
export function Table<T>(props: { rows: T[]; columns: Column<T>[]; id: (row: T) => string; empty: string }): JSX.Element {
  if (props.rows.length === 0) return <p class="empty">{props.empty}</p>;
  return (
    <table>
      <thead>
        <tr>
          {props.columns.map((column) => (
            <th scope="col" key={column.head} class={column.number ? "n" : ""} title={column.about}>{column.head}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <tr key={props.id(row)} tabIndex={-1}>
            {props.columns.map((column) => (
              <td key={column.head} class={column.number ? "n" : ""} data-h={column.head}>{column.cell(row)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Profit or loss: arrow, sign and colour say the same. */
export function Gain(props: { of: string | null | undefined; places?: number }): JSX.Element {
  const sign = signOf(props.of);
  const kind = sign > 0 ? "up" : sign < 0 ? "down" : "";
  return (
    <span class={kind} title={props.of ?? undefined}>
      {sign > 0 ? "\u25b2 " : sign < 0 ? "\u25bc " : ""}
      {decimal(props.of, props.places ?? 2, true)}
    </span>
  );
}

export function Money(props: { of: string | null | undefined; places?: number }): JSX.Element {
  return <span title={props.of ?? undefined}>{decimal(props.of, props.places ?? 2)}</span>;
}

/** A state as a shape and a word; colour only repeats it. */
export function State(props: { kind: "good" | "warn" | "bad" | "off"; children: ComponentChildren }): JSX.Element {
  const shape = { good: "\u25cf", warn: "\u25b2", bad: "\u25a0", off: "\u25cb" }[props.kind];
  return <span class={props.kind}>{shape} {props.children}</span>;
}

export function Link(props: { to: string; children: ComponentChildren; label?: string }): JSX.Element {
  return <a href={props.to} aria-label={props.label}>{props.children}</a>;
}
