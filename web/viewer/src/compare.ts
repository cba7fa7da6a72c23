/** 比对: two or four maps beside each other, or two under a swipe, with one camera; the address holds all of it. */

import "maplibre-gl/dist/maplibre-gl.css";
import "./style.css";
import "./compare.css";
import { ask, type Catalog, type Session } from "./api";
import { Cameras, cameraOf, lookAs } from "./cameras";
import { LETTERS, PANES, readAddress, viewHash, writeAddress, type Mode, type PaneState } from "./compare_address";
import { Pane, type Choices } from "./compare_pane";
import { button, element, say } from "./dom";
import { choose, current, word } from "./i18n";
import { stateChoices } from "./shown_state";
import { swipeBar } from "./swipe";

const COUNTY: [number, number, number, number] = [103.67, 30.9, 104.18, 31.44];

class ComparePage {
  private readonly root = document.querySelector<HTMLElement>("#app") ?? document.body;
  private readonly stage = element("main", { class: "compare-stage" });
  private readonly asked = readAddress();
  private mode: Mode = this.asked.mode;
  private panes: Pane[] = [];
  private choices: Choices = { catalog: { themes: [], layers: [], view: { bbox: null }, definitions: [] }, scenarios: [], instants: () => Promise.resolve([]) };
  private readonly cameras = new Cameras(() => this.note());

  async start(): Promise<void> {
    choose(current());
    try {
      const [catalog, session] = await Promise.all([ask<Catalog>("/catalog"), ask<Session>("/session")]);
      this.choices = { catalog, ...(await stateChoices(session)) };
    } catch (error) {
      this.frame();
      say(error instanceof Error ? error.message : String(error), "error");
      return;
    }
    this.frame();
    if (!document.createElement("canvas").getContext("webgl2")) {
      say(word("noWebgl"), "error");
      return;
    }
    await this.arrange(this.mode);
    document.body.dataset["ready"] = "yes";
  }

  private frame(): void {
    const modes: [Mode, string][] = [["two", word("twoPanes")], ["four", word("fourPanes")], ["swipe", word("swipe")]];
    const back = element("a", { class: "quiet", href: "/map" }, word("backToMap"));
    back.addEventListener("click", () => {
      const first = this.panes[0];
      if (first) back.href = `/map${viewHash(cameraOf(first.map.gl))}`;
    });
    this.root.replaceChildren(
      element(
        "header", { class: "top" }, element("h1", {}, word("compare")), element("span", { class: "label" }, word("synthetic")),
        element("span", { class: "spring" }),
        ...modes.map(([mode, label]) => {
          const made = button(label, "quiet mode", () => void this.arrange(mode));
          made.dataset["mode"] = mode;
          return made;
        }),
        button(word("copyLink"), "quiet", () => void this.copy()),
        button(current() === "zh" ? "English" : "中文", "quiet", () => {
          choose(current() === "zh" ? "en" : "zh");
          location.reload();
        }),
        back,
      ),
      this.stage,
      element("div", { class: "messages" }),
    );
  }

  /** Show as many panes as a mode has; those that are there stay as they are. */
  private async arrange(mode: Mode): Promise<void> {
    this.mode = mode;
    this.stage.className = `compare-stage ${mode}`;
    for (const made of this.root.querySelectorAll<HTMLElement>(".mode")) made.setAttribute("aria-pressed", String(made.dataset["mode"] === mode));
    for (const pane of this.panes.splice(PANES[mode])) {
      this.cameras.leave(pane.map.gl);
      pane.map.gl.remove();
      pane.element.remove();
    }
    while (this.panes.length < PANES[mode]) this.add(this.panes.length);
    this.stage.querySelector(".swipe-bar")?.remove();
    if (mode === "swipe") this.stage.append(swipeBar(this.stage));
    for (const pane of this.panes) pane.map.gl.resize();
    await Promise.all(this.panes.map((pane) => pane.map.ready()));
    this.note();
  }

  private add(number: number): void {
    const letter = LETTERS[number] ?? "d";
    const bbox = this.choices.catalog.view.bbox ?? COUNTY;
    const pane = new Pane(letter, this.choices, bbox, this.asked.panes[number] ?? this.usual(), () => this.note());
    this.stage.append(pane.element);
    pane.map.gl.resize();
    if (number === 0 && this.asked.camera) lookAs(pane.map.gl, this.asked.camera);
    this.cameras.join(pane.map.gl);
    this.panes.push(pane);
    void pane.show();
  }

  private usual(): PaneState {
    return { layers: this.choices.catalog.layers.filter((layer) => layer.default_visible).map((layer) => layer.id), at: "", scenario: "" };
  }

  private note(): void {
    const first = this.panes[0];
    writeAddress({ mode: this.mode, panes: this.panes.map((pane) => pane.state), camera: first ? cameraOf(first.map.gl) : null });
    for (const pane of this.panes) pane.element.dataset["view"] = viewHash(cameraOf(pane.map.gl));
  }

  private async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(location.href);
      say(word("copied"));
    } catch {
      say(location.href);
    }
  }
}

void new ComparePage().start();
