/** The state of the data that a view shows: now, as it was at an instant (ISO 8601), or under a scenario; and the control that chooses it. */

import { ask, type Session } from "./api";
import { element } from "./dom";
import { current, word } from "./i18n";

export interface ShownState {
  at: string;
  scenario: string;
}
/** What can be chosen: scenarios, and the instants at which layers were published. */
export interface StateChoices {
  scenarios: string[];
  instants: (layers: string[]) => Promise<string[]>;
}

export const PRESENT: ShownState = { at: "", scenario: "" };
const NOW = "now", OTHER = "other";
const MOST_INSTANTS = 12;

/** The part of an address that asks the server for a state, empty for the present. */
export function stateQuery({ at, scenario }: ShownState): string {
  if (scenario) return `scenario=${encodeURIComponent(scenario)}`;
  return at ? `datetime=${encodeURIComponent(at)}` : "";
}

/** An address of the server, asking for a state. */
export function withState(address: string, state: ShownState): string {
  const query = stateQuery(state);
  return query ? `${address}${address.includes("?") ? "&" : "?"}${query}` : address;
}

/** A state in the reader's words, empty for the present. */
export function stateText({ at, scenario }: ShownState): string {
  return scenario ? `${word("scenario")} ${scenario}` : at && momentText(at);
}

export async function stateChoices(session: Session): Promise<StateChoices> {
  const { scenarios } = await ask<{ scenarios: { name: string }[] }>("/scenarios");
  return { scenarios: scenarios.map((one) => one.name), instants: instantsFor(session) };
}

/** A list of now, scenarios, instants of publishing, and an instant of one's own. */
export class StateChoice {
  readonly list = element("select", { class: "state-list", "aria-label": word("shownState") });
  readonly when = element("input", { type: "datetime-local", class: "state-when", "aria-label": word("instant"), hidden: "" });

  constructor(private readonly choices: StateChoices, private state: ShownState, private readonly changed: (state: ShownState) => void) {
    this.list.addEventListener("change", () => this.choose());
    this.when.addEventListener("change", () => {
      if (this.when.value) this.become({ at: new Date(this.when.value).toISOString(), scenario: "" });
    });
  }

  /** Offer the instants of some layers, and show what is chosen. */
  async offer(layers: string[], state: ShownState = this.state): Promise<void> {
    this.state = state;
    const instants = await this.choices.instants(layers).catch(() => [] as string[]);
    const { at, scenario } = this.state;
    const option = (value: string, label: string): HTMLElement => element("option", { value }, label);
    const group = (label: string, kind: string, values: string[], named: (value: string) => string): HTMLElement | null =>
      values.length ? element("optgroup", { label }, ...values.map((value) => option(`${kind}:${value}`, named(value)))) : null;
    const known = at && !instants.includes(at) ? [at, ...instants] : instants;
    const unlisted = scenario && !this.choices.scenarios.includes(scenario) ? [scenario, ...this.choices.scenarios] : this.choices.scenarios;
    this.list.replaceChildren(
      ...[
        option(NOW, word("now")), group(word("scenario"), "scenario", unlisted, (name) => name),
        group(word("published"), "at", known, momentText), option(OTHER, word("otherInstant")),
      ].filter((one) => one !== null),
    );
    this.list.value = scenario ? `scenario:${scenario}` : at ? `at:${at}` : NOW;
    this.when.hidden = true;
  }

  private choose(): void {
    const { value } = this.list;
    this.when.hidden = value !== OTHER;
    if (value === OTHER) this.when.focus();
    else if (value === NOW) this.become(PRESENT);
    else if (value.startsWith("at:")) this.become({ at: value.slice(3), scenario: "" });
    else this.become({ at: "", scenario: value.slice("scenario:".length) });
  }

  private become(state: ShownState): void {
    this.state = state;
    this.changed(state);
  }
}

/** An instant as people here read it. */
export function momentText(instant: string): string {
  const date = new Date(instant);
  return Number.isNaN(date.getTime()) ? instant : date.toLocaleString(current() === "en" ? "en-GB" : "zh-CN");
}

/** When layers were published, newest first; only those who import may read that. */
function instantsFor(session: Session): (layers: string[]) => Promise<string[]> {
  const known = new Map<string, Promise<string[]>>();
  const of = (layer: string): Promise<string[]> => {
    const asked = known.get(layer) ?? ask<{ versions: { created_at: string }[] }>(`/collections/${layer}/versions`)
      .then(({ versions }) => versions.map((version) => version.created_at))
      .catch(() => []);
    known.set(layer, asked);
    return asked;
  };
  return async (layers) => {
    if (!session.operations.includes("import")) return [];
    const found = (await Promise.all(layers.map(of))).flat();
    return [...new Set(found)].sort().reverse().slice(0, MOST_INSTANTS);
  };
}
