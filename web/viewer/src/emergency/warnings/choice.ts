/** One of a few: each is a button to press, and none is chosen beforehand. */

import { element } from "../../dom";

export interface Option<V extends string> {
  value: V;
  label: string;
  className?: string;
  hint?: string;
}

export class Choice<V extends string> {
  readonly element: HTMLFieldSetElement;
  private readonly inputs: HTMLInputElement[];

  constructor(title: string, readonly name: string, options: Option<V>[], changed: () => void = () => undefined) {
    this.inputs = options.map((one) => element("input", { type: "radio", name, value: one.value }));
    const labels = options.map((one, place) => element("label", { class: `ew-option ${one.className ?? ""}` }, this.inputs[place] as HTMLInputElement, element("b", {}, one.label), one.hint ? element("small", {}, one.hint) : null));
    this.element = element("fieldset", { class: `ew-choice ew-${name}` }, element("legend", {}, title), element("div", { class: "ew-options", role: "radiogroup", "aria-label": title }, ...labels));
    this.element.addEventListener("change", changed);
  }

  get value(): V | null {
    return (this.inputs.find((one) => one.checked)?.value as V | undefined) ?? null;
  }

  set value(wanted: V | null) {
    for (const one of this.inputs) one.checked = one.value === wanted;
  }
}
