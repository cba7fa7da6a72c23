/** A form out of the JSON Schemas of a process's inputs: text, number, choice, date, tick; the rest as JSON. */

import type { InputSchema, Inputs, ProcessInput } from "./analysis_api";
import { Problem } from "./api";
import { element } from "./dom";
import { term, termFor } from "./work_words";

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

export interface SchemaForm {
  element: HTMLElement;
  /** Inputs that were filled in; Problem names the one that cannot be used. */
  inputs(): Inputs;
}

interface Entry {
  name: string;
  input: ProcessInput;
  control: Control;
  kind: string;
}

/** Areas are left out: they are no fields. `later` are inputs shown only on wish. */
export function schemaForm(inputs: Record<string, ProcessInput>, later: ReadonlySet<string> = new Set()): SchemaForm {
  const entries = Object.entries(inputs)
    .filter(([, input]) => input.schema["x-cim-input"] !== "area")
    .map(([name, input]) => entry(name, input));
  const seldom = (one: Entry): boolean => later.has(one.name) || one.kind === "json";
  const rare = entries.filter((one) => seldom(one) && one.input.minOccurs === 0);
  const common = entries.filter((one) => !rare.includes(one));
  const form = element(
    "form", { class: "schema-form", autocomplete: "off" },
    element("div", { class: "fields-grid" }, ...common.map(labelled)),
    rare.length ? element("details", { class: "rare" }, element("summary", {}, term("more")), element("div", { class: "fields-grid" }, ...rare.map(labelled))) : null,
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  return { element: form, inputs: () => Object.fromEntries(entries.map((one) => [one.name, valueOf(one)]).filter(([, value]) => value !== undefined)) };
}

/** The schema without the branch that allows nothing. */
export function plain(schema: InputSchema): InputSchema {
  const branches = (schema.anyOf ?? []).filter((one) => one.type !== "null");
  return branches.length === 1 ? { ...schema, ...branches[0] } : schema;
}

function entry(name: string, input: ProcessInput): Entry {
  const schema = plain(input.schema);
  const kind = kindOf(schema);
  const control = controlOf(kind, schema);
  control.name = name;
  if (input.minOccurs > 0) control.setAttribute("aria-required", "true");
  return { name, input, control, kind };
}

function kindOf(schema: InputSchema): string {
  if (schema.enum) return "choice";
  if (schema.type === "string") return schema.format === "date" ? "date" : "text";
  return schema.type === "number" || schema.type === "integer" || schema.type === "boolean" ? schema.type : "json";
}

function controlOf(kind: string, schema: InputSchema): Control {
  const given = schema.default;
  if (kind === "choice") {
    const first = given === null || given === undefined ? [element("option", { value: "" }, term("chooseOne"))] : [];
    return element("select", {}, ...first, ...(schema.enum ?? []).map((one) => element("option", { value: one, ...(one === given ? { selected: "" } : {}) }, termFor(one))));
  }
  if (kind === "json") return element("textarea", { rows: "2", spellcheck: "false", placeholder: given === undefined ? "" : JSON.stringify(given) });
  if (kind === "boolean") return element("input", { type: "checkbox", ...(given === true ? { checked: "" } : {}) });
  if (kind === "date") return element("input", { type: "date" });
  const text = kind === "text";
  const placeholder = given === null || given === undefined || given === "" ? "" : String(given);
  return element("input", {
    type: "text", placeholder, ...(text ? {} : { inputmode: "decimal", class: "number" }),
    ...(text && schema.maxLength ? { maxlength: String(schema.maxLength) } : {}),
  });
}

function labelled(one: Entry): HTMLElement {
  const must = one.input.minOccurs > 0 ? element("span", { class: "must" }, " *") : null;
  const hint = one.input.description ? element("small", {}, one.input.description) : null;
  if (one.kind === "boolean") return element("label", { class: "field tick" }, one.control, one.input.title, hint);
  return element("label", { class: `field ${one.kind}` }, element("span", {}, one.input.title, must), one.control, hint);
}

function valueOf(one: Entry): unknown {
  const { control, kind, input } = one;
  if (control instanceof HTMLInputElement && kind === "boolean") return control.checked;
  const text = control.value.trim();
  if (text === "") {
    if (input.minOccurs > 0) throw new Problem(term("needInput"), input.title);
    return undefined;
  }
  if (kind === "number" || kind === "integer") {
    const value = Number(text.replaceAll(",", ""));
    if (!Number.isFinite(value)) throw new Problem(`“${text}” ${term("notNumber")}`, input.title);
    return value;
  }
  if (kind !== "json") return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem(term("notJson"), input.title);
  }
}
