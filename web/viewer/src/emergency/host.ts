/** What the page gives to the emergency panel. */

import type { Session } from "../api";
import type { CityMap } from "../map";

export interface EmergencyHost {
  stage: HTMLElement;
  session: Session;
  map: CityMap;
  /** Told when the panel opens: what stands in its place goes. */
  opened(): void;
  failed(error: unknown): void;
}
