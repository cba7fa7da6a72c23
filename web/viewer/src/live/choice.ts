/** What somebody chose to see of the live city, remembered in this browser. */

const KEY = "cim-live";

export interface Choice {
  on: boolean;
  hidden: string[];
  /** The code of the indicator that devices are coloured by; empty for their state. */
  indicator: string;
}

export function keptChoice(): Choice {
  const usual: Choice = { on: false, hidden: [], indicator: "" };
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Choice>;
    return { on: kept.on === true, hidden: Array.isArray(kept.hidden) ? kept.hidden.map(String) : [], indicator: typeof kept.indicator === "string" ? kept.indicator : "" };
  } catch {
    return usual;
  }
}

export function keepChoice(changed: Partial<Choice>): void {
  localStorage.setItem(KEY, JSON.stringify({ ...keptChoice(), ...changed }));
}
