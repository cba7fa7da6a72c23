/** Base maps: which layers of images stand for one. Without images the city's own layers are the map. */

import type { LayerInfo } from "../api";

/** The layers to show; null where there is none that could be shown. `isTerrain` says whether images are of heights. */
export function baseLayers(base: string, layers: readonly LayerInfo[], isTerrain: (layer: string) => boolean): string[] | null {
  if (base === "vector") return [];
  const images = layers.filter((one) => one.content === "raster").map((one) => one.id);
  const wanted = base === "terrain" ? images.filter(isTerrain).slice(0, 1) : images.filter((one) => one === base);
  return wanted.length ? wanted : null;
}
