/** A building stands once: where its model or its shape from a city layer is shown, its block is not drawn. */

import { ask } from "../api";
import type { Held, Tilesets } from "./tilesets";

const PAGE = 1_000;
const MOST_PAGES = 20;
const CODE = "building_code";

export class StandIns {
  private readonly codes = new Map<string, Promise<string[]>>();
  private hidden = new Set<string>();

  constructor(private readonly tilesets: Tilesets) {}

  /** Look again which buildings are shown better; called whenever a tileset is shown, hidden or renewed. */
  async settle(changed: Held): Promise<void> {
    if (changed.source.kind === "extrusion") return;
    const better = this.tilesets.all.filter((held) => held.tileset?.show && (held.source.buildingCode || held.source.kind === "city"));
    const found = await Promise.all(better.map((held) => this.codesOf(held)));
    const next = new Set(found.flat());
    if (next.size === this.hidden.size && [...next].every((code) => this.hidden.has(code))) return;
    this.hidden = next;
    for (const held of this.tilesets.all) {
      if (held.source.kind !== "extrusion" || !held.source.fields.includes(CODE)) continue;
      held.looks.filter("stand-ins", next.size ? (read) => !next.has(String(read(CODE) ?? "")) : null);
      this.tilesets.dress(held);
    }
  }

  private codesOf({ source }: Held): Promise<string[]> {
    if (source.buildingCode) return Promise.resolve([source.buildingCode]);
    const key = `${source.id}@${source.version}`;
    const known = this.codes.get(key) ?? codesOfLayer(source.id).catch(() => []);
    this.codes.set(key, known);
    return known;
  }
}

/** The building codes a city layer's objects have, of its first pages. */
async function codesOfLayer(layer: string): Promise<string[]> {
  const found = new Set<string>();
  let next: string | null = `/collections/${layer}/items?limit=${PAGE}&properties=${CODE}&skipGeometry=true`;
  for (let page = 0; next && page < MOST_PAGES; page += 1) {
    const answer: Page = await ask<Page>(next);
    for (const feature of answer.features) if (feature.properties?.[CODE]) found.add(String(feature.properties[CODE]));
    const link = answer.links?.find((one) => one.rel === "next")?.href;
    next = link ? new URL(link, location.href).pathname + new URL(link, location.href).search : null;
  }
  return [...found];
}

interface Page {
  features: { properties: Record<string, unknown> | null }[];
  links?: { rel: string; href: string }[];
}
