/** Words of the cameras, Chinese first. */

import type { PartKind, Target } from "./camera_api";
import { current } from "./i18n";

const WORDS = {
  view: { zh: "可视范围", en: "What it sees" },
  target: { zh: "观察对象", en: "Looking for" },
  turned: { zh: "计入云台转动", en: "with turning" },
  calculating: { zh: "正在计算可视范围…", en: "Working out what it sees…" },
  unknown: { zh: "无法计算可视范围：", en: "What it sees cannot be worked out: " },
  sector: { zh: "视域", en: "Sector" },
  ofSector: { zh: "占视域", en: "of the sector" },
  hiders: { zh: "遮挡建筑", en: "Hidden by" },
  bare: { zh: "只计地形和建筑，未计树木、围栏", en: "Past terrain and buildings only; no trees, no fences" },
  play: { zh: "播放实时画面", en: "Play" },
  stop: { zh: "停止播放", en: "Stop" },
  tryAnyway: { zh: "仍然尝试播放", en: "Try anyway" },
  opening: { zh: "正在连接视频…", en: "Opening the stream…" },
  offline: { zh: "相机登记为离线，可能没有画面", en: "The camera is registered as offline; there may be no picture" },
  noGateway: { zh: "尚未配置视频网关，请管理员设置 CIM_VIDEO_GATEWAY", en: "No video gateway is configured: ask the administrator to set CIM_VIDEO_GATEWAY" },
  noRight: { zh: "您没有查看视频监控的权限，请登录或向管理员申请", en: "You may not see cameras: log in, or ask an administrator" },
  noPicture: { zh: "视频没有画面", en: "The stream gives no picture" },
  noPlayer: { zh: "此浏览器不能播放 HLS 视频", en: "This browser cannot play HLS" },
  live: { zh: "实时", en: "Live" },
} as const;
const PARTS: Record<PartKind, { zh: string; en: string }> = {
  seen: { zh: "可见", en: "Seen" },
  building: { zh: "被建筑遮挡", en: "Hidden by buildings" },
  terrain: { zh: "被地形遮挡", en: "Hidden by terrain" },
  built: { zh: "建筑占地", en: "Under buildings" },
};
const TARGETS: Record<Target, { zh: string; en: string }> = {
  person: { zh: "行人 1.6 m", en: "People 1.6 m" },
  plate: { zh: "车牌 0.6 m", en: "Number plates 0.6 m" },
  ground: { zh: "地面", en: "The ground" },
};

export function cameraWord(name: keyof typeof WORDS): string {
  return WORDS[name][current()];
}
export function partWord(kind: PartKind): string {
  return PARTS[kind][current()];
}
export function targetWord(target: Target): string {
  return TARGETS[target][current()];
}
