import type { RasterSource } from "./api";

/** A tile address as MapLibre's worker needs it: whole, on the server this page came from, with the braces of its template. */
export function tileAddress(address: string): string {
  const { pathname, search } = new URL(address, location.href);
  return new URL(pathname + search, location.href).href.replaceAll("%7B", "{").replaceAll("%7D", "}");
}

/** A source whose tiles come from the server this page came from, whatever name that server knows itself by. */
export function hereFrom(source: RasterSource): RasterSource {
  return { ...source, tiles: source.tiles.map(tileAddress) };
}
