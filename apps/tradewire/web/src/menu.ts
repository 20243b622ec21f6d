// The pages of the menu, in the order of their keys. A page without its data is not here.
export const MENU = [
  { path: "/", name: "Duty" },
  { path: "/m", name: "Market" },
  { path: "/positions", name: "Positions" },
  { path: "/a", name: "Account" },
  { path: "/trades", name: "Trades" },
  { path: "/s", name: "Strategies" },
  { path: "/why", name: "Decisions" },
  { path: "/platform", name: "Platform" },
  { path: "/log", name: "Journal" },
] as const;
