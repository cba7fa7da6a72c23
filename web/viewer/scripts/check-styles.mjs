// Every file in layers/styles must be valid MapLibre style layers whose ids start with the layer's id.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { validateStyleMin } from "@maplibre/maplibre-gl-style-spec";

const folder = join(dirname(fileURLToPath(import.meta.url)), "../../../layers/styles");
const KINDS = new Set(["fill", "line", "circle"]);
const LEVELS = new Set(["ground", "line", "building", "boundary", "point", "label", undefined]);
const problems = [];

for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
  const id = file.slice(0, -".json".length);
  const style = JSON.parse(readFileSync(join(folder, file), "utf8"));
  const layers = style.layers.map((layer) => ({ ...layer, source: id, "source-layer": id }));
  // no glyphs address: letters are drawn in the browser, which the validator cannot know
  const whole = { version: 8, glyphs: "/{fontstack}/{range}", sources: { [id]: { type: "vector", tiles: ["/t"] } }, layers };
  for (const error of validateStyleMin(whole)) problems.push(`${file}: ${error.message}`);
  if (layers.length === 0) problems.push(`${file}: no style layers`);
  if (style.legend.length === 0) problems.push(`${file}: no legend`);
  for (const layer of layers) {
    if (!layer.id.startsWith(`${id}-`)) problems.push(`${file}: ${layer.id} does not start with ${id}-`);
    if (!LEVELS.has(layer.metadata?.["cim:level"])) problems.push(`${file}: ${layer.id} has an unknown cim:level`);
  }
  for (const entry of style.legend) {
    if (!KINDS.has(entry.kind) || !entry.color || !entry.label?.zh || !entry.label?.en) {
      problems.push(`${file}: legend entry ${JSON.stringify(entry)}`);
    }
  }
}

for (const problem of problems) console.error(problem);
console.log(problems.length ? `${problems.length} style problems` : "styles: all valid");
process.exit(problems.length ? 1 : 0);
