// Rows as CSV: to a file, or to the clipboard. All digits, an ASCII minus, times as UTC.
import type { JSX } from "preact";
import { useState } from "preact/hooks";

export interface Sheet {
  name: string;
  heads: string[];
  rows: (string | number | null)[][];
}

export function csv(sheet: Sheet): string {
  const cell = (value: string | number | null): string => {
    const text = value === null ? "" : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  return [sheet.heads, ...sheet.rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Buttons that give a table away. `sheet` is asked when one is pressed. */
export function Copying(props: { sheet: () => Sheet }): JSX.Element {
  const [done, set] = useState("");
  const save = (): void => {
    const sheet = props.sheet();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(sheet)], { type: "text/csv" }));
    link.download = `${sheet.name}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    set(`${sheet.rows.length} rows saved`);
  };
  const copy = (): void => {
    const sheet = props.sheet();
    navigator.clipboard.writeText(csv(sheet)).then(() => set(`${sheet.rows.length} rows copied`), () => set("the browser did not allow it"));
  };
  return (
    <span class="acts">
      <button type="button" onClick={save}>CSV</button>
      <button type="button" onClick={copy}>copy</button>
      <span role="status" class="muted">{done}</span>
    </span>
  );
}
