// Numbers and times as the pages show them. Money stays text: what the API wrote is never turned into a float.

export const MINUS = "\u2212";
export const UNKNOWN = "\u2013";

/** A decimal's text with `places` digits (rounded half up), thousands grouped; tiny amounts are not shown as zero. */
export function decimal(text: string | null | undefined, places: number, sign = false): string {
  const parts = text == null ? null : /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  if (parts === null) return UNKNOWN;
  const [, minus = "", whole = "0", fraction = ""] = parts;
  const scaled = BigInt(whole + fraction.padEnd(places + 1, "0").slice(0, places + 1));
  const rounded = ((scaled + 5n) / 10n).toString().padStart(places + 1, "0");
  const isZero = /^0*$/.test(whole + fraction);
  const lead = minus && !isZero ? MINUS : sign && !isZero ? "+" : "";
  if (!isZero && /^0*$/.test(rounded)) return `${lead}<${places ? `0.${"0".repeat(places - 1)}1` : "1"}`;
  const cut = rounded.length - places;
  const grouped = rounded.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${lead}${grouped}${places ? `.${rounded.slice(cut)}` : ""}`;
}

/** A price or quantity as it was written, without the zeros behind it, thousands grouped. */
export function exact(text: string | null | undefined, sign = false): string {
  if (text == null) return UNKNOWN;
  const places = text.includes(".") ? text.replace(/0+$/, "").split(".")[1]?.length ?? 0 : 0;
  return decimal(text, places, sign);
}

/** -1, 0 or 1. */
export function signOf(text: string | null | undefined): number {
  if (text == null || /^-?[0.]*$/.test(text)) return 0;
  return text.startsWith("-") ? -1 : 1;
}

export function ratio(value: number | null | undefined): string {
  return value == null ? UNKNOWN : `${(100 * value).toFixed(1).replace("-", MINUS)}\u00a0%`;
}

/** A count, grouped. */
export function count(value: number | null | undefined): string {
  return value == null ? UNKNOWN : decimal(value.toString(), 0);
}

/** UTC: `2017-11-29 14:00:00`. */
export function moment(us: number | null | undefined): string {
  return us == null || us <= 0 ? UNKNOWN : new Date(us / 1000).toISOString().slice(0, 19).replace("T", " ");
}

export function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

/** An age in words: `12 s`, `3 min`. */
export function age(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 90) return `${s}\u00a0s`;
  if (s < 5400) return `${Math.round(s / 60)}\u00a0min`;
  return s < 172_800 ? `${Math.round(s / 3600)}\u00a0h` : `${Math.round(s / 86_400)}\u00a0d`;
}

/** Names of the platform's enumerations as words. */
export function words(name: string): string {
  return name.toLowerCase().replace(/_/g, " ");
}
