/** What is at a point of the picture: outlined there, and told in the panel of results as the flat map tells it. */

import { elementOf } from "../bim_api";
import { elementCard } from "../bim_views";
import { say } from "../dom";
import type { ShownState } from "../shown_state";
import type { Footprints } from "./footprints";
import type { SceneHost } from "./host";
import type { Outline } from "./outline";
import type { Picked, Picking } from "./picking";
import { term } from "./words";

const BEHIND_M = 1;

export class Asking {
  /** `state` is what tilesets show. `zoom` is that of the flat map for this view, null while clicks mean something else. */
  constructor(
    private readonly host: SceneHost, private readonly picking: Picking, private readonly outline: Outline, private readonly footprints: Footprints,
    private readonly zoom: () => number | null, private readonly state: () => ShownState,
  ) {}

  async at(x: number, y: number): Promise<void> {
    const zoom = this.zoom();
    if (zoom === null) return;
    const picked = this.buildingOf(this.picking.at(x, y), x, y);
    this.picking.outline(picked && "feature" in picked ? picked.feature : null);
    this.footprints.choose(picked?.what === "footprint" ? picked : null);
    try {
      if (picked) await this.tell(picked);
      else await this.tellPlace(x, y, zoom);
    } catch (error) {
      this.host.failed(error);
    }
  }

  /** Of a mesh, the building whose footprint lies just behind the point that was hit. */
  private buildingOf(picked: Picked | null, x: number, y: number): Picked | null {
    if (picked?.what !== "mesh") return picked;
    const behind = this.picking.behind(x, y, BEHIND_M);
    const id = behind && this.footprints.at(picked.layer, behind.lon, behind.lat);
    return id ? { what: "footprint", ...id } : picked;
  }

  /** Draw what is selected, or nothing. */
  highlight(geometry: GeoJSON.Geometry | null): void {
    this.outline.draw(geometry);
    if (geometry) return;
    this.picking.outline(null);
    this.footprints.choose(null);
  }

  /** The record is asked of the database, so that the policy is asked again. */
  private async tell(picked: Picked): Promise<void> {
    if (picked.what === "element") {
      const found = await elementOf(picked.model, picked.globalId, this.state());
      this.outline.draw(null);
      this.host.card(elementCard(found.properties, found.names, () => this.host.closeResults()));
    } else if (picked.what === "mesh") say(term("meshOnly"));
    else await this.host.record(picked.layer, picked.fid, picked.what === "feature" ? this.state() : undefined);
  }

  private async tellPlace(x: number, y: number, zoom: number): Promise<void> {
    const place = this.picking.place(x, y);
    if (place) await this.host.identify(place.lon, place.lat, zoom);
  }
}
