/** Ground for who may not see the terrain: by the lowest heights of what stands around, so that nothing hangs in the air. */

import { type Cesium3DTile, type Cesium3DTileset, CustomHeightmapTerrainProvider, GeographicTilingScheme, Rectangle } from "cesium";

const POINTS = 16;

interface Foot {
  lon: number;
  lat: number;
  height_m: number;
}
interface Region {
  rectangle?: Rectangle;
  minimumHeight?: number;
}

/** The lowest heights of a tileset's finest tiles, by the middles of these, radians. */
export function feetOf(tileset: Cesium3DTileset): Foot[] {
  const found: Foot[] = [];
  const visit = (tile: Cesium3DTile): void => {
    tile.children.forEach(visit);
    const { rectangle, minimumHeight } = (tile as unknown as { boundingVolume: Region }).boundingVolume;
    if (tile.children.length || !rectangle || minimumHeight === undefined) return;
    const middle = Rectangle.center(rectangle);
    found.push({ lon: middle.longitude, lat: middle.latitude, height_m: minimumHeight });
  };
  visit(tileset.root);
  return found;
}

/** Terrain that has at each place the height of the nearest foot. */
export function bareGround(feet: Foot[]): CustomHeightmapTerrainProvider {
  const tilingScheme = new GeographicTilingScheme();
  const heightAt = (lon: number, lat: number): number => {
    let [best, nearest] = [Infinity, 0];
    const narrow = Math.cos(lat);
    for (const foot of feet) {
      const away = ((foot.lon - lon) * narrow) ** 2 + (foot.lat - lat) ** 2;
      if (away < best) [best, nearest] = [away, foot.height_m];
    }
    return nearest;
  };
  return new CustomHeightmapTerrainProvider({
    width: POINTS, height: POINTS, tilingScheme,
    callback: (x, y, level) => {
      const { west, south, east, north } = tilingScheme.tileXYToRectangle(x, y, level);
      const heights = new Float32Array(POINTS * POINTS);
      for (let row = 0; row < POINTS; row += 1) {
        for (let column = 0; column < POINTS; column += 1) {
          heights[row * POINTS + column] = heightAt(west + (column / (POINTS - 1)) * (east - west), north - (row / (POINTS - 1)) * (north - south));
        }
      }
      return heights;
    },
  });
}
