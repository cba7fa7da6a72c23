/** Warnings as the server tells them (docs/warnings.md), and how to issue, call and confirm. */

import { answered, ask, type Session } from "../../api";

export type Colour = "red" | "orange" | "yellow" | "blue";
export type Status = "Actual" | "Exercise" | "Test" | "System" | "Draft";
export type WarningState = "draft" | "discarded" | "active" | "updated" | "cancelled" | "expired" | "done";
export type CallState = "waiting" | "confirmed" | "silent" | "withdrawn";
export type Shape = GeoJSON.Polygon | GeoJSON.MultiPolygon;
type Named = [name: string, value: string];
type Body = Record<string, unknown>;

/** A warning as lists and events have it; `drill` is true for all that is not real, drafts among it. */
export interface Held {
  code: string;
  identifier: string;
  sender: string;
  sent: string;
  status: Status;
  kind: string;
  scope: string;
  state: WarningState;
  colour: Colour | null;
  level: string | null;
  event: string;
  title: string;
  effective: string;
  expires: string | null;
  findings: string[];
  replaced_by: string | null;
  alarm: string | null;
  grade: string;
  author: string;
  changed_at: string;
  drill: boolean;
}
export interface InfoArea {
  description: string;
  polygons: [number, number][][];
  circles: { centre: [number, number]; radius_km: number }[];
  geocodes: Named[];
}
export interface Info {
  event: string;
  urgency: string;
  severity: string;
  certainty: string;
  categories: string[];
  language: string;
  onset: string | null;
  expires: string | null;
  sender_name: string;
  headline: string;
  description: string;
  instruction: string;
  web: string;
  contact: string;
  parameters: Named[];
  resources: { description: string; uri: string }[];
  areas: InfoArea[];
}
export interface Step {
  seq: number;
  call: number | null;
  action: string;
  at: string;
  actor: string;
  channel: string;
  note: string;
  state: WarningState;
}
export interface Whole extends Held {
  geometry: Shape | null;
  national_id: boolean;
  message: { infos: Info[]; note: string; references: { sender: string; identifier: string }[] };
  history: Step[];
}
export interface Row {
  key: string;
  name?: string | null;
  lon: number | null;
  lat: number | null;
  contacts?: { name: string; phone: string | null }[];
  [field: string]: unknown;
}
export interface Group {
  layer: string;
  count: number;
  sums: Record<string, number | null>;
  items?: Row[];
}
export interface Affected {
  method: string;
  groups: Record<string, Group | null>;
  missing: { group: string; layer: string; reason: string }[];
  limit: number;
}
export interface Subject {
  layer: string;
  key: string;
  name: string;
}
export interface Call {
  id: number;
  name: string;
  duty: string;
  phone?: string | null;
  subjects: Subject[];
  level: number;
  state: CallState;
  answer_by: string;
  confirmed_at: string | null;
  confirmed_by: string | null;
  made_at: string;
  next: { name: string; duty: string; phone?: string | null }[];
}
export interface Calls {
  counts: Record<CallState, number>;
  calls: Call[];
  receipts: Step[];
}
export interface MadeCalls {
  called: number;
  already_called: number;
  answer_within_min: number;
  channels: string[];
  without_count: number;
  without: Subject[];
  missing: string[];
}
export interface News {
  step: Step & { warning: string };
  warning: Held;
}
export interface Taken extends Held {
  new: boolean;
}
export interface Region {
  code: string;
  name: string;
  geometry: GeoJSON.Geometry;
}

const MOST_ACTIVE = 1000;
/** So many of those that ended are asked for. */
export const MOST_ENDED = 50;
const FIRST_ROWS = 20;
const MOST_REGIONS = 1000;

export class WarningsApi {
  constructor(readonly session: Session) {}

  /** Whether the caller may make drafts, call people and confirm; the server has the last word on each warning. */
  get mayWrite(): boolean {
    return this.session.operations.includes("import");
  }
  /** Whether the caller may issue warnings, and hand in messages of others. */
  get mayPublish(): boolean {
    return this.mayWrite && this.session.operations.includes("publish");
  }

