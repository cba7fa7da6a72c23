/** What the panel has on the map, for both views: incidents, marks, warnings, what analyses drew, and what is chosen. */

import type { Incident, Mark } from "./api";
import type { Shape } from "./warnings/api";

/** What can be chosen of it. */
export type BoardId = { what: "mark"; number: number } | { what: "incident" | "warning"; code: string };

/** The area of a warning as it is to be seen. */
export interface WarningShown {
  code: string;
  shape: Shape;
  colour: string;
  name: string;
  /** Of what is not real. */
  hatched: boolean;
  chosen: boolean;
  /** Else only its edge is drawn. */
  filled: boolean;
}

interface Held {
  incidents: readonly Incident[];
  /** The code of the incident that is open. */
  open: string | null;
  marks: readonly Mark[];
  /** The number of the mark that is chosen. */
  chosen: number | null;
  /** A mark as it is being edited, in place of the one of its number. */
  draft: Mark | null;
  /** What the picture drew just now, and what analyses of the timeline drew. */
  picture: readonly GeoJSON.Feature[];
  kept: readonly GeoJSON.Feature[];
  /** The gravest last. */
  warnings: readonly WarningShown[];
}
const EMPTY: Held = { incidents: [], open: null, marks: [], chosen: null, draft: null, picture: [], kept: [], warnings: [] };

export class Board {
  private held: Held = EMPTY;
  private readonly followers = new Set<(board: Board) => void>();

  get incidents(): readonly Incident[] {
    return this.held.incidents;
  }
  get open(): string | null {
    return this.held.open;
  }
  get chosen(): number | null {
    return this.held.chosen;
  }
  /** Marks as they are to be seen: one that is being edited as it is edited. */
  get marks(): readonly Mark[] {
    const { marks, draft } = this.held;
    return draft ? [...marks.filter((one) => one.number !== draft.number), draft] : marks;
  }
  get areas(): readonly GeoJSON.Feature[] {
    return [...this.held.kept, ...this.held.picture];
  }

  get warnings(): readonly WarningShown[] {
    return this.held.warnings;
  }

  set(changed: Partial<Held>): void {
    this.held = { ...this.held, ...changed };
    for (const follower of this.followers) follower(this);
  }

  /** Take everything of an incident away; the markers of all incidents stay, and warnings. */
  leave(): void {
    this.set({ ...EMPTY, incidents: this.held.incidents, warnings: this.held.warnings });
  }

  /** Tell of each change from now on; returns what ends it. */
  follow(follower: (board: Board) => void): () => void {
    this.followers.add(follower);
    follower(this);
    return () => this.followers.delete(follower);
  }
}
