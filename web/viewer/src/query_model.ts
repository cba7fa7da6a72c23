/** A query as the builder holds it, the CQL2 text it stands for, and how an address carries it. */

import type { FieldInfo } from "./api";

export type Join = "AND" | "OR";
export interface Condition {
  field: string;
  operator: Operator;
  value: string;
}
export interface Group {
  join: Join;
  conditions: Condition[];
}
/** West, south, east, north; or the corners of a polygon, the first not repeated; longitude before latitude. */
export type Area = { box: [number, number, number, number] } | { ring: [number, number][] };
export interface Query {
  layer: string;
  join: Join;
  groups: Group[];
  area: Area | null;
  /** Text written by hand; it is used as it stands. */
  text: string | null;
}

export type Kind = "text" | "number" | "boolean" | "date" | "timestamp";
export const OPERATORS = {
  "=": ["text", "number", "boolean", "date", "timestamp"],
  "<>": ["text", "number", "boolean", "date", "timestamp"],
  "<": ["number", "date", "timestamp"],
  "<=": ["number", "date", "timestamp"],
  ">": ["number", "date", "timestamp"],
  ">=": ["number", "date", "timestamp"],
  contains: ["text"],
  starts: ["text"],
  in: ["text", "number"],
  empty: ["text", "number", "boolean", "date", "timestamp"],
  filled: ["text", "number", "boolean", "date", "timestamp"],
} satisfies Record<string, Kind[]>;
export type Operator = keyof typeof OPERATORS;

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const WORDS = new Set(["and", "or", "not", "in", "like", "between", "is", "null", "true", "false", "div", "date", "timestamp", "interval", "casei", "accenti", "bbox"]);
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export function kindOf(field: FieldInfo | undefined): Kind {
  if (!field || field.type === "text") return "text";
  return field.type === "boolean" || field.type === "date" || field.type === "timestamp" ? field.type : "number";
}

export function operatorsOf(kind: Kind): Operator[] {
  return (Object.keys(OPERATORS) as Operator[]).filter((one) => (OPERATORS[one] as Kind[]).includes(kind));
}

export function emptyQuery(layer: string): Query {
  return { layer, join: "AND", groups: [{ join: "AND", conditions: [] }], area: null, text: null };
}

/** The CQL2 text of a query; empty where it asks for everything. Conditions whose value is not whole are left out. */
export function toCql(query: Query, fields: FieldInfo[]): string {
  if (query.text !== null) return query.text.trim();
  const kinds = new Map(fields.map((field) => [field.name, kindOf(field)]));
  const groups = query.groups
    .map((group) => {
      const parts = group.conditions.map((one) => condition(one, kinds.get(one.field) ?? "text")).filter((part) => part !== "");
      return parts.length > 1 ? `(${parts.join(` ${group.join} `)})` : (parts[0] ?? "");
    })
    .filter((part) => part !== "");
  const asked = groups.length > 1 ? groups.join(` ${query.join} `) : (groups[0] ?? "");
  const area = query.area ? areaText(query.area) : "";
  if (!asked || !area) return unwrapped(asked) || area;
  return `${groups.length > 1 && query.join === "OR" ? `(${asked})` : asked} AND ${area}`;
}

/** A group that stands alone needs no brackets. */
function unwrapped(text: string): string {
  return text.startsWith("(") && text.endsWith(")") && !text.slice(1, -1).includes(")") && !text.slice(1, -1).includes("(") ? text.slice(1, -1) : text;
}

export function quotedName(name: string): string {
  return PLAIN_NAME.test(name) && !WORDS.has(name.toLowerCase()) ? name : `"${name.replaceAll('"', '""')}"`;
}

function quotedText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function condition(one: Condition, kind: Kind): string {
  const name = quotedName(one.field);
  if (one.operator === "empty") return `${name} IS NULL`;
  if (one.operator === "filled") return `${name} IS NOT NULL`;
  if (one.operator === "contains" || one.operator === "starts") {
    if (!one.value) return "";
    const meant = one.value.replace(/[%_\\]/g, "\\$&");
    return `${name} LIKE ${quotedText(one.operator === "starts" ? `${meant}%` : `%${meant}%`)}`;
  }
  if (one.operator === "in") {
    const values = one.value.split(/[,，]/).map((part) => literal(part.trim(), kind)).filter((part) => part !== "");
    return values.length ? `${name} IN (${values.join(", ")})` : "";
  }
  const value = literal(one.value.trim(), kind);
  return value ? `${name} ${one.operator} ${value}` : "";
}

function literal(value: string, kind: Kind): string {
  if (!value) return "";
  if (kind === "number") return NUMBER.test(value) ? value.replace(/^\+/, "") : "";
  if (kind === "boolean") return value === "true" || value === "false" ? value.toUpperCase() : "";
  if (kind === "date") return DAY.test(value) ? `DATE('${value}')` : "";
  if (kind === "timestamp") {
    const instant = new Date(value);
    return Number.isNaN(instant.getTime()) ? "" : `TIMESTAMP('${instant.toISOString()}')`;
  }
  return quotedText(value);
}

function areaText(area: Area): string {
  const shown = (degrees: number): string => String(Number(degrees.toFixed(6)));
  if ("box" in area) return `S_INTERSECTS(geom, BBOX(${area.box.map(shown).join(", ")}))`;
  const first = area.ring[0];
  if (!first || area.ring.length < 3) return "";
  const ring = [...area.ring, first].map(([x, y]) => `${shown(x)} ${shown(y)}`).join(", ");
  return `S_INTERSECTS(geom, POLYGON((${ring})))`;
}

/** The query as parameters of an address: the layer, the text, and the rows of the builder where it made the text. */
export function toAddress(query: Query, fields: FieldInfo[], sortby: string): URLSearchParams {
  const found = new URLSearchParams({ layer: query.layer });
  const filter = toCql(query, fields);
  if (filter) found.set("filter", filter);
  if (query.text === null && filter) found.set("rows", JSON.stringify({ join: query.join, groups: query.groups, area: query.area }));
  if (sortby) found.set("sortby", sortby);
  return found;
}

/** The query an address carries. Rows that do not give its text, or are none, leave the text as written by hand. */
export function fromAddress(found: URLSearchParams, layer: string, fields: FieldInfo[]): Query {
  const query = emptyQuery(layer);
  const filter = found.get("filter");
  if (!filter) return query;
  try {
    const rows = JSON.parse(found.get("rows") ?? "") as Pick<Query, "join" | "groups" | "area">;
    const built: Query = { ...query, join: rows.join, groups: rows.groups, area: rows.area ?? null };
    if (toCql(built, fields) === filter) return built;
  } catch {
    /* no rows, or not such as the builder writes: the text alone holds */
  }
  return { ...query, text: filter };
}
