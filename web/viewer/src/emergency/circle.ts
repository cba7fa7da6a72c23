/** A circle around a place, for rings that an answer does not draw itself. */

const CORNERS = 96;
const EARTH_M = 6_371_008.8;

export function circle(lon: number, lat: number, radiusM: number): GeoJSON.Feature {
  const [phi, reach] = [(lat * Math.PI) / 180, radiusM / EARTH_M];
  const ring = Array.from({ length: CORNERS + 1 }, (_, corner): [number, number] => {
    const bearing = (2 * Math.PI * (corner % CORNERS)) / CORNERS;
    const north = Math.asin(Math.sin(phi) * Math.cos(reach) + Math.cos(phi) * Math.sin(reach) * Math.cos(bearing));
    const east = Math.atan2(Math.sin(bearing) * Math.sin(reach) * Math.cos(phi), Math.cos(reach) - Math.sin(phi) * Math.sin(north));
    return [lon + (east * 180) / Math.PI, (north * 180) / Math.PI];
  });
  return { type: "Feature", properties: { kind: "ring", radius_m: radiusM }, geometry: { type: "Polygon", coordinates: [ring] } };
}
