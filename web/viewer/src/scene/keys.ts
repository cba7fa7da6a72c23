/** Moving by keys while the picture has the focus: arrows go and turn, plus and minus come nearer and go away, Enter asks. */

import type { EyeControl } from "./eye";

const STEP = 0.15;
const TURN_DEG = 10;
const NEARER = 0.8;

/** Returns what takes the keys away; `ask` is what is in the middle of the picture. */
export function keysOf(box: HTMLElement, eye: EyeControl, ask: () => void): () => void {
  const acts: Record<string, (turning: boolean) => void> = {
    ArrowUp: (turning) => (turning ? eye.turn(0, TURN_DEG) : eye.go(0, STEP)),
    ArrowDown: (turning) => (turning ? eye.turn(0, -TURN_DEG) : eye.go(0, -STEP)),
    ArrowLeft: (turning) => (turning ? eye.turn(-TURN_DEG, 0) : eye.go(-STEP, 0)),
    ArrowRight: (turning) => (turning ? eye.turn(TURN_DEG, 0) : eye.go(STEP, 0)),
    "+": () => eye.zoom(NEARER),
    "=": () => eye.zoom(NEARER),
    "-": () => eye.zoom(1 / NEARER),
    Enter: () => ask(),
  };
  const pressed = (event: KeyboardEvent): void => {
    const act = event.target === box ? acts[event.key] : undefined;
    if (!act) return;
    event.preventDefault();
    act(event.shiftKey);
  };
  box.addEventListener("keydown", pressed);
  return () => box.removeEventListener("keydown", pressed);
}
