/** Parts of forms: labelled fields, moments of Beijing, and telling what was refused where it was filled in. */

import { button, element } from "../dom";
import { said } from "./words";

const OFFSET_MS = 8 * 3_600_000;

export function field(label: string, control: HTMLElement, hint = ""): HTMLElement {
  return element("label", { class: "em-field" }, element("span", {}, label), control, hint ? element("small", {}, hint) : null);
}

export function problemLine(): HTMLElement {
  return element("p", { class: "em-problem", role: "alert" });
}

/** Do what was asked for; what goes wrong is told at the place. False where it did. */
export async function trying(place: HTMLElement, work: () => Promise<unknown>): Promise<boolean> {
  place.textContent = "";
  try {
    await work();
    return true;
  } catch (error) {
    place.textContent = said(error);
    return false;
  }
}

/** A control for a moment, in Beijing time whatever the browser's clock says. */
export function momentInput(at: Date | null): HTMLInputElement {
  const value = at ? new Date(at.getTime() + OFFSET_MS).toISOString().slice(0, 16) : "";
  return element("input", { type: "datetime-local", value });
}

export function momentOf(control: HTMLInputElement): string | null {
  return control.value ? new Date(`${control.value.slice(0, 16)}:00+08:00`).toISOString() : null;
}

/** A form whose submission is ours. */
export function formOf(className: string, submit: () => void, ...children: (Node | string | null)[]): HTMLFormElement {
  const form = element("form", { class: className, autocomplete: "off", novalidate: "" }, ...children);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  return form;
}

export function submitButton(label: string, className = "deed"): HTMLButtonElement {
  return element("button", { type: "submit", class: className }, label);
}

/** A line with one field and its button, for use inside a form: Enter in the field presses the button. */
export function askLine(input: HTMLInputElement, label: string, act: () => void): HTMLElement {
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    act();
  });
  return element("div", { class: "em-inline" }, input, button(label, "deed", act));
}

/** Tell a refusal beside what it is about. */
export function tellBeside(control: HTMLElement, text: string): void {
  const line = problemLine();
  line.classList.add("told");
  line.textContent = text;
  control.append(line);
  control.scrollIntoView({ block: "center" });
}
