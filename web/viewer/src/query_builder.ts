/** The rows of the query builder: a layer, conditions in groups, and where. */

import type { Catalog, FieldInfo, LayerInfo } from "./api";
import { button, element } from "./dom";
import { text, word, type Word } from "./i18n";
import { kindOf, operatorsOf, type Condition, type Group, type Join, type Operator, type Query } from "./query_model";

const OPERATOR_WORDS: Partial<Record<Operator, Word>> = {
  contains: "opContains", starts: "opStarts", in: "opIn", empty: "opEmpty", filled: "opFilled",
};
const SIGNS: Partial<Record<Operator, string>> = { "<>": "≠", "<=": "≤", ">=": "≥" };

export interface BuilderActions {
  /** The query changed by a value; the rows stay as they are. */
  edited(): void;
  /** Rows came or went: the builder is drawn again. */
  rebuilt(): void;
  chosen(layer: string): void;
}

export function layerChoice(catalog: Catalog, chosen: string, actions: BuilderActions): HTMLElement {
  const select = element("select", { class: "query-layer", "aria-label": word("layer") });
  for (const theme of catalog.themes) {
    const layers = catalog.layers.filter((layer) => layer.theme === theme.id && layer.content === "vector");
    if (!layers.length) continue;
    select.append(element("optgroup", { label: text(theme.title) }, ...layers.map((layer) => option(layer.id, text(layer.title), chosen))));
  }
  select.addEventListener("change", () => actions.chosen(select.value));
  return element("label", { class: "query-line" }, element("span", {}, word("layer")), select);
}

export function groupRows(query: Query, layer: LayerInfo, actions: BuilderActions): HTMLElement[] {
  const groups = query.groups.map((group, place) => groupRow(query, group, place, layer, actions));
  const add = button(`+ ${word("addGroup")}`, "link", () => {
    query.groups.push({ join: "OR", conditions: [fresh(layer)] });
    actions.rebuilt();
  });
  const joined = groups.length > 1
    ? [element("label", { class: "query-line" }, element("span", {}, word("betweenGroups")), joinChoice(query.join, (join) => { query.join = join; actions.edited(); }))]
    : [];
  return [...joined, ...groups, add];
}

function groupRow(query: Query, group: Group, place: number, layer: LayerInfo, actions: BuilderActions): HTMLElement {
  const add = button(`+ ${word("addCondition")}`, "link add-condition", () => {
    group.conditions.push(fresh(layer));
    actions.rebuilt();
  });
  const remove = query.groups.length > 1
    ? button(word("remove"), "link", () => { query.groups.splice(place, 1); actions.rebuilt(); })
    : null;
  const join = group.conditions.length > 1 ? joinChoice(group.join, (one) => { group.join = one; actions.edited(); }) : null;
  return element(
    "fieldset", { class: "query-group" },
    ...group.conditions.map((one, number) => conditionRow(group, one, number, layer, actions)),
    element("div", { class: "query-line" }, add, join, remove),
  );
}

function joinChoice(chosen: Join, choose: (join: Join) => void): HTMLElement {
  const select = element("select", { "aria-label": word("join") }, option("AND", word("all"), chosen), option("OR", word("any"), chosen));
  select.addEventListener("change", () => choose(select.value as Join));
  return select;
}

function conditionRow(group: Group, one: Condition, number: number, layer: LayerInfo, actions: BuilderActions): HTMLElement {
  const field = layer.fields.find((known) => known.name === one.field);
  const fields = element("select", { "aria-label": word("field") }, ...layer.fields.map((known) => option(known.name, text(known.title), one.field)));
  fields.addEventListener("change", () => {
    Object.assign(one, { field: fields.value, operator: "=", value: "" });
    actions.rebuilt();
  });
  const operators = element("select", { "aria-label": word("operator"), class: "operator" }, ...operatorsOf(kindOf(field)).map((name) => option(name, signOf(name), one.operator)));
  operators.addEventListener("change", () => {
    one.operator = operators.value as Operator;
    actions.rebuilt();
  });
  const remove = button("×", "close", () => {
    group.conditions.splice(number, 1);
    actions.rebuilt();
  });
  remove.setAttribute("aria-label", word("remove"));
  return element("div", { class: "condition" }, fields, operators, valueInput(one, field, actions), remove);
}

/** A field of codes offers their names, others take what fits their type. */
function valueInput(one: Condition, field: FieldInfo | undefined, actions: BuilderActions): HTMLElement {
  const named = { "aria-label": word("value"), class: "value" };
  if (one.operator === "empty" || one.operator === "filled") return element("span", { class: "value" });
  const kind = kindOf(field);
  const codes = field?.codes;
  if (codes && (one.operator === "=" || one.operator === "<>")) {
    return followed(element("select", named, option("", "—", one.value), ...Object.entries(codes).map(([code, name]) => option(code, `${text(name)} ${code}`, one.value))), one, actions);
  }
  if (kind === "boolean") return followed(element("select", named, option("", "—", one.value), option("true", word("yes"), one.value), option("false", word("no"), one.value)), one, actions);
  const types: Record<string, string> = { date: "date", timestamp: "datetime-local" };
  const input = element("input", {
    ...named, type: types[kind] ?? "text", value: one.value, placeholder: one.operator === "in" ? word("severalValues") : (field?.unit ?? ""),
    ...(kind === "number" ? { inputmode: "decimal" } : {}),
  });
  return followed(input, one, actions);
}

function followed<E extends HTMLSelectElement | HTMLInputElement>(input: E, one: Condition, actions: BuilderActions): E {
  input.addEventListener("input", () => {
    one.value = input.value;
    actions.edited();
  });
  return input;
}

function signOf(name: Operator): string {
  const known = OPERATOR_WORDS[name];
  return known ? word(known) : (SIGNS[name] ?? name);
}

function fresh(layer: LayerInfo): Condition {
  return { field: layer.fields[0]?.name ?? "", operator: "=", value: "" };
}

export function option(value: string, label: string, chosen: string): HTMLOptionElement {
  return element("option", { value, ...(value === chosen ? { selected: "" } : {}) }, label);
}
