/** What the 3D view needs of the page around it, so that both views show one state. */

import type { Catalog, LayerStyle, Session } from "../api";
import type { Camera } from "../cameras";
import type { EmergencySwitch } from "../emergency/switch";
import type { Live } from "../live/live";
import type { ShownState } from "../shown_state";

export interface SceneHost {
  catalog: Catalog;
  session: Session;
  styles: Map<string, LayerStyle>;
  stage: HTMLElement;
  /** Devices and alarms as the flat map shows them. */
  live: Live | null;
  /** Incidents and marks as the flat map shows them. */
  emergency: EmergencySwitch | null;
  /** The tree of layers, to which the view adds the models. */
  tree: HTMLElement | null;
  isShown(layer: string): boolean;
  /** Switch a layer as its tick in the tree does. */
  show(layer: string, on: boolean): void;
  fadeOf(layer: string): number;
  camera(): Camera;
  /** Show the record of a feature, as it is in a state, in the panel of results. */
  record(layer: string, fid: number, state?: ShownState): Promise<void>;
  /** Show what the shown layers have at a place. */
  identify(lon: number, lat: number, zoom: number): Promise<void>;
  card(card: HTMLElement): void;
  closeResults(): void;
  failed(error: unknown): void;
}
