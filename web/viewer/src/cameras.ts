/** Several maps looked at with one camera. */

import type { Map as GlMap } from "maplibre-gl";

export interface Camera {
  zoom: number;
  lat: number;
  lon: number;
  bearing: number;
  pitch: number;
}

export function cameraOf(map: GlMap): Camera {
  const { lng, lat } = map.getCenter();
  return { zoom: map.getZoom(), lat, lon: lng, bearing: map.getBearing(), pitch: map.getPitch() };
}

export function lookAs(map: GlMap, { zoom, lat, lon, bearing, pitch }: Camera): void {
  map.jumpTo({ center: [lon, lat], zoom, bearing, pitch });
}

/** Keeps the cameras of its maps equal: whichever moves, the others follow within the same frame. */
export class Cameras {
  private readonly maps = new Set<GlMap>();
  private following = false;

  constructor(private readonly rested: (camera: Camera) => void) {}

  join(map: GlMap): void {
    const first = [...this.maps][0];
    if (first) lookAs(map, cameraOf(first));
    this.maps.add(map);
    map.on("move", () => this.follow(map));
    map.on("moveend", () => {
      if (!this.following) this.rested(cameraOf(map));
    });
  }

  leave(map: GlMap): void {
    this.maps.delete(map);
  }

  private follow(leader: GlMap): void {
    if (this.following || !this.maps.has(leader)) return;
    this.following = true;
    const camera = cameraOf(leader);
    for (const map of this.maps) if (map !== leader) lookAs(map, camera);
    this.following = false;
  }
}
