// Find by name: a page, a strategy, an order.
import type { JSX } from "preact";
import { go } from "./keys";
import { MENU } from "./menu";
import { useStrategies } from "./sources";

export function Search(): JSX.Element {
  const strategies = useStrategies().value ?? [];
  const places = [...MENU.map((page) => [page.name, page.path]), ...strategies.map((one) => [one.strategy_id, `/s/${one.strategy_id}`])];
  const find = (event: Event): void => {
    event.preventDefault();
    const field = document.getElementById("find") as HTMLInputElement;
    const text = field.value.trim();
    if (!text) return;
    const near = places.find(([name = ""]) => name.toLowerCase() === text.toLowerCase())
      ?? places.find(([name = ""]) => name.toLowerCase().startsWith(text.toLowerCase()));
    go(near?.[1] ?? `/why/order/${encodeURIComponent(text)}`);
    field.value = "";
    field.blur();
  };
  return (
    <form role="search" onSubmit={find}>
      <input id="find" list="places" placeholder="/ find" aria-label="Find a page, a strategy or an order's id" autocomplete="off" />
      <datalist id="places">{places.map(([name]) => <option key={name} value={name} />)}</datalist>
    </form>
  );
}
