/** 书签: views kept in this browser, by a name. */

import { button, element, say } from "../dom";
import { word } from "../i18n";
import { type Eye, eyeText, readScene } from "./address";
import type { EyeControl } from "./eye";
import type { Tool } from "./panel";
import { term } from "./words";

const KEPT = "cim-scene-bookmarks";
const MOST = 50;
const MOST_LETTERS = 40;

interface Bookmark {
  name: string;
  eye: string;
}

export class BookmarkTool implements Tool {
  readonly name = "bookmarks";

  constructor(private readonly eye: EyeControl) {}

  open(card: HTMLElement): void {
    const name = element("input", { type: "text", maxlength: String(MOST_LETTERS), placeholder: term("bookmarkName"), "aria-label": term("bookmarkName") });
    const list = element("ul", { class: "plain bookmarks" });
    const draw = (): void => list.replaceChildren(...kept().map((one) => element(
      "li", {}, button(one.name, "link", () => this.go(one)),
      button("×", "quiet close", () => {
        keep(kept().filter((other) => other.name !== one.name));
        draw();
      }),
    )));
    const form = element("form", { class: "bookmark-form" }, name, element("button", { type: "submit", class: "quiet" }, term("keepView")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const title = name.value.trim() || new Date().toLocaleString();
      keep([{ name: title, eye: eyeText(this.eye.eye) }, ...kept().filter((one) => one.name !== title)].slice(0, MOST));
      name.value = "";
      draw();
    });
    draw();
    card.append(form, list, element("p", { class: "fine" }, term("bookmarkHint")), button(word("copyLink"), "quiet", () => {
      navigator.clipboard.writeText(location.href).then(() => say(word("copied")), () => say(location.href));
    }));
  }

  private go({ eye }: Bookmark): void {
    const place: Eye | null = readScene(`#3d=${eye}`).eye;
    if (place) void this.eye.flyToEye(place);
  }
}

function kept(): Bookmark[] {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "[]") as unknown;
    return Array.isArray(found) ? found.filter((one): one is Bookmark => typeof one?.name === "string" && typeof one?.eye === "string") : [];
  } catch {
    return [];
  }
}

function keep(bookmarks: Bookmark[]): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify(bookmarks));
  } catch {
    say(term("notKept"), "error");
  }
}
