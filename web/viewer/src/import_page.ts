/** Importing in the browser: hand a file in, read what is in it, choose, watch, look at the faults, undo. */

import type { Catalog, Session } from "./api";
import { button, element, say } from "./dom";
import { ImportApi, UNDER_WAY, type Run, type Upload } from "./import_api";
import { optionsForm } from "./import_options";
import { inspectionView, runView } from "./import_views";
import { text, word } from "./i18n";
import { NOTHING } from "./overlays";

interface Around {
  overlay(name: string, data: GeoJSON.FeatureCollection): void;
  changed(layer: string): void;
}

export class ImportPage {
  private readonly api: ImportApi;
  private readonly now = element("div", { class: "import-now" });
  private readonly past = element("div", { class: "import-past" });
  private leave: () => void = () => undefined;

  constructor(
    private readonly box: HTMLElement, private readonly session: Session, private readonly catalog: Catalog, private readonly around: Around,
  ) {
    this.api = new ImportApi(session);
    const head = element("div", { class: "results-head" }, element("h2", {}, word("imports")), button("×", "close", () => this.toggle()));
    head.querySelector(".close")?.setAttribute("aria-label", word("close"));
    box.replaceChildren(head, this.dropPlace(), this.now, this.past);
  }

  toggle(): void {
    const open = this.box.classList.toggle("open");
    if (open) void this.list();
    else {
      this.leave();
      for (const name of ["faults", "changes"]) this.around.overlay(name, NOTHING);
    }
  }

  private dropPlace(): HTMLElement {
    const input = element("input", { type: "file", multiple: "", "aria-label": word("drop") });
    const place = element(
      "label", { class: "drop" }, element("b", {}, word("drop")), element("small", {}, word("dropHint")), input,
    );
    input.addEventListener("change", () => {
      void this.handIn([...(input.files ?? [])]);
      input.value = "";
    });
    for (const kind of ["dragenter", "dragover"]) {
      place.addEventListener(kind, (event) => {
        event.preventDefault();
        place.classList.add("over");
      });
    }
    place.addEventListener("dragleave", () => place.classList.remove("over"));
    place.addEventListener("drop", (event) => {
      event.preventDefault();
      place.classList.remove("over");
      void this.handIn([...(event.dataTransfer?.files ?? [])]);
    });
    return place;
  }

  private async handIn(files: File[]): Promise<void> {
    if (!files.length) return;
    const bar = element("progress", { max: "1", value: "0" });
    this.now.replaceChildren(element("p", {}, `${word("sending")} ${files.map((file) => file.name).join(", ")}`), bar);
    await this.trying(async () => {
      const upload = await this.api.handIn(files, (part) => {
        bar.value = part;
      });
      this.follow(upload);
    }, () => this.now.replaceChildren());
  }

  private follow(upload: Upload): void {
    this.leave();
    this.leave = this.api.follow(upload.id, (state) => {
      this.show(state);
      if (!UNDER_WAY.has(state.status)) void this.list();
    });
  }

  private show(upload: Upload): void {
    const title = element("h3", {}, upload.name, element("small", {}, ` ${(upload.bytes / 1e6).toFixed(2)} MB`));
    const parts: (HTMLElement | null)[] = [title];
    if (upload.status === "received" || upload.status === "inspecting") parts.push(waiting(word("inspecting")));
    else if (upload.status === "queued" || upload.status === "running") parts.push(...this.underWay(upload));
    else {
      if (upload.status === "failed" || upload.status === "cancelled") {
        parts.push(element("p", { class: "problem", role: "alert" }, upload.message));
      }
      const runs = element("div", {});
      parts.push(runs, upload.inspection ? inspectionView(upload.inspection, upload.status === "inspected") : null);
      parts.push(...this.choices(upload));
      void this.runs(upload, runs);
    }
    if (!UNDER_WAY.has(upload.status)) this.box.scrollTop = 0;
    this.now.replaceChildren(...parts.filter((part) => part !== null));
  }

