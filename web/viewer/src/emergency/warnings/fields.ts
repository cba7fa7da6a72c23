/** What every form of a warning asks for: colour, headline, texts, when it expires; and what kind of thing it is. */

import { Problem } from "../../api";
import { element } from "../../dom";
import { field } from "../forms";
import type { Colour, Info, Status } from "./api";
import { Choice } from "./choice";
import { ExpiryInput } from "./expiry_input";
import { colourName, COLOUR_NAMES, colourZh, statusName, term, type Term } from "./words";

const SENDS: Record<Status, Term> = { Actual: "asActual", Exercise: "asDrill", Test: "asTest", System: "asSystem", Draft: "asDraft" };

export class WarningFields {
  readonly colour: Choice<Colour>;
  readonly expiry: ExpiryInput;
  readonly headline = element("input", { name: "headline", maxlength: "500", placeholder: term("headlineHint") });
  readonly description = element("textarea", { name: "description", rows: "3", maxlength: "10000" });
  readonly instruction = element("textarea", { name: "instruction", rows: "2", maxlength: "10000" });

  constructor(known: { colour: Colour | null; expires: string | null; info: Info | null }) {
    this.colour = new Choice(term("colour"), "colour", COLOUR_NAMES.map((value) => ({ value, label: colourName(value), className: `colour-${value}` })));
    this.colour.value = known.colour;
    this.expiry = new ExpiryInput(known.expires);
    this.headline.value = known.info?.headline ?? "";
    this.description.value = known.info?.description ?? "";
    this.instruction.value = known.info?.instruction ?? "";
  }

  get texts(): HTMLElement[] {
    return [field(term("headline"), this.headline), field(term("description"), this.description), field(term("instruction"), this.instruction)];
  }

  /** Places for refusals, by the names that the server gives. */
  get controls(): Record<string, HTMLElement> {
    const around = (control: HTMLElement): HTMLElement => control.closest<HTMLElement>(".em-field") ?? control;
    return { colour: this.colour.element, expires: this.expiry.element, headline: around(this.headline), description: around(this.description), instruction: around(this.instruction) };
  }

  /** What is said of an event; Problem names what is missing. */
  members(event: string): { colour: Colour; expires: string; headline: string; description: string; instruction: string } {
    const colour = this.colour.value, expires = this.expiry.value;
    if (!colour) throw new Problem(term("needColour"), "colour");
    if (!expires) throw new Problem(term("needExpires"), "expires");
    const headline = this.headline.value.trim() || `${event}${colourZh(colour)}预警`;
    return { colour, expires, headline, description: this.description.value.trim(), instruction: this.instruction.value.trim() };
  }
}

/** Real, exercise, test, maybe a draft: none is chosen beforehand. */
export function statusChoice(statuses: Status[], changed: () => void): Choice<Status> {
  return new Choice(term("status"), "status", statuses.map((value) => ({ value, label: statusName(value), className: `status-${value}` })), changed);
}

/** Dress a form by what it will send: hatched where that is not real, and the button says it. */
export function dress(form: HTMLElement, send: HTMLButtonElement, status: Status | null): void {
  form.classList.toggle("hatched", status !== null && status !== "Actual" && status !== "Draft");
  form.classList.toggle("actual", status === "Actual");
  send.textContent = term(status ? SENDS[status] : "chooseFirst");
}
