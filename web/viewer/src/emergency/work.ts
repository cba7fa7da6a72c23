/** What the parts of an open incident work with. */

import type { CityMap } from "../map";
import type { EmergencyApi, Kinds, Whole } from "./api";
import { trying } from "./forms";
import type { MarkLayers } from "./mark_layers";

/** An incident as it is shown: now, or at a moment of its past; `may` says whether one may write to it. */
export interface Shown {
  whole: Whole;
  at: string | null;
  may: boolean;
}

export interface Tab {
  readonly element: HTMLElement;
  renew(shown: Shown): void;
  /** Whether clicks on the map are its own. */
  readonly busy?: boolean;
  end?(): void;
}

export class Work {
  constructor(
    readonly code: string, readonly api: EmergencyApi, readonly kinds: Kinds, readonly map: CityMap, readonly layers: MarkLayers,
    private readonly reload: () => Promise<void>,
  ) {}

  /** Write something and read the incident again; what is refused is told at the place. False where it was. */
  async write(problem: HTMLElement, act: () => Promise<unknown>): Promise<boolean> {
    return trying(problem, async () => {
      try {
        await act();
      } finally {
        await this.reload().catch(() => undefined);
      }
    });
  }
}
