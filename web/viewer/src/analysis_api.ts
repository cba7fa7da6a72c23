/** What the server says of red lines, analyses, jobs and rules, and how to talk to it about them. */

import { answered, ask, type Session, type Text } from "./api";

export type Verdict = "conforms" | "partly" | "not" | "not-assessed" | "information";
export type Inputs = Record<string, unknown>;

export interface RedLineParcel {
  number: string;
  name: string;
  use: string;
  area_m2: number;
  declared_m2: number | null;
}
export interface RedLine {
  id: string;
  name: string;
  crs: string;
  crs_evidence: string;
  sha256: string;
  parcels: RedLineParcel[];
  area_m2: number;
  problems: string[];
  geojson: GeoJSON.FeatureCollection;
}
export interface InputSchema {
  type?: string;
  enum?: string[];
  format?: string;
  pattern?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  anyOf?: InputSchema[];
  "x-cim-input"?: string;
  "x-cim-draw"?: string;
}
export interface ProcessInput {
  title: string;
  description: string;
  schema: InputSchema;
  minOccurs: number;
}
export interface Process {
  id: string;
  version: string;
  title: string;
  description: string;
  jobControlOptions: string[];
  inputs: Record<string, ProcessInput>;
}
export interface Finding {
  rule: string;
  title: Text;
  verdict: Verdict;
  measured: number | string | null;
  limit: number | string | null;
  unit: string;
  clause: string;
  layer: string | null;
  edition: string | null;
  message: string;
}
export interface Column {
  name: string;
  title: Text;
  kind: "text" | "number" | "count";
  unit: string;
  digits?: number;
}
export interface Table {
  id: string;
  title: Text;
  columns: Column[];
  rows: Record<string, unknown>[];
  note: string;
}
export interface SourceEdition {
  layer: string;
  title: string;
  version: number | null;
  published_at: string | null;
  note: string;
}
export interface SummaryWord {
  title: Text;
  unit: string;
  values?: Record<string, Text>;
}
export interface Answer {
  summary: Record<string, unknown>;
  summary_words?: Record<string, SummaryWord>;
  findings: Finding[];
  tables: Table[];
  geojson: GeoJSON.FeatureCollection;
  kinds?: Record<string, Text>;
  sources: SourceEdition[];
  rules: Record<string, unknown>;
  statement: string;
}
export interface Job {
  jobID: string;
  processID: string;
  status: "accepted" | "running" | "successful" | "failed" | "dismissed";
  message: string;
  progress: number;
  created: string;
}
export interface Edition {
  number: number;
  author: string;
  note: string;
  created_at: string;
}
export interface RuleSet {
  name: string;
  number: number;
  text: string;
  editions: Edition[];
}

export const ON_ITS_WAY = new Set(["accepted", "running"]);

export class AnalysisApi {
  constructor(readonly session: Session) {}

  processes(): Promise<{ processes: Process[] }> {
    return ask("/processes?limit=1000");
  }
  process(id: string): Promise<Process> {
    return ask(`/processes/${encodeURIComponent(id)}`);
  }
  run(id: string, inputs: Inputs): Promise<Answer> {
    return ask(`/processes/${encodeURIComponent(id)}/execution`, this.sent("POST", { inputs }));
  }
  later(id: string, inputs: Inputs): Promise<Job> {
    return ask(`/processes/${encodeURIComponent(id)}/execution`, this.sent("POST", { inputs }, { Prefer: "respond-async" }));
  }
  job(id: string): Promise<Job> {
    return ask(`/jobs/${id}`);
  }
  jobs(): Promise<{ jobs: Job[] }> {
    return ask("/jobs");
  }
  results(id: string): Promise<Answer> {
    return ask(`/jobs/${id}/results`);
  }
  dismiss(id: string): Promise<Job> {
    return ask(`/jobs/${id}`, this.sent("DELETE"));
  }

  /** The same run once more, as a file. */
  async file(id: string, inputs: Inputs, form: string): Promise<Blob> {
    return (await answered(`/processes/${encodeURIComponent(id)}/execution?f=${form}`, this.sent("POST", { inputs }))).blob();
  }
  async fileOfJob(job: string, form: string): Promise<Blob> {
    return (await answered(`/jobs/${job}/results?f=${form}`)).blob();
  }

  redLineOfFiles(files: File[], crs: string): Promise<RedLine> {
    const body = new FormData();
    for (const file of files) body.append("file", file, file.name);
    const query = crs ? `?crs=${encodeURIComponent(crs)}` : "";
    return ask(`/redlines${query}`, { method: "POST", headers: this.token(), body });
  }
  redLineOf(geojson: unknown): Promise<RedLine> {
    return ask("/redlines", this.sent("POST", geojson));
  }
  async forgetRedLine(id: string): Promise<void> {
    await answered(`/redlines/${id}`, this.sent("DELETE"));
  }

  rules(name: string): Promise<RuleSet> {
    return ask(`/rules/${name}`);
  }
  async edition(name: string, number: number): Promise<string> {
    return (await answered(`/rules/${name}/${number}`)).text();
  }
  keepRules(name: string, base: number, text: string, note: string): Promise<{ number: number }> {
    return ask(`/rules/${name}?base=${base}`, this.sent("PUT", { text, note }));
  }

  private token(): Record<string, string> {
    return this.session.csrf ? { "X-CSRF-Token": this.session.csrf } : {};
  }
  private sent(method: string, body?: unknown, more: Record<string, string> = {}): RequestInit {
    const headers = { ...this.token(), ...more };
    if (body === undefined) return { method, headers };
    return { method, headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) };
  }
}
