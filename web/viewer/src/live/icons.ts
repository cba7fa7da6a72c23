/** Pictures that are drawn here: the sign of an alarm in the colour of its severity, and the symbol of a device in 3D. */

import type { Severity } from "./api";

export const SEVERITY_COLOURS: Record<Severity, string> = { red: "#d7191c", orange: "#f57c00", yellow: "#f2c200", blue: "#1769c4" };
/** The gravest is drawn last, over the others. */
export const SEVERITY_ORDER = new Map<Severity, number>([["blue", 0], ["yellow", 1], ["orange", 2], ["red", 3]]);

const ALARM_PX = 48;
const SYMBOL_PX = 40;

function canvas(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D | null] {
  const made = document.createElement("canvas");
  made.width = width;
  made.height = height;
  return [made, made.getContext("2d")];
}

/** A triangle with an exclamation mark. */
export function alarmCanvas(severity: Severity): HTMLCanvasElement {
  const [made, pen] = canvas(ALARM_PX, ALARM_PX);
  if (!pen) return made;
  pen.lineJoin = "round";
  pen.lineWidth = 7;
  pen.beginPath();
  pen.moveTo(24, 6);
  pen.lineTo(44, 42);
  pen.lineTo(4, 42);
  pen.closePath();
  pen.strokeStyle = "#ffffff";
  pen.stroke();
  pen.lineWidth = 3;
  pen.strokeStyle = pen.fillStyle = SEVERITY_COLOURS[severity];
  pen.fill();
  pen.stroke();
  pen.fillStyle = severity === "yellow" ? "#1d2733" : "#ffffff";
  pen.fillRect(21.5, 17, 5, 13);
  pen.fillRect(21.5, 33, 5, 5);
  return made;
}

export function alarmIcon(severity: Severity): ImageData {
  const made = alarmCanvas(severity);
  return made.getContext("2d")?.getImageData(0, 0, ALARM_PX, ALARM_PX) ?? new ImageData(ALARM_PX, ALARM_PX);
}

/** A disc with the sign of a kind on it. */
export function deviceCanvas(colour: string, ink: string, sign: string): HTMLCanvasElement {
  const [made, pen] = canvas(SYMBOL_PX, SYMBOL_PX);
  if (!pen) return made;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.beginPath();
  pen.arc(SYMBOL_PX / 2, SYMBOL_PX / 2, SYMBOL_PX / 2 - 3, 0, 2 * Math.PI);
  pen.fillStyle = colour;
  pen.fill();
  pen.lineWidth = 3;
  pen.strokeStyle = "#ffffff";
  pen.stroke();
  pen.fillStyle = ink;
  pen.font = '20px system-ui, "Noto Sans CJK SC", sans-serif';
  pen.fillText(sign, SYMBOL_PX / 2, SYMBOL_PX / 2 + 1);
  return made;
}
