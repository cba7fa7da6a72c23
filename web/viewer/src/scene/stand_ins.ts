/** A building stands once: where its model or its shape from a city layer is shown, its block is not drawn. */

import type { Held, Tilesets } from "./tilesets";

const CODE = "building_code";

export class StandIns {
  private hidden = new Set<string>();

  constructor(private readonly tilesets: Tilesets) {}

  /** Look again which buildings are shown better; called whenever a tileset is shown, hidden or renewed. */
  settle(changed: Held): void {
    if (changed.source.kind === "extrusion") return;
    const next = new Set(this.tilesets.all.flatMap((held) => (held.tileset?.show ? held.source.hides : [])));
    if (next.size === this.hidden.size && [...next].every((code) => this.hidden.has(code))) return;
    this.hidden = next;
    for (const held of this.tilesets.all) {
      if (held.source.kind !== "extrusion" || !held.source.fields.includes(CODE)) continue;
      held.looks.filter("stand-ins", next.size ? (read) => !next.has(String(read(CODE) ?? "")) : null);
      this.tilesets.dress(held);
    }
  }
}
