/** Incidents on the flat map: a marker each, in the colour of its grade; those of drills are hatched. */

import { Marker } from "maplibre-gl";
import type { CityMap } from "../map";
import { button } from "../dom";
import type { Incident } from "./api";
import { gradeName, term } from "./words";

export class Markers {
  private held: Marker[] = [];

  constructor(private readonly map: CityMap, private readonly open: (code: string) => void) {}

  show(incidents: readonly Incident[], chosen: string | null): void {
    this.clear();
    this.held = incidents.map((one) => {
      const sign = button(one.drill ? term("drill") : "!", `em-marker grade-${one.grade ?? "none"}${one.drill ? " drill" : ""}${one.code === chosen ? " chosen" : ""}`, () => this.open(one.code));
      sign.dataset["incident"] = one.code;
      sign.title = `${one.title}　${gradeName(one.grade)}`;
      sign.setAttribute("aria-label", sign.title);
      sign.addEventListener("click", (event) => event.stopPropagation());
      return new Marker({ element: sign, anchor: "bottom" }).setLngLat([one.lon, one.lat]).addTo(this.map.gl);
    });
  }

  clear(): void {
    for (const one of this.held) one.remove();
    this.held = [];
  }
}
