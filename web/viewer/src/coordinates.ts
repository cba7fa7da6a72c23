/** Cursor coordinates in CGCS2000: degrees, and metres of the 3-degree zone with central meridian 105 E (EPSG:4544). */

import proj4 from "proj4";

const ZONE_105 = "+proj=tmerc +lat_0=0 +lon_0=105 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m +no_defs";
const toMetres = proj4("+proj=longlat +ellps=GRS80 +no_defs", ZONE_105);

/** Northing X and easting Y as Chinese surveyors write them. */
export function projected(lon: number, lat: number): { northing: number; easting: number } {
  const [easting, northing] = toMetres.forward([lon, lat]) as [number, number];
  return { northing, easting };
}

export function shown(lon: number, lat: number): string {
  const { northing, easting } = projected(lon, lat);
  return `E ${lon.toFixed(6)}° N ${lat.toFixed(6)}°   X ${northing.toFixed(1)} Y ${easting.toFixed(1)}`;
}
