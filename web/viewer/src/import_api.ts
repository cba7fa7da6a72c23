/** What the server says of uploads and imports, and how to talk to it about them. */

import { ask, Problem, type Session } from "./api";
import type { GivenPlacement } from "./control_points";
import { current } from "./i18n";

export interface InspectedLayer {
  name: string;
  kind: string;
  member: string | null;
  geometry_type: string;
  feature_count: number;
  crs: string | null;
  crs_evidence: string;
  encoding: string;
  bbox: number[] | null;
  fields: { name: string; type: string; samples: string[]; nulls: number }[];
  problems: { code: string; count: number; message: string }[];
  would_load: number;
  would_not_load: string[];
}
export interface Inspection {
  driver: string;
  readable: boolean;
  layers: InspectedLayer[];
}
export interface Upload {
  id: string;
  name: string;
  bytes: number;
  status: "received" | "inspecting" | "inspected" | "queued" | "running" | "done" | "failed" | "cancelled" | "removed";
  inspection: Inspection | null;
  options: Record<string, unknown>;
  progress: { layer?: string; done?: number; total?: number };
  runs: number[];
  message: string;
}
export interface Run {
  id: number;
  layer: string;
  driver: string;
  source_name: string;
  author: string;
  status: string;
  version: number | null;
  read: number;
  loaded: number;
  skipped: number;
  rejected: [number, string][];
  repaired: [number, string][];
  findings: { code: string; severity: string; message: string }[];
  checks: { rule: string; action: string; examined: number; count: number; note: string }[];
  message: string;
  started_at: string;
}
export interface StartOptions {
  layer: string | null;
  mode: string;
  crs: string | null;
  encoding: string | null;
  split: boolean;
  fields: Record<string, string>;
  building_code?: string | null;
  cim_level?: number | null;
  height_datum?: string | null;
  placement?: GivenPlacement | null;
}

/** Whether an import was of a building model, which has pages of its own. */
export function isModel(run: Run): boolean {
  return run.driver === "IFC";
}

export const UNDER_WAY = new Set(["received", "inspecting", "queued", "running"]);

export class ImportApi {
  constructor(private readonly session: Session) {}

  uploads(): Promise<{ uploads: Upload[] }> {
    return ask(`/imports/uploads?limit=20&lang=${current()}`);
  }
  newest(): Promise<{ imports: Run[] }> {
    return ask(`/imports?limit=15&lang=${current()}`);
  }
  run(number: number): Promise<Run> {
    return ask(`/imports/${number}?lang=${current()}`);
  }
  faults(number: number): Promise<GeoJSON.FeatureCollection> {
    return ask(`/imports/${number}/faults?limit=10000&lang=${current()}`);
  }
  changes(layer: string, version: number): Promise<GeoJSON.FeatureCollection> {
    return ask(`/collections/${layer}/diff?from=${version - 1}&to=${version}&f=geojson&limit=10000`);
  }
  start(upload: string, options: StartOptions): Promise<Upload> {
    return ask(`/imports/uploads/${upload}/start`, this.sent("POST", options));
  }
  remove(upload: string): Promise<Upload> {
    return ask(`/imports/uploads/${upload}`, this.sent("DELETE"));
  }
  rollback(run: Run, version: number): Promise<{ status: string }> {
    return ask(`/${isModel(run) ? "models" : "collections"}/${run.layer}/rollback`, this.sent("POST", { version }));
  }

  /** Hand files in, telling how much of them has gone. */
  handIn(files: File[], moved: (part: number) => void): Promise<Upload> {
    const form = new FormData();
    for (const file of files) form.append("file", file, file.name);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", "/imports");
      if (this.session.csrf) request.setRequestHeader("X-CSRF-Token", this.session.csrf);
      request.responseType = "json";
      request.upload.onprogress = (event) => moved(event.total ? event.loaded / event.total : 0);
      request.onload = () => {
        const answer = request.response as (Upload & { detail?: string; remedy?: string }) | null;
        if (request.status === 201 && answer) resolve(answer);
        else reject(new Problem([answer?.detail ?? request.statusText, answer?.remedy].filter(Boolean).join(" · ")));
      };
      request.onerror = () => reject(new Problem("上传中断 The upload was interrupted"));
      request.send(form);
    });
  }

  /** Follow an upload until it rests; a lost connection is taken up again by the browser. */
  follow(upload: string, told: (state: Upload) => void): () => void {
    const source = new EventSource(`/imports/uploads/${upload}/events?lang=${current()}`);
    source.addEventListener("upload", (event) => told(JSON.parse((event as MessageEvent<string>).data) as Upload));
    for (const end of ["rest", "removed"]) source.addEventListener(end, () => source.close());
    return () => source.close();
  }

  private sent(method: string, body?: unknown): RequestInit {
    const headers: Record<string, string> = { "X-CSRF-Token": this.session.csrf ?? "" };
    if (body === undefined) return { method, headers };
    return { method, headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) };
  }
}
