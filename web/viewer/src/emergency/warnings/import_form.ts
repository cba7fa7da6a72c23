/** Handing in a message of CAP as a file; a refusal names the element, its line and what to do. */

import { Problem } from "../../api";
import { button, element } from "../../dom";
import { said } from "../words";
import type { Taken, WarningsApi } from "./api";
import type { FormDeeds } from "./issue_form";
import { term } from "./words";

export class ImportForm {
  readonly element: HTMLElement;
  readonly busy = false;
  readonly drill = false;
  private readonly input = element("input", { type: "file", accept: ".xml,.cap,application/cap+xml,text/xml", "aria-label": term("file") });
  private readonly place = element("label", { class: "ew-drop" }, element("b", {}, term("file")), element("small", {}, term("fileHint")), this.input);
  private readonly told = element("div", { "aria-live": "polite" });

  constructor(private readonly api: WarningsApi, private readonly deeds: FormDeeds) {
    this.input.addEventListener("change", () => {
      const [file] = this.input.files ?? [];
      if (file) void this.take(file);
      this.input.value = "";
    });
    for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) this.place.addEventListener(kind, (event) => this.dragged(event));
    const away = button("‹", "em-back", deeds.back);
    away.setAttribute("aria-label", term("backOne"));
    this.element = element("div", { class: "em-view" }, element("div", { class: "em-head" }, away, element("h2", {}, term("importOne"))), this.place, this.told);
  }

  end(): void {
    this.told.replaceChildren();
  }

  private dragged(event: Event): void {
    event.preventDefault();
    this.place.classList.toggle("over", event.type === "dragenter" || event.type === "dragover");
    const [file] = (event.type === "drop" && event instanceof DragEvent && event.dataTransfer?.files) || [];
    if (file) void this.take(file);
  }

  private async take(file: File): Promise<void> {
    this.told.replaceChildren(element("p", { class: "none" }, `${term("reading")} ${file.name}`));
    try {
      const taken: Taken = await this.api.take(file);
      this.deeds.made(taken);
    } catch (error) {
      this.told.replaceChildren(refusal(file.name, error));
    }
  }
}

function refusal(name: string, error: unknown): HTMLElement {
  const head = element("b", {}, `${name}：${term("refused")}`);
  const lines: [string, string][] = error instanceof Problem ? [[term("where"), error.where], [term("wrong"), error.what], [term("remedy"), error.remedy]] : [[term("wrong"), said(error)]];
  const rows = lines.filter(([, text]) => text).flatMap(([title, text]) => [element("dt", {}, title), element("dd", {}, text)]);
  return element("div", { class: "ew-refusal", role: "alert" }, head, element("dl", {}, ...rows));
}
