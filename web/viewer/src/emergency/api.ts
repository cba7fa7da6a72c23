/** Incidents as the server tells them, and how to write to them. */

import { ask, type Session, type Text } from "../api";

export type GradeName = "I" | "II" | "III" | "IV";
export type Level = "city" | "province" | "state";
export type ReceiptKind = "sent" | "received" | "done";
export type StepState = "open" | "done" | "skipped";
export type ReportKind = "first" | "follow" | "final";
export type EntryKind = "note" | "situation" | "command";

export interface Figure extends Text {
  unit: string;
  counted: boolean;
  most: number;
}
export interface Kind extends Text {
  family: string;
  clock: string;
  scale: string;
  plan: string;
}
export interface Scale {
  source: string;
  row: { grade: GradeName; zh: string; at_least: Record<string, number> }[];
}
export interface Kinds {
  family: Record<string, Text>;
  figure: Record<string, Figure>;
  kind: Record<string, Kind>;
  scale: Record<string, Scale>;
}
export interface Incident {
  code: string;
  kind: string;
  title: string;
  drill: boolean;
  state: "open" | "closed";
  access: string;
  outside: boolean;
  place_text: string;
  lon: number;
  lat: number;
  area: GeoJSON.Polygon | GeoJSON.MultiPolygon | null;
  occurred_at: string;
  reported_at: string;
  reporter: string;
  figures: Record<string, number>;
  grade: GradeName | null;
  grade_rule: string;
  response_level: GradeName | null;
  revision: number;
  closed_at: string | null;
  notes?: string[];
  clock?: Clock;
  grading?: { unknown: string[] };
}
export interface Clock {
  source: string;
  overdue: number;
  reports: Due[];
}
export interface Due {
  to: Level;
  title: string;
  what: "report" | "follow-up";
  due_at: string;
  told_at: string | null;
  state: "done" | "late" | "due" | "overdue";
  at_once: boolean;
}
export interface Task {
  number: number;
  recipient: string;
  what: string;
  due_at: string | null;
  state: "made" | ReceiptKind;
  author: string;
  created_at: string;
  receipts: { kind: ReceiptKind; author: string; at: string; note: string }[];
}
export interface Mark {
  number: number;
  version: number;
  geometry: GeoJSON.Geometry;
  symbol: string;
  style: Record<string, unknown>;
  label: string;
  removed: boolean;
  author: string;
  at: string;
}
export interface Step {
  number: number;
  plan: string;
  role: string;
  what: string;
  due_at: string;
  source: string;
  state: StepState;
  note: string;
  author: string | null;
  at: string | null;
  revision: number;
}
export interface Entry {
  seq: number;
  number: number;
  at: string;
  author: string;
  kind: string;
  text: string;
  body: Record<string, unknown>;
}
/** An incident with all that hangs on it; of a replay without clock and grading. */
export interface Whole extends Incident {
  tasks: Task[];
  marks: Mark[];
  steps: Step[];
  entries: Entry[];
}
export interface News {
  entry: Entry & { changes: { of: "incident" | "task" | "mark" | "step"; number: number; after: unknown }[] };
  incident: { code: string; drill: boolean };
}
export interface Place {
  lon?: number;
  lat?: number;
  datum?: string;
  address?: string;
  text?: string;
  easting?: number;
  northing?: number;
  crs?: string;
}
export interface Addressed {
  grade: string;
  address: string | null;
  lon: number | null;
  lat: number | null;
}
export interface Geocoded extends Addressed {
  ambiguous: boolean;
  alternatives: Addressed[];
}
type Body = Record<string, unknown>;

const MOST_CLOSED = 100;
const MOST_OPEN = 1000;

export class EmergencyApi {
  private lists: Promise<Kinds> | null = null;

  constructor(readonly session: Session) {}

  /** Whether the caller may write at all; the server has the last word on each incident. */
  get mayWrite(): boolean {
    return this.session.operations.includes("import");
  }

  kinds(): Promise<Kinds> {
    this.lists ??= ask<Kinds>("/incidents/kinds").catch((error: unknown) => {
      this.lists = null;
      throw error;
    });
    return this.lists;
  }

  /** Open and closed incidents, drills among them, the newest first. */
  async incidents(state: "open" | "closed"): Promise<Incident[]> {
    const query = new URLSearchParams({ state, drill: "all", limit: String(state === "open" ? MOST_OPEN : MOST_CLOSED) });
    return (await ask<{ incidents: Incident[] }>(`/incidents?${query}`)).incidents;
  }

  whole(code: string): Promise<Whole> {
    return ask(path(code));
  }
  replay(code: string, at: string): Promise<Whole> {
    return ask(path(code, `replay?${new URLSearchParams({ at })}`));
  }
  /** The number of the newest entry of all. */
  async newest(): Promise<number> {
    return (await ask<{ seq: number }>("/incidents/feed")).seq;
  }
  geocode(text: string): Promise<Geocoded> {
    return ask(`/geocode?${new URLSearchParams({ q: text })}`);
  }

  report(body: Body): Promise<Incident> {
    return ask("/incidents", this.sent("POST", body));
  }
  change(code: string, body: Body): Promise<Incident> {
    return ask(path(code), this.sent("PATCH", body));
  }
  /** Close, reopen, or add to a list of an incident. */
  add(code: string, rest: string, body: Body): Promise<unknown> {
    return ask(path(code, rest), this.sent("POST", body));
  }
  edit(code: string, rest: string, body: Body): Promise<unknown> {
    return ask(path(code, rest), this.sent("PATCH", body));
  }
  removeMark(code: string, mark: Mark): Promise<unknown> {
    return ask(path(code, `marks/${mark.number}?version=${mark.version}`), this.sent("DELETE"));
  }

  private sent(method: string, body?: Body): RequestInit {
    const headers: Record<string, string> = this.session.csrf ? { "X-CSRF-Token": this.session.csrf } : {};
    if (body === undefined) return { method, headers };
    return { method, headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) };
  }
}

export const path = (code: string, rest = ""): string => `/incidents/${encodeURIComponent(code)}${rest ? `/${rest}` : ""}`;
