/** A building stands once: where its model is shown, its block and its shape of a city layer are not drawn. */

import type { SceneSource } from "./sources";
import type { Held, Tilesets } from "./tilesets";

const CODE = "building_code";
/** What stands for a building, the best last. */
const RANKS: SceneSource["kind"][] = ["extrusion", "city", "model"];

export class StandIns {
  private readonly hidden = new Map<string, string>();

  constructor(private readonly tilesets: Tilesets) {}

  /** Look again which buildings are shown better; called whenever a tileset is shown, hidden or renewed. */
  settle(): void {
    for (const held of this.tilesets.all) {
      const rank = RANKS.indexOf(held.source.kind);
      if (rank < 0 || !held.source.fields.includes(CODE)) continue;
      const codes = this.betterShown(rank);
      const known = [...codes].join(" ");
      if (known === (this.hidden.get(held.source.id) ?? "")) continue;
      this.hidden.set(held.source.id, known);
      held.looks.filter("stand-ins", codes.size ? (read) => !codes.has(String(read(CODE) ?? "")) : null);
      this.tilesets.dress(held);
    }
  }

  private betterShown(rank: number): Set<string> {
    const better = this.tilesets.all.filter((held: Held) => held.tileset?.show && RANKS.indexOf(held.source.kind) > rank);
    return new Set(better.flatMap((held) => held.source.hides));
  }
}
