// The keyboard, and links that change the page without loading it again.
import { useEffect, useState } from "preact/hooks";
import { MENU } from "./menu";

/** Go to a page of this site, to its top unless only what it shows changes. */
export function go(path: string, top = true): void {
  history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
  if (top) scrollTo(0, 0);
}

/** The path of the URL, as it changes. */
export function useRoute(): string {
  const [path, set] = useState(location.pathname);
  const [, again] = useState("");
  useEffect(() => {
    const moved = (): void => {
      set(location.pathname);
      again(location.search);
    };
    const clicked = (event: MouseEvent): void => {
      const link = (event.target as Element | null)?.closest("a");
      const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
      if (!link || !plain || link.origin !== location.origin || link.hash) return;
      event.preventDefault();
      go(link.pathname + link.search);
    };
    addEventListener("popstate", moved);
    document.addEventListener("click", clicked);
    return () => {
      removeEventListener("popstate", moved);
      document.removeEventListener("click", clicked);
    };
  }, []);
  return path;
}

/** Keys of every page; what is typed into a field is not one. */
export function listen(freeze: () => void): () => void {
  const pressed = (event: KeyboardEvent): void => {
    const typing = (event.target as Element | null)?.closest("input, textarea, select, dialog[open]");
    const palette = event.key === "/" || (event.key === "k" && (event.ctrlKey || event.metaKey));
    if (typing || event.altKey || ((event.ctrlKey || event.metaKey) && !palette)) return;
    const page = /^[1-9]$/.test(event.key) ? MENU[Number(event.key) - 1] : undefined;
    if (page) go(page.path);
    else if (palette) document.getElementById("find")?.focus();
    else if (event.key === "f") freeze();
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "w") document.activeElement?.querySelector<HTMLAnchorElement>("a[href^='/why']")?.click();
    else return;
    event.preventDefault();
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

function step(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("tbody tr")];
  const here = rows.indexOf(document.activeElement as HTMLElement);
  const next = rows[Math.max(0, Math.min(rows.length - 1, here + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