  private underWay(upload: Upload): HTMLElement[] {
    const { layer = "", done = 0, total = 0 } = upload.progress;
    const told = upload.status === "queued" ? word("queued") : `${word("working")} ${layer}  ${done.toLocaleString()} / ${total.toLocaleString()}`;
    const bar = element("progress", { max: String(total || 1), ...(total ? { value: String(done) } : {}) });
    return [
      element("p", { role: "status" }, told), bar,
      element("div", { class: "buttons" }, button(word("cancel"), "quiet", () => void this.trying(() => this.api.remove(upload.id)))),
    ];
  }

  private choices(upload: Upload): HTMLElement[] {
    const remove = button(word("remove"), "quiet", () => void this.trying(async () => {
      await this.api.remove(upload.id);
      this.now.replaceChildren();
      await this.list();
    }));
    if (!upload.inspection?.readable && !upload.inspection?.layers.length) return [element("div", { class: "buttons" }, remove)];
    const form = optionsForm(upload.inspection, this.catalog, upload.options, this.session);
    const go = button(upload.status === "inspected" ? word("start") : word("again"), "main", () => void this.trying(async () => {
      this.follow(await this.api.start(upload.id, form.chosen()));
    }));
    if (upload.status === "inspected") return [form.element, element("div", { class: "buttons" }, remove, go)];
    return [element("details", { class: "again" }, element("summary", {}, word("again")), form.element, element("div", { class: "buttons" }, remove, go))];
  }

  private async runs(upload: Upload, place: HTMLElement): Promise<void> {
    await this.trying(async () => {
      const found = await Promise.all(upload.runs.map((number) => this.api.run(number)));
      place.replaceChildren(...found.map((run) => this.run(run, true)));
      for (const run of found) if (run.version) this.around.changed(run.layer);
    });
  }

  private run(run: Run, open: boolean): HTMLElement {
    return runView(run, this.titleOf(run.layer), open, {
      faults: () => void this.trying(async () => {
        const found = await this.api.faults(run.id);
        if (!found.features.some((one) => one.geometry)) say(word("noFaults"));
        this.around.overlay("changes", NOTHING);
        this.around.overlay("faults", found);
      }),
      changes: () => void this.trying(async () => {
        if (!run.version) return;
        this.around.overlay("faults", NOTHING);
        this.around.overlay("changes", await this.api.changes(run.layer, run.version));
      }),
      undo: () => void this.trying(async () => {
        if (!run.version) return;
        await this.api.rollback(run, run.version - 1);
        say(word("undone"));
        this.around.overlay("changes", NOTHING);
        this.around.changed(run.layer);
        await this.list();
      }),
    });
  }

  private async list(): Promise<void> {
    await this.trying(async () => {
      const [{ uploads }, { imports }] = await Promise.all([this.api.uploads(), this.api.newest()]);
      const kept = uploads.map((upload) => {
        const open = button(upload.name, "link", () => (UNDER_WAY.has(upload.status) ? this.follow(upload) : this.show(upload)));
        return element("li", {}, open, element("small", {}, upload.message || upload.status));
      });
      this.past.replaceChildren(
        element("h3", {}, word("uploads")), kept.length ? element("ul", { class: "plain" }, ...kept) : element("p", { class: "none" }, word("none")),
        element("h3", {}, word("newest")), ...imports.map((run) => this.run(run, false)),
      );
    });
  }

  private titleOf(layer: string): string {
    const known = this.catalog.definitions.find((one) => one.id === layer);
    return known ? `${text(known.title)} ${layer}` : layer;
  }

  private async trying(act: () => Promise<unknown>, failed: () => void = () => undefined): Promise<void> {
    try {
      await act();
    } catch (error) {
      failed();
      say(error instanceof Error ? error.message : String(error), "error");
    }
  }
}

function waiting(told: string): HTMLElement {
  return element("div", {}, element("p", { role: "status" }, told), element("progress", {}));
}
