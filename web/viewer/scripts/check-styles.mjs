// Every layer style of the project against the MapLibre style specification.
import { readdirSync, readFileSync } from "node:fs";
import { validateStyleMin } from "@maplibre/maplibre-gl-style-spec";

const folder = new URL("../../../layers/styles/", import.meta.url);
let faults = 0;
for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
  const { layers } = JSON.parse(readFileSync(new URL(file, folder), "utf8"));
  const style = {
    version: 8,
    sources: { city: { type: "vector", tiles: ["/{z}/{x}/{y}"] }, pictures: { type: "raster", tiles: ["/{z}/{x}/{y}"] } },
    glyphs: "/fonts/{fontstack}/{range}.pbf",
    layers: layers.map((layer) => ({ ...layer, ...(layer.type === "raster" ? { source: "pictures" } : { source: "city", "source-layer": "city" }) })),
  };
  for (const error of validateStyleMin(style)) {
    faults += 1;
    console.error(`${file}: ${error.message}`);
  }
}
console.log(`styles: ${faults} faults`);
process.exit(faults ? 1 : 0);