  /** Warnings in force with their areas. */
  async active(): Promise<{ held: Held; shape: Shape | null }[]> {
    const query = new URLSearchParams({ state: "active", limit: String(MOST_ACTIVE), f: "geojson" });
    const { features } = await ask<{ features: { geometry: Shape | null; properties: Held }[] }>(`/warnings?${query}`);
    return features.map((one) => ({ held: one.properties, shape: one.geometry }));
  }
  drafts(): Promise<Held[]> {
    return this.list(["draft"], MOST_ACTIVE);
  }
  ended(): Promise<Held[]> {
    return this.list(["updated", "cancelled", "expired"], MOST_ENDED);
  }
  whole(code: string): Promise<Whole> {
    return ask(path(code));
  }
  affected(code: string): Promise<Affected> {
    return ask(path(code, `affected?limit=${FIRST_ROWS}`));
  }
  calls(code: string): Promise<Calls> {
    return ask(path(code, "calls"));
  }
  /** The number of the newest entry of all, and what happened after a number. */
  news(since: number | null = null): Promise<{ steps: News[]; seq: number; more: boolean }> {
    return ask(`/warnings/feed${since === null ? "" : `?since=${since}`}`);
  }
  async towns(): Promise<Region[]> {
    const found = await ask<GeoJSON.FeatureCollection>(`/collections/admin_town/items?limit=${MOST_REGIONS}`);
    return found.features.map(({ geometry, properties }) => ({ geometry, code: String(properties?.["code"] ?? ""), name: String(properties?.["name"] ?? "") }));
  }

  issue(form: Body): Promise<Taken> {
    return ask("/warnings", this.json(form));
  }
  /** Hand in a message of CAP as it is. */
  take(document: Blob): Promise<Taken> {
    return ask("/warnings", { method: "POST", headers: { ...this.csrf, "Content-Type": "application/cap+xml" }, body: document });
  }
  draftOf(alarm: string): Promise<Taken> {
    return ask(`/warnings/drafts?${new URLSearchParams({ alarm })}`, this.json({}));
  }
  issueDraft(code: string, form: Body): Promise<Taken> {
    return ask(path(code, "issue"), this.json(form));
  }
  /** Put a draft aside; the answer has no body. */
  async discard(code: string): Promise<void> {
    await answered(path(code, "discard"), { method: "POST", headers: this.csrf });
  }
  call(code: string): Promise<MadeCalls> {
    return ask(path(code, "calls"), { method: "POST", headers: this.csrf });
  }
  confirm(code: string, call: number, by: string, note: string): Promise<Call> {
    return ask(path(code, `calls/${call}/confirm`), this.json({ by, note }));
  }

  private async list(states: WarningState[], limit: number): Promise<Held[]> {
    const query = new URLSearchParams([...states.map((state) => ["state", state]), ["limit", String(limit)]]);
    return (await ask<{ warnings: Held[] }>(`/warnings?${query}`)).warnings;
  }

  private get csrf(): Record<string, string> {
    return this.session.csrf ? { "X-CSRF-Token": this.session.csrf } : {};
  }

  private json(body: Body): RequestInit {
    return { method: "POST", headers: { ...this.csrf, "Content-Type": "application/json" }, body: JSON.stringify(body) };
  }
}

export const path = (code: string, rest = ""): string => `/warnings/${encodeURIComponent(code)}${rest ? `/${rest}` : ""}`;

/** What people read here: the first block in Chinese, else the first. */
export function infoOf(whole: Whole): Info | null {
  const { infos } = whole.message;
  return infos.find((one) => one.language.toLowerCase().startsWith("zh")) ?? infos[0] ?? null;
}

/** Whether it must not be taken for the real thing: an exercise, a test; a draft is not sent at all. */
export function isDrill(one: Held): boolean {
  return one.drill && one.status !== "Draft";
}

/** The title without the mark that stands beside it as a badge. */
export function plainTitle(one: Held): string {
  return one.title.replace(/^【(?:演练 EXERCISE|测试 TEST|系统 SYSTEM|草稿 DRAFT)】/, "");
}
