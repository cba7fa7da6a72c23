/** What is drawn for an incident: symbols with their sign and colour, for points, lines and areas. */

import { current } from "../i18n";
import type { Mark } from "./api";

export type Shape = "point" | "line" | "area";
export interface Symbol {
  zh: string;
  en: string;
  shape: Shape;
  colour: string;
  /** One character for a disc. */
  sign: string;
}

export const SYMBOLS: Record<string, Symbol> = {
  "command-post": { zh: "现场指挥部", en: "Command post", shape: "point", colour: "#c4281b", sign: "指" },
  "rescue-team": { zh: "救援队伍", en: "Rescue team", shape: "point", colour: "#0b63b0", sign: "援" },
  medical: { zh: "医疗点", en: "Medical post", shape: "point", colour: "#0a8f3c", sign: "医" },
  shelter: { zh: "安置点", en: "Shelter", shape: "point", colour: "#0a8f3c", sign: "安" },
  assembly: { zh: "集结点", en: "Assembly point", shape: "point", colour: "#0b63b0", sign: "集" },
  supply: { zh: "物资点", en: "Supplies", shape: "point", colour: "#7b5a12", sign: "物" },
  checkpoint: { zh: "管控卡点", en: "Checkpoint", shape: "point", colour: "#7b3fb5", sign: "卡" },
  danger: { zh: "危险点", en: "Danger", shape: "point", colour: "#e06c00", sign: "危" },
  trapped: { zh: "被困人员", en: "People trapped", shape: "point", colour: "#e06c00", sign: "困" },
  casualty: { zh: "伤亡", en: "Casualties", shape: "point", colour: "#8f1d14", sign: "伤" },
  note: { zh: "文字注记", en: "Note", shape: "point", colour: "#34465a", sign: "注" },
  "road-closed": { zh: "道路封闭", en: "Road closed", shape: "line", colour: "#c4281b", sign: "" },
  "way-in": { zh: "救援路线", en: "Way in", shape: "line", colour: "#0b63b0", sign: "" },
  "way-out": { zh: "疏散路线", en: "Way out", shape: "line", colour: "#0a8f3c", sign: "" },
  barrier: { zh: "围堰、防线", en: "Barrier", shape: "line", colour: "#7b5a12", sign: "" },
  cordon: { zh: "警戒区", en: "Cordon", shape: "area", colour: "#c4281b", sign: "" },
  "danger-area": { zh: "危险区", en: "Danger area", shape: "area", colour: "#e06c00", sign: "" },
  "evacuation-area": { zh: "疏散区", en: "Area to leave", shape: "area", colour: "#7b3fb5", sign: "" },
  affected: { zh: "受灾区", en: "Area affected", shape: "area", colour: "#8f1d14", sign: "" },
};
const OTHER: Omit<Symbol, "zh" | "en"> = { shape: "point", colour: "#34465a", sign: "标" };

/** The symbol of a mark; one that this page does not know is drawn plainly under its own name. */
export function symbolOf(name: string): Symbol {
  return SYMBOLS[name] ?? { ...OTHER, zh: name, en: name };
}

export function symbolName(name: string): string {
  return symbolOf(name)[current()];
}

/** A mark without a label of its own goes by its symbol: reports hold that in Chinese, the page in the reader's language. */
export function markName(mark: Mark): string {
  return mark.label && mark.label !== symbolOf(mark.symbol).zh ? mark.label : symbolName(mark.symbol);
}

export const CHOSEN_COLOUR = "#00a3ff";

/** The colour of a mark: one it was given, or that of its symbol. */
export function markColour(mark: Mark): string {
  const given = mark.style["colour"] ?? mark.style["stroke"];
  return typeof given === "string" && /^#[0-9a-f]{3,8}$/i.test(given) ? given : symbolOf(mark.symbol).colour;
}
