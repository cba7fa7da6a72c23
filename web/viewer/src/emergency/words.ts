/** Words of the emergency panel. */

import { Problem } from "../api";
import { current } from "../i18n";
import type { GradeName } from "./api";

const TERMS = {
  emergency: { zh: "应急", en: "Emergency" },
  drill: { zh: "演练", en: "DRILL" },
  drillBanner: { zh: "演练 · 演练事件，非真实事件", en: "DRILL · this is an exercise, not a real incident" },
  incidents: { zh: "突发事件", en: "Incidents" },
  openOnes: { zh: "处置中", en: "Open" },
  drills: { zh: "演练事件", en: "Drills" },
  closedOnes: { zh: "已结束", en: "Closed" },
  noneOpen: { zh: "当前没有处置中的突发事件", en: "No incident is open" },
  noneClosed: { zh: "没有已结束的事件", en: "No incident is closed yet" },
  report: { zh: "接报", en: "Report an incident" },
  needsRight: { zh: "登录并有录入权限后可接报、记录和标绘", en: "To report, write and draw, log in with the right to enter data" },
  anonymousSees: { zh: "未登录只能看到公开的事件", en: "Without logging in only public incidents are shown" },
  back: { zh: "返回列表", en: "Back to the list" },
  lost: { zh: "连接中断，正在重新连接…", en: "Connection lost, connecting again…" },
  kind: { zh: "事件类别", en: "Kind" },
  chooseKind: { zh: "请选择…", en: "Choose…" },
  title: { zh: "事件名称", en: "Title" },
  titleHint: { zh: "如：濛阳街道某化工厂液氯泄漏", en: "For example: chlorine leak at a plant in Mengyang" },
  place: { zh: "事发地点", en: "Place" },
  byMap: { zh: "地图点选", en: "On the map" },
  byAddress: { zh: "地址", en: "Address" },
  byCoordinates: { zh: "坐标", en: "Coordinates" },
  pick: { zh: "在地图上点选", en: "Click the place on the map" },
  pickAgain: { zh: "重新点选", en: "Click another place" },
  picking: { zh: "请在地图上点击事发地点（Esc 取消）", en: "Click the place on the map (Esc cancels)" },
  noPlace: { zh: "尚未指定地点", en: "No place yet" },
  find: { zh: "查找", en: "Find" },
  addressHint: { zh: "如：天彭街道梨园路5号", en: "For example: 天彭街道梨园路5号" },
  notFound: { zh: "没有找到这个地址，请写详细些，或在地图上点选", en: "There is no such address; write more of it, or click the place on the map" },
  several: { zh: "有多处相符，请选一处：", en: "Several places match, choose one:" },
  coordinatesHint: { zh: "经度, 纬度，如 103.957, 30.986；或 103°57′E 30°59′N；或 X, Y（米）", en: "Longitude, latitude: 103.957, 30.986; or 103°57′E 30°59′N; or X, Y in metres" },
  datum: { zh: "坐标来源", en: "From" },
  ours: { zh: "CGCS2000 / 北斗 / GPS", en: "CGCS2000 / GPS" },
  gcj: { zh: "高德、腾讯地图（GCJ-02）", en: "Amap, Tencent (GCJ-02)" },
  bd: { zh: "百度地图（BD-09）", en: "Baidu (BD-09)" },
  takePlace: { zh: "定位", en: "Take it" },
  noCoordinates: { zh: "看不懂这个坐标", en: "These are no coordinates" },
  outside: { zh: "该地点在本县（市）域外，请核对", en: "The place lies outside the county, check it" },
  outsideAnyway: { zh: "确为域外事件，照样受理", en: "It is outside; take it all the same" },
  figures: { zh: "定级数据", en: "Figures for the grade" },
  figuresHint: { zh: "不知道的留空，不要填 0", en: "Leave empty what is not known; 0 means none" },
  noScale: { zh: "该类事件无数值分级标准，由人工认定", en: "There is no scale for this kind; people grade it" },
  declaredGrade: { zh: "认定等级", en: "Grade" },
  declaredReason: { zh: "认定依据（谁、为何）", en: "Who decided it, and why" },
  notGraded: { zh: "暂不定级", en: "not yet" },
  tenThousand: { zh: "万元", en: "10 000 yuan" },
  occurredAt: { zh: "发生时间", en: "Occurred at" },
  reportedAt: { zh: "接报时间", en: "Reported at" },
  reporter: { zh: "报告人及电话", en: "Reporter, telephone" },
  isDrill: { zh: "这是演练", en: "This is a drill" },
  drillHint: { zh: "演练标记一经提交不能取消", en: "A drill stays a drill" },
  submit: { zh: "提交接报", en: "Report it" },
  sending: { zh: "正在提交…", en: "Sending…" },
  needKind: { zh: "请选择事件类别", en: "Choose the kind" },
  needTitle: { zh: "请填写事件名称", en: "Write a title" },
  needPlace: { zh: "请指定事发地点", en: "Give the place" },
  notNumber: { zh: "不是数字", en: "is not a number" },
  gradedAs: { zh: "已接报，系统定级", en: "Reported and graded" },
  ungraded: { zh: "未定级", en: "not graded" },
  rule: { zh: "定级依据", en: "Rule" },
  unknown: { zh: "尚缺数据（可能使等级升高）", en: "Not known yet (may raise the grade)" },
  facts: { zh: "概况", en: "Facts" },
  timeline: { zh: "时间线", en: "Log" },
  tasks: { zh: "任务", en: "Tasks" },
  steps: { zh: "预案", en: "Plan" },
  marks: { zh: "标绘", en: "Marks" },
  analyse: { zh: "研判", en: "Analyse" },
  position: { zh: "坐标", en: "Position" },
  responseLevel: { zh: "响应级别", en: "Response level" },
  notStarted: { zh: "未启动", en: "not started" },
  save: { zh: "保存", en: "Save" },
  updateFigures: { zh: "更新定级数据", en: "Update the figures" },
  clock: { zh: "信息报告时限", en: "Reports due" },
  noReports: { zh: "该等级没有规定时限的报告", en: "No report is due at this grade" },
  atOnce: { zh: "立即", en: "at once" },
  left: { zh: "还剩", en: "in" },
  overdue: { zh: "逾期", en: "overdue by" },
  told: { zh: "已报", en: "told" },
  toldLate: { zh: "超时报告", en: "told late" },
  tellNow: { zh: "记为已报", en: "Told now" },
  by: { zh: "时限", en: "by" },
  entryText: { zh: "记录、现场情况或指令…", en: "A note, the situation, a command…" },
  addEntry: { zh: "记入", en: "Add" },
  needText: { zh: "请填写内容", en: "Write a text" },
  recipient: { zh: "承办单位", en: "For whom" },
  what: { zh: "任务内容", en: "What is to be done" },
  dueAt: { zh: "完成时限", en: "By" },
  addTask: { zh: "下达任务", en: "Give the task" },
  noTasks: { zh: "尚未下达任务", en: "No task yet" },
  needTask: { zh: "请填写承办单位和任务内容", en: "Say for whom the task is, and what it is" },
  made: { zh: "已拟定", en: "made" },
  sent: { zh: "已发出", en: "sent" },
  received: { zh: "已接收", en: "received" },
  done: { zh: "已完成", en: "done" },
  noSteps: { zh: "尚未启动预案", en: "No plan is taken up" },
  noPlan: { zh: "该类事件没有入库的预案", en: "There is no plan for this kind" },
  takePlan: { zh: "启动本类预案", en: "Take up the plan of this kind" },
  undo: { zh: "撤回", en: "undo" },
  skip: { zh: "不适用", en: "does not apply" },
  stepsDone: { zh: "已办", en: "done" },
  drawMark: { zh: "选符号后在地图上标绘，其他席位即时可见", en: "Choose a symbol and draw; every seat sees it at once" },
  label: { zh: "标注", en: "Label" },
  draw: { zh: "在地图上画", en: "Draw on the map" },
  drawPoint: { zh: "点击地图放置，Esc 取消", en: "Click the map to place it, Esc cancels" },
  drawShape: { zh: "点击加点，双击或回车结束，退格去掉上一点，Esc 取消", en: "Click to add points, double click or Enter ends, Backspace takes one back, Esc cancels" },
  noMarks: { zh: "尚无标绘", en: "Nothing is drawn" },
  remove: { zh: "删除", en: "Remove" },
  goThere: { zh: "定位到地图", en: "Show on the map" },
  points: { zh: "点", en: "Points" },
  lines: { zh: "线", en: "Lines" },
  areas: { zh: "面", en: "Areas" },
  replay: { zh: "回放", en: "Replay" },
  replayed: { zh: "回放，只读", en: "replay, read only" },
  toNow: { zh: "回到现在", en: "Back to now" },
  play: { zh: "播放", en: "Play" },
  pause: { zh: "暂停", en: "Pause" },
  close: { zh: "结束事件", en: "Close the incident" },
  reopen: { zh: "恢复处置", en: "Open it again" },
  closeNote: { zh: "结束说明", en: "Why it is closed" },
  reopenNote: { zh: "恢复说明", en: "Why it is open again" },
  confirmClose: { zh: "确认结束", en: "Close it" },
  closed: { zh: "已结束", en: "closed" },
  open: { zh: "处置中", en: "open" },
  situation: { zh: "事件报告", en: "Situation report" },
  first: { zh: "快报", en: "first" },
  follow: { zh: "续报", en: "follow-up" },
  final: { zh: "终报", en: "final" },
  download: { zh: "下载 DOCX", en: "Download DOCX" },
  making: { zh: "正在生成…", en: "Making it…" },
  picture: { zh: "事件画像", en: "Incident picture" },
  makePicture: { zh: "生成周边画像", en: "Make the picture" },
  pictureHint: { zh: "事发地周边各圈层的人口、设施、危险源、管网和设备", en: "People, facilities, dangers, networks and devices in rings around the place" },
  radii: { zh: "圈层半径（米）", en: "Rings in metres" },
  badRadii: { zh: "半径要写成 500, 1000, 3000", en: "Write radii as 500, 1000, 3000" },
  noPicture: { zh: "服务器没有提供“事件画像”分析", en: "The server offers no incident picture" },
  noProcess: { zh: "服务器未提供", en: "not offered by the server" },
  otherAnalyses: { zh: "专项分析（打开分析页，地点已填好）", en: "Analyses, with the place filled in" },
  nearest: { zh: "就近资源", en: "Nearest resources" },
  isochrone: { zh: "等时圈", en: "Isochrone" },
  evacuation: { zh: "疏散", en: "Evacuation" },
  plume: { zh: "气体扩散", en: "Gas cloud" },
  impactArea: { zh: "影响范围", en: "Impact area" },
  pipeBreak: { zh: "爆管关阀", en: "Pipe break" },
  flashFlood: { zh: "山洪", en: "Flash flood" },
  debrisRunout: { zh: "滑坡泥石流", en: "Debris run-out" },
  hazardEscape: { zh: "地灾避险", en: "Ways to safety" },
  intensity: { zh: "地震烈度", en: "Earthquake intensity" },
  flood: { zh: "洪水淹没", en: "Flood" },
  running: { zh: "正在计算…", en: "Working it out…" },
  keep: { zh: "结论记入时间线", en: "Put it in the timeline" },
  kept: { zh: "已记入时间线", en: "It is in the timeline" },
  clear: { zh: "清除地图上的画像", en: "Clear the map" },
  city: { zh: "市级", en: "city" },
  province: { zh: "省级", en: "province" },
  state: { zh: "国家", en: "state" },
} as const;

