/** Cards of a building model and of one of its elements, and the picker of storeys. */

import type { ElementRecord, ModelFacts, Storey } from "./bim_api";
import { button, element } from "./dom";
import { word } from "./i18n";

const CLASSES: Record<string, string> = {
  IfcAirTerminal: "风口", IfcAlarm: "报警器", IfcBeam: "梁", IfcBuilding: "建筑", IfcBuildingElementProxy: "构件", IfcBuildingStorey: "楼层", IfcColumn: "柱",
  IfcCovering: "面层", IfcCurtainWall: "幕墙", IfcDistributionSystem: "系统", IfcDoor: "门", IfcDuctSegment: "风管", IfcElectricAppliance: "电器", IfcFireSuppressionTerminal: "消防末端",
  IfcFlowTerminal: "末端", IfcFurniture: "家具", IfcFurnishingElement: "家具", IfcLightFixture: "灯具", IfcMedicalDevice: "医疗设备", IfcMember: "杆件", IfcPipeSegment: "管道",
  IfcPlate: "板件", IfcRailing: "栏杆", IfcRoof: "屋顶", IfcSanitaryTerminal: "卫生器具", IfcSensor: "传感器", IfcSite: "场地", IfcSlab: "楼板", IfcSpace: "房间", IfcStair: "楼梯",
  IfcBoiler: "锅炉", IfcCableCarrierSegment: "桥架", IfcChiller: "冷水机组", IfcElectricDistributionBoard: "配电箱", IfcElectricGenerator: "发电机", IfcFan: "风机", IfcFooting: "基础",
  IfcPump: "水泵", IfcTank: "水箱", IfcTransformer: "变压器", IfcUnitaryEquipment: "空调机组", IfcValve: "阀门", IfcStairFlight: "梯段", IfcSystem: "系统", IfcTransportElement: "电梯", IfcWall: "墙", IfcWallStandardCase: "墙", IfcWindow: "窗", IfcZone: "分区",
};
const HEIGHT_DIGITS = 2;
const MOST_LETTERS = 4;

export function className(ifc: string): string {
  const known = CLASSES[ifc];
  return known && document.documentElement.lang !== "en" ? `${known} ${ifc}` : ifc;
}

export function modelCard(model: ModelFacts, open: () => void): HTMLElement {
  const height = model.z_min_m !== null && model.z_max_m !== null ? `${model.z_min_m.toFixed(1)} – ${model.z_max_m.toFixed(1)} m` : null;
  return element(
    "div", { class: "bim-card", "data-model": model.id },
    element("p", {}, element("b", {}, model.name), element("span", { class: "kind" }, word("bimModel"))),
    element(
      "table", {},
      ...rows([
        [word("bimElements"), model.element_count.toLocaleString()], [word("elevation"), height], [word("buildingCode"), model.building_code],
        [word("cimLevel"), model.cim_level ? `CIM${model.cim_level}` : null], [word("version"), String(model.version)],
      ]),
    ),
    button(word("storeyPlans"), "quiet storeys-button", open),
  );
}

/** Storeys from the top down, as a lift shows them; `pick` gets null for none. */
export function storeyPicker(
  model: string, storeys: Storey[], chosen: string | null, pick: (storey: Storey | null) => void,
  equipped: boolean, equip: (on: boolean) => void,
): HTMLElement {
  const from = [...storeys].sort((a, b) => (b.elevation_m ?? 0) - (a.elevation_m ?? 0));
  const close = button("×", "quiet close", () => pick(null));
  close.setAttribute("aria-label", word("close"));
  const tick = element("input", { type: "checkbox", ...(equipped ? { checked: "" } : {}) });
  tick.addEventListener("change", () => equip(tick.checked));
  return element(
    "div", { class: "storeys", role: "radiogroup", "aria-label": word("storeyPlans"), "data-model": model },
    close,
    element("label", { class: "equip" }, tick, word("equipment")),
    ...from.map((storey) => {
      const made = button(shortName(storey), "storey", () => pick(storey));
      made.title = [storey.name, storey.elevation_m === null ? "" : `${storey.elevation_m.toFixed(HEIGHT_DIGITS)} m`, `${storey.elements}`].filter(Boolean).join(" · ");
      made.setAttribute("role", "radio");
      made.setAttribute("aria-checked", String(storey.global_id === chosen));
      return made;
    }),
  );
}

/** 3F, B1, or the name where the storey has no number. */
export function shortName(storey: Storey): string {
  const number = storey.storey_number;
  if (number === null || (storey.name && !/\d/.test(storey.name) && storey.name.length <= MOST_LETTERS)) return storey.name ?? "?";
  return number < 0 ? `B${-number}` : `${number}F`;
}

export function elementCard(found: ElementRecord, names: Record<string, string>, close: () => void): HTMLElement {
  const closing = button("×", "quiet close", close);
  closing.setAttribute("aria-label", word("close"));
  const extent = found.z_min_m !== null && found.z_max_m !== null ? `${found.z_min_m.toFixed(HEIGHT_DIGITS)} – ${found.z_max_m.toFixed(HEIGHT_DIGITS)} m` : null;
  const codes = found.classifications.map((one) => [one.code, one.name].filter(Boolean).join(" ")).join("；");
  return element(
    "div", { class: "bim-element", "data-element": found.global_id },
    element("div", { class: "results-head" }, element("h2", {}, found.long_name || found.name || className(found.class)), closing),
    element(
      "table", {},
      ...rows([
        [word("bimClass"), className(found.class)], [word("bimType"), found.type_name ?? found.object_type], [word("storey"), found.storey_name], [word("space"), found.space ? names[found.space] ?? null : null],
        [word("elevation"), extent], [word("materials"), found.materials.join("、")], [word("systems"), found.systems.map((id) => names[id] ?? id).join("、")], [word("codes"), codes], ["GlobalId", found.global_id],
      ]),
    ),
    ...Object.entries(found.quantities).map(([name, values]) => group(name, Object.entries(values).map(([key, value]) => [key, measured(key, value)]))),
    ...Object.entries(found.properties).map(([name, values]) => group(name, Object.entries(values).map(([key, value]) => [key, told(value)]), new Set(found.inherited))),
  );
}

function group(title: string, entries: [string, string][], inherited = new Set<string>()): HTMLElement {
  const made = element("details", { open: "" }, element("summary", {}, title));
  made.append(element("table", {}, ...rows(entries.map(([key, value]) => [inherited.has(`${title}.${key}`) ? `${key} *` : key, value]))));
  if (entries.some(([key]) => inherited.has(`${title}.${key}`))) made.append(element("p", { class: "fine" }, `* ${word("fromType")}`));
  return made;
}

function rows(entries: [string, string | null][]): HTMLElement[] {
  return entries.filter(([, value]) => value).map(([key, value]) => element("tr", {}, element("th", { scope: "row" }, key), element("td", {}, value ?? "")));
}

const UNITS: [RegExp, string][] = [[/volume/i, "m³"], [/area/i, "m²"], [/weight/i, "kg"], [/count/i, ""], [/./, "m"]];

function measured(name: string, value: number): string {
  const unit = UNITS.find(([known]) => known.test(name))?.[1] ?? "";
  return `${Math.round(value * 1000) / 1000}${unit ? ` ${unit}` : ""}`;
}

function told(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return word(value ? "yes" : "no");
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}
