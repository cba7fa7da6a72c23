/** Asking the server for what a query finds: pages, shapes, files, statistics. */

import { ask, Problem, type Text } from "./api";

export const PAGE = 50;
export const MOST_DRAWN = 1000;
export const FORMATS = ["xlsx", "csv", "gpkg", "shp", "geojson"] as const;
export type Format = (typeof FORMATS)[number];

export interface Page {
  features: GeoJSON.Feature[];
  numberMatched: number;
  links: { rel: string; href: string }[];
}
export interface Statistics {
  count: number;
  figures: { name: string; title: Text; unit: string }[];
  groups: { values: unknown[]; names: (Text | null)[]; count: number; [figure: string]: unknown }[];
}

export class QueryApi {
  constructor(readonly layer: string, readonly filter: string, readonly sortby: string) {}

  page(after: string | null, signal: AbortSignal): Promise<Page> {
    return ask(this.address("items", { limit: String(PAGE), ...(after ? { after } : {}) }), { signal });
  }

  /** The first shapes found, to draw them; without attributes. */
  shapes(title: string | null, signal: AbortSignal): Promise<Page> {
    return ask(this.address("items", { limit: String(MOST_DRAWN), properties: title ?? "" }), { signal });
  }

  statistics(by: string, sum: string): Promise<Statistics> {
    return ask(this.address("statistics", { "group-by": by, ...(sum ? { sum } : {}) }, false));
  }

  /** Fetch everything that is found as a file and hand it to the browser to keep. */
  async keep(form: Format): Promise<void> {
    const answer = await fetch(this.address("items", { f: form }), { headers: { "Accept-Language": document.documentElement.lang } });
    if (!answer.ok) {
      const problem = (await answer.json().catch(() => ({}))) as { detail?: string; remedy?: string };
      throw new Problem([problem.detail ?? `${answer.status}`, problem.remedy].filter(Boolean).join(" · "));
    }
    const named = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("Content-Disposition") ?? "");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = named?.[1] ? decodeURIComponent(named[1]) : `${this.layer}.${form}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  private address(what: string, more: Record<string, string>, sorted = true): string {
    const asked = new URLSearchParams(more);
    if (this.filter) asked.set("filter", this.filter);
    if (sorted && this.sortby) asked.set("sortby", this.sortby);
    return `/collections/${this.layer}/${what}?${asked}`;
  }
}

/** Where the next page begins, from the link of this one; null on the last page. */
export function nextOf(page: Page): string | null {
  const next = page.links.find((link) => link.rel === "next");
  return next ? new URL(next.href).searchParams.get("after") : null;
}
