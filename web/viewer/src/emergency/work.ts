/** What the parts of an open incident work with. */

import type { CityMap } from "../map";
import type { EmergencyApi, Kinds, Whole } from "./api";
import type { Board } from "./board";
import { trying } from "./forms";
import type { Box, EmergencyHost } from "./host";
import { KeptAreas } from "./kept_areas";
import { drawIn, type DrawShape } from "./marks/drawing";

/** Beside the room of the panel, which the map keeps already. */
const FIT_PX = { top: 80, bottom: 80, left: 330, right: 24 };
const NEAR_ZOOM = 16;

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
  readonly areas = new KeptAreas();
  readonly map: CityMap;
  readonly board: Board;
  /** Draw in the view that is open. */
  readonly draw: DrawShape;

  constructor(
    readonly code: string, readonly api: EmergencyApi, readonly kinds: Kinds, private readonly host: EmergencyHost, private readonly reload: () => Promise<void>,
  ) {
    this.map = host.map;
    this.board = host.board;
    this.draw = drawIn(host);
  }

  /** Show what lies in a box, in the view that is open. */
  look(box: Box): void {
    const scene = this.host.scene();
    if (scene) scene.look(box);
    else this.map.gl.fitBounds(box, { padding: FIT_PX, maxZoom: NEAR_ZOOM, duration: 500 });
  }

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