export type Term = keyof typeof TERMS;

export function term(name: Term): string {
  return TERMS[name][current()];
}

const GRADES: Record<GradeName, { zh: string; en: string }> = {
  I: { zh: "Ⅰ级 特别重大", en: "Grade I" }, II: { zh: "Ⅱ级 重大", en: "Grade II" },
  III: { zh: "Ⅲ级 较大", en: "Grade III" }, IV: { zh: "Ⅳ级 一般", en: "Grade IV" },
};
const LEVELS: Record<GradeName, { zh: string; en: string }> = {
  I: { zh: "Ⅰ级响应", en: "Level I" }, II: { zh: "Ⅱ级响应", en: "Level II" }, III: { zh: "Ⅲ级响应", en: "Level III" }, IV: { zh: "Ⅳ级响应", en: "Level IV" },
};
export const GRADE_NAMES: GradeName[] = ["I", "II", "III", "IV"];

export function gradeName(grade: GradeName | null): string {
  return grade ? GRADES[grade][current()] : term("ungraded");
}

export function levelName(level: GradeName | null): string {
  return level ? LEVELS[level][current()] : term("notStarted");
}

const ENTRIES: Record<string, { zh: string; en: string }> = {
  created: { zh: "接报", en: "reported" }, changed: { zh: "更新", en: "changed" }, closed: { zh: "结束", en: "closed" }, reopened: { zh: "恢复", en: "reopened" },
  note: { zh: "记录", en: "note" }, situation: { zh: "现场情况", en: "situation" }, command: { zh: "指令", en: "command" }, report: { zh: "上报", en: "report" },
  analysis: { zh: "分析", en: "analysis" }, task: { zh: "任务", en: "task" }, receipt: { zh: "回执", en: "receipt" }, mark: { zh: "标绘", en: "mark" },
  plan: { zh: "预案", en: "plan" }, step: { zh: "步骤", en: "step" },
};

export function entryName(kind: string): string {
  return ENTRIES[kind]?.[current()] ?? kind;
}

/** What is wrong, in words for the desk; where the server says it in English only, in both. */
export function said(error: unknown): string {
  if (isOutside(error)) return term("outside");
  return error instanceof Error ? error.message : String(error);
}

export function isOutside(error: unknown): boolean {
  return error instanceof Problem && error.where === "place" && error.remedy.includes("outside=true");
}
