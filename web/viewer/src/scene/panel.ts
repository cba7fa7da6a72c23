/** The bar of tools at the foot of the 3D view, and the one card that is open above it. */

import { button, element } from "../dom";
import { word } from "../i18n";
import { term, type Term } from "./words";

/** A tool with a card; `close` ends what must not go on while another tool is used. */
export interface Tool {
  name: Term;
  open(card: HTMLElement): void;
  close?(): void;
  destroy?(): void;
}

export class ToolBar {
  readonly bar = element("div", { class: "scene-tools", role: "toolbar", "aria-label": term("tools") });
  readonly card = element("section", { class: "scene-card", "aria-live": "polite" });
  private readonly body = element("div", { class: "scene-card-body" });
  private readonly title = element("h2", {});
  private open: Tool | null = null;

  constructor(private readonly tools: Tool[]) {
    const close = button("×", "quiet close", () => this.show(null));
    close.setAttribute("aria-label", word("close"));
    this.card.append(element("div", { class: "results-head" }, this.title, close), this.body);
    for (const tool of tools) {
      const made = button(term(tool.name), "quiet tool", () => this.show(this.open === tool ? null : tool));
      made.dataset["tool"] = tool.name;
      this.bar.append(made);
    }
  }

  /** A button that acts at once. */
  act(name: Term, act: () => void, label: string = term(name)): HTMLButtonElement {
    const made = button(label, "quiet tool", act);
    made.dataset["tool"] = name;
    made.title = term(name);
    made.setAttribute("aria-label", term(name));
    this.bar.append(made);
    return made;
  }

  named(name: Term): Tool | undefined {
    return this.tools.find((one) => one.name === name);
  }

  /** Open the card of a tool, or fill it anew where it is open. */
  use(tool: Tool): void {
    if (this.open === tool) this.fill(tool);
    else this.show(tool);
  }

  destroy(): void {
    this.show(null);
    for (const tool of this.tools) tool.destroy?.();
  }

  private show(tool: Tool | null): void {
    this.open?.close?.();
    this.open = tool;
    this.card.classList.toggle("open", tool !== null);
    for (const made of this.bar.querySelectorAll<HTMLElement>(".tool")) {
      if (this.tools.some((one) => one.name === made.dataset["tool"])) made.setAttribute("aria-pressed", String(made.dataset["tool"] === tool?.name));
    }
    if (tool) this.fill(tool);
  }

  private fill(tool: Tool): void {
    this.title.textContent = term(tool.name);
    this.body.replaceChildren();
    tool.open(this.body);
  }
}

/** A labelled field of a card. */
export function field(label: string, control: HTMLElement): HTMLElement {
  return element("label", { class: "scene-field" }, element("span", {}, label), control);
}

export function slider(least: number, most: number, step: number, value: number, moved: (value: number) => void): HTMLInputElement {
  const made = element("input", { type: "range", min: String(least), max: String(most), step: String(step), value: String(value) });
  made.addEventListener("input", () => moved(Number(made.value)));
  return made;
}

export function choice(options: [string, string][], chosen: string, changed: (value: string) => void): HTMLSelectElement {
  const made = element("select", {}, ...options.map(([value, label]) => element("option", { value, ...(value === chosen ? { selected: "" } : {}) }, label)));
  made.addEventListener("change", () => changed(made.value));
  return made;
}

export function tick(label: string, on: boolean, changed: (on: boolean) => void, mark: HTMLElement | null = null): HTMLElement {
  const made = element("input", { type: "checkbox", ...(on ? { checked: "" } : {}) });
  made.addEventListener("change", () => changed(made.checked));
  return element("label", { class: "scene-tick" }, made, mark, label);
}

/** Two buttons that tick all of a list, or none of it. */
export function allOrNone(set: (on: boolean) => void): HTMLElement {
  return element("div", { class: "scene-choices" }, button(term("tickAll"), "quiet tick-all", () => set(true)), button(term("tickNone"), "quiet tick-none", () => set(false)));
}
