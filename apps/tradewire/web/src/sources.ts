// Each answer that several blocks show, with the events that change it.
import type { AccountView, ControlsView, Page_OrderChanged, Page_OrderFilled, Page_RiskAssessed, PositionView, StrategyView } from "./api";
import { type Loaded, useData } from "./data";
import type { Services } from "./shapes";

export const useAccounts = (): Loaded<AccountView[]> => useData("/api/v1/accounts", "AccountStateChanged");
export const usePositions = (): Loaded<PositionView[]> => useData("/api/v1/positions", "AccountStateChanged");
export const useControls = (): Loaded<ControlsView[]> => useData("/api/v1/controls", "ControlStatusChanged");
export const useStrategies = (): Loaded<StrategyView[]> =>
  useData("/api/v1/strategies", "StrategyStatusChanged", "StrategyConfigPublished", "StrategyEvaluated");
export const useServices = (): Loaded<Services> => useData("/web/services");
export const useFills = (limit: number): Loaded<Page_OrderFilled> => useData(`/api/v1/fills?limit=${limit}`, "OrderFilled");
export const useRefusals = (limit: number): Loaded<Page_RiskAssessed> =>
  useData(`/api/v1/assessments?decision=REFUSED&limit=${limit}`, "RiskAssessed");
export const useWorking = (): Loaded<Page_OrderChanged> => useData("/api/v1/orders?working=true&limit=200", "OrderChanged");
