/** The live picture of a camera: HLS from this server, by hls.js where the browser has Media Source Extensions. */

import { answered, Problem } from "./api";
import { cameraStream } from "./camera_api";
import { cameraWord } from "./camera_words";
import { button, element } from "./dom";

const HLS = "application/vnd.apple.mpegurl";
const NO_PICTURE_MS = 15_000;

/** A button that plays, the picture below it, and words where there is none. */
export class CameraPlayer {
  readonly element = element("div", { class: "camera-player", "data-state": "idle" });
  private stopPlaying: (() => void) | null = null;

  constructor(private readonly code: string, private readonly online: boolean) {
    this.idle();
  }

  stop(): void {
    this.stopPlaying?.();
    this.stopPlaying = null;
  }

  private idle(): void {
    this.stop();
    const play = button(cameraWord(this.online ? "play" : "tryAnyway"), "main camera-play", () => void this.play());
    this.show("idle", ...(this.online ? [] : [element("p", { class: "caution" }, cameraWord("offline"))]), play);
  }

  private async play(): Promise<void> {
    this.show("opening", element("p", { role: "status" }, cameraWord("opening")));
    try {
      const stream = await cameraStream(this.code);
      const video = element("video", { playsinline: "", controls: "" });
      video.muted = true;
      video.addEventListener("playing", () => {
        this.element.dataset["state"] = "playing";
      });
      const end = await attach(video, stream.path, (error) => this.failed(error));
      const timer = setTimeout(() => {
        if (video.currentTime === 0) this.failed(new Problem(cameraWord("noPicture")));
      }, NO_PICTURE_MS);
      this.stopPlaying = () => {
        clearTimeout(timer);
        end();
      };
      this.show(
        "opening", video,
        element("p", { class: "camera-live" }, element("span", { class: "live" }, cameraWord("live")), button(cameraWord("stop"), "quiet camera-stop", () => this.idle())),
      );
      await video.play().catch(() => undefined);
    } catch (error) {
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    this.stop();
    this.show(
      "failed", element("p", { class: "caution", role: "alert" }, reason(error)),
      button(cameraWord("tryAnyway"), "quiet camera-play", () => void this.play()),
    );
  }

  private show(state: string, ...children: HTMLElement[]): void {
    this.element.dataset["state"] = state;
    this.element.replaceChildren(...children);
  }
}

/** What a person can do something about: no gateway, no right; else what the server says. */
function reason(error: unknown): string {
  if (error instanceof Problem && error.where === "layer") return cameraWord("noRight");
  if (error instanceof Problem && error.status === 404 && error.where === "CIM_VIDEO_GATEWAY") return cameraWord("noGateway");
  return error instanceof Error ? error.message : String(error);
}

/** Have a video element play a playlist; returns what ends it. `failed` is told once why there is no picture. */
async function attach(video: HTMLVideoElement, path: string, failed: (error: unknown) => void): Promise<() => void> {
  const { default: Hls } = await import("hls.js/light");
  if (!Hls.isSupported()) {
    if (!video.canPlayType(HLS)) throw new Problem(cameraWord("noPlayer"));
    video.addEventListener("error", () => void told(path).then(failed), { once: true });
    video.src = path;
    return () => {
      video.removeAttribute("src");
      video.load();
    };
  }
  const hls = new Hls({ enableWorker: false, liveSyncDurationCount: 2, backBufferLength: 10 });
  hls.on(Hls.Events.ERROR, (_event, data) => {
    if (!data.fatal) return;
    hls.destroy();
    void told(path).then(failed);
  });
  hls.loadSource(path);
  hls.attachMedia(video);
  return () => hls.destroy();
}

/** Why a playlist cannot be had, as the server says it. */
async function told(path: string): Promise<unknown> {
  try {
    await answered(path);
    return new Problem(cameraWord("noPicture"));
  } catch (error) {
    return error;
  }
}
