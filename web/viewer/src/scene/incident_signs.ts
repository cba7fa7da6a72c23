/** Signs that stand on the ground: a pin with the sign of a mark, and the marker of an incident. */

import type { GradeName } from "../emergency/api";
import { CHOSEN_COLOUR } from "../emergency/symbols";

/** Twice what is drawn, for sharp edges. */
export const SIGN_SCALE = 0.5;
const [WIDTH, HEIGHT] = [68, 84];
const [MIDDLE, RADIUS] = [34, 25];
const FONT = 'system-ui, "Noto Sans CJK SC", sans-serif';
const HATCH_PX = 14;
const DRILL = "#c4281b";
const GRADES: Record<GradeName | "none", string> = { I: "#d7191c", II: "#e66a00", III: "#f2c200", IV: "#1769c4", none: "#5b6b7c" };

type Pen = CanvasRenderingContext2D;

/** A disc in the colour and with the sign of a mark. */
export function markPin(colour: string, sign: string, chosen: boolean): HTMLCanvasElement {
  return pin(colour, "#ffffff", sign, 28, chosen);
}

/** The marker of an incident in the colour of its grade; of a drill hatched, with the word for it. */
export function incidentPin(grade: GradeName | null, drill: string, chosen: boolean): HTMLCanvasElement {
  const made = pin(drill ? "#ffffff" : GRADES[grade ?? "none"], grade === "III" && !drill ? "#3a2a00" : "#ffffff", drill ? "" : "!", 36, chosen, drill ? DRILL : "#ffffff");
  const pen = made.getContext("2d");
  if (drill && pen) hatch(pen, drill);
  return made;
}

function pin(colour: string, ink: string, sign: string, size: number, chosen: boolean, edge = "#ffffff"): HTMLCanvasElement {
  const made = document.createElement("canvas");
  [made.width, made.height] = [WIDTH, HEIGHT];
  const pen = made.getContext("2d");
  if (!pen) return made;
  if (chosen) paint(pen, CHOSEN_COLOUR, CHOSEN_COLOUR, 14);
  paint(pen, colour, edge, 4);
  write(pen, sign, ink, size);
  return made;
}

function outline(pen: Pen): void {
  pen.beginPath();
  pen.arc(MIDDLE, MIDDLE, RADIUS, 0.2 * Math.PI, 0.8 * Math.PI, true);
  pen.lineTo(MIDDLE, HEIGHT - 4);
  pen.closePath();
}

function paint(pen: Pen, fill: string, edge: string, width: number): void {
  outline(pen);
  pen.lineJoin = "round";
  pen.lineWidth = width;
  pen.strokeStyle = edge;
  pen.stroke();
  pen.fillStyle = fill;
  pen.fill();
}

function write(pen: Pen, text: string, ink: string, size: number): void {
  pen.font = `700 ${size}px ${FONT}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = ink;
  pen.fillText(text, MIDDLE, MIDDLE + 1);
}

function hatch(pen: Pen, text: string): void {
  pen.save();
  outline(pen);
  pen.clip();
  pen.strokeStyle = DRILL;
  pen.lineWidth = HATCH_PX / 2;
  for (let at = -HEIGHT; at < WIDTH + HEIGHT; at += HATCH_PX) {
    pen.beginPath();
    pen.moveTo(at, HEIGHT);
    pen.lineTo(at + HEIGHT, 0);
    pen.stroke();
  }
  pen.restore();
  pen.lineJoin = "round";
  pen.lineWidth = 7;
  pen.strokeStyle = "#ffffff";
  pen.font = `700 ${text.length > 2 ? 15 : 22}px ${FONT}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.strokeText(text, MIDDLE, MIDDLE + 1);
  pen.fillStyle = "#8f1d14";
  pen.fillText(text, MIDDLE, MIDDLE + 1);
}
