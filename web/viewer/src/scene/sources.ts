/** What the catalogue offers to the 3D view: one tileset for each layer or model that has one. */

import type { Catalog, SceneFacts, SceneKind, Text } from "../api";
import { PRESENT, type ShownState, withState } from "../shown_state";

export interface SceneSource {
  id: string;
  title: Text;
  kind: SceneKind;
  tileset: string;
  fields: string[];
  version: number;
  /** A building model: its features are elements, known by GlobalId. */
  model: boolean;
  /** Codes of the buildings it shows better than their blocks do. */
  hides: string[];
  /** Of meshes: the layer whose footprints tell its buildings apart. */
  footprints: string | null;
}

/** Kinds that stand for what the flat map draws of their layer, so that its picture is not laid on the ground as well. */
const INSTEAD = new Set<SceneKind>(["extrusion", "city", "points", "mesh"]);

export function sourcesOf(catalog: Catalog): SceneSource[] {
  const layers = catalog.layers.flatMap((layer) => (layer.scene ? [{ ...factsOf(layer.scene), id: layer.id, title: layer.title, version: layer.version, model: false }] : []));
  const models = (catalog.models ?? []).flatMap((model) => {
    if (!model.scene) return [];
    const title = { zh: model.name, en: model.name };
    return [{ ...factsOf(model.scene), id: model.id, title, version: model.version, model: true }];
  });
  return [...layers, ...models];
}

/** The address of a source's tileset in a state; models know no scenarios, and files only the present. */
export function addressIn({ tileset, kind, model }: SceneSource, state: ShownState): string {
  const asked = kind === "mesh" || kind === "points" ? PRESENT : model ? { ...state, scenario: "" } : state;
  return withState(tileset, asked);
}

export function isInstead(kind: SceneKind): boolean {
  return INSTEAD.has(kind);
}

function factsOf({ tileset, kind, fields, footprints, hides }: SceneFacts): Pick<SceneSource, "tileset" | "kind" | "fields" | "footprints" | "hides"> {
  return { tileset, kind, fields: fields.map((field) => (typeof field === "string" ? field : field.name)), footprints: footprints ?? null, hides: hides ?? [] };
}
