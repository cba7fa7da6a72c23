/** When a warning expires, in Beijing time: written, or so many hours from now. */

import { button, element } from "../../dom";
import { field, momentInput, momentOf } from "../forms";
import { term } from "./words";

const HOURS = [1, 3, 6, 12, 24];
const HOUR_MS = 3_600_000;

export class ExpiryInput {
  readonly element: HTMLElement;
  private readonly input: HTMLInputElement;

  constructor(known: string | null) {
    this.input = momentInput(known ? new Date(known) : null);
    this.input.name = "expires";
    const quick = HOURS.map((hours) => button(`${hours} ${term("hours")}`, "ew-hours", () => {
      this.input.value = momentInput(new Date(Date.now() + hours * HOUR_MS)).value;
    }));
    this.element = element("div", { class: "ew-expiry" }, field(term("expires"), this.input), element("div", { class: "ew-quick" }, ...quick));
  }

  get value(): string | null {
    return momentOf(this.input);
  }
}
