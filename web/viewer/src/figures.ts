/** Figures as they are written: square metres with two decimals, hectares and mu with four. */

const DIGITS: Record<string, number> = { m2: 2, "m²": 2, ha: 4, "亩": 4, mu: 4, "%": 2, m: 1 };
const UNITS: Record<string, { zh: string; en: string }> = {
  m2: { zh: "m²", en: "m²" }, ha: { zh: "公顷", en: "ha" }, "亩": { zh: "亩", en: "mu" }, mu: { zh: "亩", en: "mu" },
  m: { zh: "米", en: "m" },
};
const MU_M2 = 2000 / 3;

export function figure(value: number, digits: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function unitName(unit: string, language: "zh" | "en"): string {
  return UNITS[unit]?.[language] ?? unit;
}

export function digitsOf(unit: string, given: number | undefined): number {
  return given ?? DIGITS[unit] ?? 2;
}

/** A measured value or a limit with its unit; texts as they are, a share in percent. */
export function measure(value: number | string | null, unit: string, language: "zh" | "en"): string {
  if (value === null) return "—";
  if (typeof value === "string") return value;
  if (unit === "share") return `${figure(value * 100, 2)} %`;
  if (!unit) return value.toLocaleString("en-US", { maximumFractionDigits: 4 });
  return `${figure(value, DIGITS[unit] ?? 2)} ${unitName(unit, language)}`;
}

/** An area in its three units. */
export function areaText(m2: number, language: "zh" | "en"): string {
  return [figure(m2, 2) + " m²", `${figure(m2 / 1e4, 4)} ${unitName("ha", language)}`, `${figure(m2 / MU_M2, 4)} ${unitName("mu", language)}`].join("　");
}
