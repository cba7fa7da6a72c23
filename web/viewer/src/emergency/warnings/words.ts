/** Words of warnings. */

import { Problem } from "../../api";
import { current } from "../../i18n";
import type { CallState, Colour, Held, Status, WarningState } from "./api";

const TERMS = {
  drillBanner: { zh: "演练、测试 · 非真实预警", en: "EXERCISE OR TEST · this is not a real warning" },
  warnings: { zh: "预警", en: "Warnings" },
  inForce: { zh: "生效中", en: "In force" },
  noneInForce: { zh: "当前没有生效的预警", en: "No warning is in force" },
  drills: { zh: "演练和测试（非真实预警）", en: "Drills and tests (not real)" },
  drafts: { zh: "草稿（未发布）", en: "Drafts (not issued)" },
  ended: { zh: "已失效、更新或解除", en: "Ended" },
  noneEnded: { zh: "没有已失效的预警", en: "None has ended yet" },
  firstOnly: { zh: "只列出最新的 50 条", en: "Only the newest 50 are listed" },
  anonymousSees: { zh: "未登录只能看到公开的预警", en: "Without logging in only public warnings are shown" },
  needsRight: { zh: "登录并有发布权限后可发布、导入预警", en: "To issue or import warnings you need the right to publish" },
  lost: { zh: "连接中断，正在重新连接…", en: "Connection lost, connecting again…" },
  issueOne: { zh: "发布预警", en: "Issue a warning" },
  importOne: { zh: "导入 CAP", en: "Import CAP" },
  from: { zh: "起", en: "from" },
  until: { zh: "至", en: "until" },
  noEnd: { zh: "无失效时间", en: "does not expire" },
  left: { zh: "还剩", en: "left" },
  noArea: { zh: "无预警区域", en: "no area" },
  says: { zh: "内容", en: "Text" },
  affects: { zh: "影响", en: "Affected" },
  calls: { zh: "叫应", en: "Calls" },
  course: { zh: "经过", en: "Course" },
  event: { zh: "事件", en: "Event" },
  issuer: { zh: "发布单位", en: "Issuer" },
  sender: { zh: "发布者代码", en: "Sender" },
  identifier: { zh: "预警标识", en: "Identifier" },
  notNational: { zh: "非国家预警标识格式", en: "not of the national form" },
  sent: { zh: "发布时间", en: "Sent" },
  onset: { zh: "起始时间", en: "Onset" },
  expires: { zh: "失效时间", en: "Expires" },
  areaName: { zh: "预警区域", en: "Area" },
  description: { zh: "预警内容", en: "Text" },
  instruction: { zh: "防御指南", en: "Instruction" },
  contact: { zh: "联系方式", en: "Contact" },
  nothingSaid: { zh: "消息没有正文", en: "The message has no text" },
  findings: { zh: "系统核查", en: "Found on arrival" },
  replacedBy: { zh: "见", en: "see" },
  fromAlarm: { zh: "由告警生成", en: "From the alarm" },
  document: { zh: "CAP 文档", en: "CAP document" },
  updateIt: { zh: "更新", en: "Update" },
  cancelIt: { zh: "解除", en: "Cancel it" },
  othersOnly: { zh: "其他单位发布的预警，由原发布单位更新或解除", en: "Issued by others: its issuer updates or cancels it" },
  toIncident: { zh: "转为突发事件接报", en: "Report as an incident" },
  loading: { zh: "正在查询…", en: "Asking…" },
  noAreaAffects: { zh: "预警没有区域，无法分析影响对象", en: "The warning has no area: what it affects is not known" },
  counted: { zh: "处", en: "in it" },
  notLooked: { zh: "未查询", en: "not looked at" },
  notLookedHint: { zh: "以下内容没有查询，不代表没有", en: "These were not looked at; that does not mean none" },
  more: { zh: "只列出前", en: "only the first" },
  nobodyInside: { zh: "区域内没有", en: "none inside" },
  method: { zh: "口径：人口为重心在区域内的建筑的全部人口；其他为与区域相交的对象", en: "People: all persons of the buildings whose point lies inside; others: features that meet the area" },
  contacts: { zh: "联系人", en: "contacts" },
  makeCalls: { zh: "叫应责任人", en: "Call the people in charge" },
  callAgain: { zh: "补叫新增责任人", en: "Call who is new" },
  calling: { zh: "正在叫应…", en: "Calling…" },
  callsNeedRight: { zh: "登录并有录入权限后可查看和办理叫应", en: "To see and handle calls you need the right to enter data" },
  notInForce: { zh: "预警不在生效中，不能叫应", en: "The warning is not in force: nobody is called" },
  noCalls: { zh: "尚未叫应", en: "Nobody was called yet" },
  called: { zh: "已叫应", en: "called" },
  alreadyCalled: { zh: "此前已叫应", en: "called before" },
  people: { zh: "人", en: "people" },
  within: { zh: "须确认时限", en: "to be confirmed within" },
  minutes: { zh: "分钟", en: "min" },
  channels: { zh: "渠道", en: "over" },
  without: { zh: "没有责任人的地方", en: "Places nobody answers for" },
  unknownLayers: { zh: "没有查询的图层", en: "Layers that were not looked at" },
  pressAgain: { zh: "再次叫应可重新列出没有责任人的地方", en: "Calling again lists the places nobody answers for" },
  notDelivered: { zh: "未送达", en: "Not delivered" },
  delivered: { zh: "已送达", en: "delivered" },
  confirmBy: { zh: "须于", en: "confirm by" },
  before: { zh: "前确认", en: "at the latest" },
  overdue: { zh: "已超时", en: "overdue by" },
  confirm: { zh: "代为确认", en: "Confirm on behalf" },
  answeredBy: { zh: "接听人（不填为本人）", en: "Who answered (empty: the person called)" },
  confirmNote: { zh: "说明，如：电话确认", en: "Note, for example: by telephone" },
  answersFor: { zh: "负责", en: "answers for" },
  next: { zh: "无人应答时转叫", en: "next, if silent" },
  nobodyNext: { zh: "无上级可转叫", en: "nobody is next" },
  escalated: { zh: "上级转叫", en: "called as the next level" },
  status: { zh: "发布性质（必选）", en: "What it is (must be chosen)" },
  needStatus: { zh: "请选择发布性质：真实、演练、测试或草稿", en: "Choose whether it is real, an exercise, a test or a draft" },
  needEvent: { zh: "请填写预警事件", en: "Write the event" },
  needColour: { zh: "请选择预警颜色", en: "Choose the colour" },
  needExpires: { zh: "请填写失效时间", en: "Say when it expires" },
  needArea: { zh: "请给出预警区域", en: "Give the area" },
  colour: { zh: "预警颜色", en: "Colour" },
  headline: { zh: "标题", en: "Headline" },
  headlineHint: { zh: "不填则为“事件＋颜色＋预警”", en: "Left empty: event and colour" },
  category: { zh: "类别", en: "Category" },
  issuerHint: { zh: "如：彭州市应急管理局", en: "For example: Pengzhou Emergency Office" },
  hours: { zh: "小时", en: "h" },
  areaHint: { zh: "区域说明，如：湔江沿岸", en: "What the area is called" },
  drawIt: { zh: "画多边形", en: "Polygon" },
  circleIt: { zh: "圆", en: "Circle" },
  regionsIt: { zh: "行政区", en: "Regions" },
  keepIt: { zh: "沿用原区域", en: "As before" },
  startDrawing: { zh: "在地图上画", en: "Draw on the map" },
  drawAgain: { zh: "重新画", en: "Draw anew" },
  drawHint: { zh: "点击加点，双击或回车结束，退格去掉上一点，Esc 取消", en: "Click to add points, double click or Enter ends, Backspace takes one back, Esc cancels" },
  pickCentre: { zh: "在地图上点圆心", en: "Click the centre on the map" },
  pickAgain: { zh: "重新点圆心", en: "Click another centre" },
  pickHint: { zh: "请在地图上点击圆心（Esc 取消）", en: "Click the centre on the map (Esc cancels)" },
  radius: { zh: "半径（千米）", en: "Radius in km" },
  badRadius: { zh: "半径要填 0 到 500 之间的数", en: "The radius is a number from 0 to 500" },
  otherCodes: { zh: "其他行政区代码（6、9 或 12 位，逗号分开）", en: "Codes of other regions, with commas" },
  badCodes: { zh: "不是行政区代码", en: "is no code of a region" },
  noTowns: { zh: "乡镇图层不可用，请填代码", en: "There is no layer of towns: write codes" },
  corners: { zh: "个顶点", en: "corners" },
  noAreaYet: { zh: "尚未给出区域", en: "No area yet" },
  chosenRegions: { zh: "个行政区", en: "regions" },
  sending: { zh: "正在提交…", en: "Sending…" },
  asActual: { zh: "正式发布", en: "Issue it" },
  asDrill: { zh: "发布演练预警", en: "Issue the exercise" },
  asTest: { zh: "发布测试预警", en: "Issue the test" },
  asSystem: { zh: "发布系统消息", en: "Issue the system message" },
  asDraft: { zh: "存为草稿", en: "Keep as a draft" },
  chooseFirst: { zh: "发布", en: "Issue" },
  updating: { zh: "更新预警", en: "Update the warning" },
  sameStatus: { zh: "性质与原预警相同，不能更改", en: "It stays what the first one is" },
  reason: { zh: "解除原因", en: "Why it is cancelled" },
  cancelNow: { zh: "确认解除", en: "Cancel it" },
  discard: { zh: "作废草稿", en: "Discard the draft" },
  discardSure: { zh: "再按一次作废", en: "Press again to discard" },
  draftHint: { zh: "草稿未发送给任何人", en: "A draft is sent to nobody" },
  file: { zh: "CAP 1.2 文件（XML）", en: "File of CAP 1.2 (XML)" },
  fileHint: { zh: "拖到这里或点击选择；整份检查，有误则整份退回", en: "Drop it here or click to choose; it is checked whole, and refused whole" },
  reading: { zh: "正在检查…", en: "Checking…" },
  refused: { zh: "未接收，请修改后重新导入", en: "Not taken: mend it and hand it in again" },
  where: { zh: "位置", en: "Where" },
  wrong: { zh: "问题", en: "What" },
  remedy: { zh: "办法", en: "Remedy" },
  heldAlready: { zh: "这份预警已经收到过，内容相同", en: "The same message is held already" },
  isKept: { zh: "已收存", en: "It is kept" },
  isIssued: { zh: "已发布", en: "It is issued" },
  kept: { zh: "草稿已保存", en: "The draft is kept" },
  back: { zh: "返回列表", en: "Back to the list" },
  backOne: { zh: "返回", en: "Back" },
  noColour: { zh: "无颜色", en: "no colour" },
} as const;

export type Term = keyof typeof TERMS;
type Words = Record<string, { zh: string; en: string }>;

export function term(name: Term): string {
  return TERMS[name][current()];
}

const COLOURS: Record<Colour, { zh: string; en: string }> = {
  red: { zh: "红色", en: "red" }, orange: { zh: "橙色", en: "orange" }, yellow: { zh: "黄色", en: "yellow" }, blue: { zh: "蓝色", en: "blue" },
};
export const COLOUR_NAMES: Colour[] = ["red", "orange", "yellow", "blue"];
const STATUSES: Record<Status, { zh: string; en: string }> = {
  Actual: { zh: "真实", en: "ACTUAL" }, Exercise: { zh: "演练", en: "EXERCISE" }, Test: { zh: "测试", en: "TEST" }, System: { zh: "系统", en: "SYSTEM" }, Draft: { zh: "草稿", en: "DRAFT" },
};
const STATES: Record<WarningState, { zh: string; en: string }> = {
  draft: { zh: "草稿", en: "draft" }, discarded: { zh: "已作废", en: "discarded" }, active: { zh: "生效中", en: "in force" }, updated: { zh: "已更新", en: "updated" },
  cancelled: { zh: "已解除", en: "cancelled" }, expired: { zh: "已失效", en: "expired" }, done: { zh: "解除消息", en: "message of an end" },
};
const CALL_STATES: Record<CallState, { zh: string; en: string }> = {
  waiting: { zh: "待确认", en: "waiting" }, confirmed: { zh: "已确认", en: "confirmed" }, silent: { zh: "未应答", en: "silent" }, withdrawn: { zh: "已撤回", en: "withdrawn" },
};
const DUTIES: Words = {
  county: { zh: "县级值班", en: "county" }, town: { zh: "乡镇街道", en: "town" }, village: { zh: "村社区", en: "village" },
  monitor: { zh: "地灾监测员", en: "monitor" }, school: { zh: "学校", en: "school" }, firm: { zh: "企业", en: "firm" },
};
const ACTIONS: Words = {
  received: { zh: "收到", en: "received" }, drafted: { zh: "拟稿", en: "drafted" }, issued: { zh: "发布", en: "issued" }, active: { zh: "生效", en: "in force" }, updated: { zh: "被更新", en: "updated" },
  cancelled: { zh: "被解除", en: "cancelled" }, expired: { zh: "到期失效", en: "expired" }, done: { zh: "办结", en: "done" }, discarded: { zh: "草稿作废", en: "discarded" },
  called: { zh: "叫应", en: "called" }, confirmed: { zh: "确认", en: "confirmed" }, escalated: { zh: "转叫上级", en: "handed on" }, silent: { zh: "未应答", en: "silent" },
  withdrawn: { zh: "撤回叫应", en: "withdrawn" }, delivered: { zh: "已送达", en: "delivered" }, "not delivered": { zh: "未送达", en: "not delivered" },
};
const GROUPS: Words = {
  people: { zh: "人口", en: "People" }, schools: { zh: "学校", en: "Schools" }, hospitals: { zh: "医院", en: "Hospitals" }, firms: { zh: "企业单位", en: "Firms" },
  hazards: { zh: "危险源", en: "Hazards" }, geohazards: { zh: "地灾隐患点", en: "Geological hazards" }, flash_flood_zones: { zh: "山洪危险区", en: "Flash-flood zones" },
  cameras: { zh: "摄像机", en: "Cameras" }, devices: { zh: "感知设备", en: "Devices" }, villages: { zh: "村（社区）", en: "Villages" }, contacts: { zh: "责任人名录", en: "Contacts" },
};
const SUMS: Words = {
  persons: { zh: "人", en: "persons" }, day_persons: { zh: "日间人口", en: "by day" }, mobility: { zh: "行动不便", en: "of limited mobility" }, households: { zh: "户", en: "households" },
  students: { zh: "学生", en: "students" }, beds: { zh: "床位", en: "beds" }, employees: { zh: "从业人员", en: "employees" }, threatened: { zh: "受威胁人数", en: "threatened" }, people: { zh: "人口", en: "people" },
};
const CATEGORIES: Words = {
  Met: { zh: "气象", en: "Weather" }, Geo: { zh: "地质", en: "Geological" }, Fire: { zh: "火灾", en: "Fire" }, Safety: { zh: "安全生产", en: "Safety" }, Env: { zh: "环境", en: "Environment" },
  Health: { zh: "公共卫生", en: "Health" }, Transport: { zh: "交通", en: "Transport" }, Infra: { zh: "基础设施", en: "Infrastructure" }, CBRNE: { zh: "危化品、核生化", en: "CBRNE" },
  Security: { zh: "社会安全", en: "Security" }, Rescue: { zh: "救援", en: "Rescue" }, Other: { zh: "其他", en: "Other" },
};
export const CATEGORY_NAMES = Object.keys(CATEGORIES);
export const EVENTS = ["暴雨", "山洪", "地质灾害气象风险", "洪水", "大风", "雷电", "冰雹", "高温", "寒潮", "大雾", "道路结冰", "森林火险", "危化品泄漏", "重污染天气"];

const named = (words: Words, name: string): string => words[name]?.[current()] ?? name;

export const colourName = (colour: Colour | null): string => (colour ? COLOURS[colour][current()] : term("noColour"));
/** The colour in Chinese whatever the page speaks, for what is sent out. */
export const colourZh = (colour: Colour): string => COLOURS[colour].zh;
export const statusName = (status: Status): string => STATUSES[status][current()];
export const stateName = (state: WarningState): string => STATES[state][current()];
export const callStateName = (state: CallState): string => CALL_STATES[state][current()];
export const dutyName = (duty: string): string => named(DUTIES, duty);
export const actionName = (action: string): string => named(ACTIONS, action);
export const groupName = (group: string): string => named(GROUPS, group);
export const sumName = (field: string): string => named(SUMS, field);
export const categoryName = (category: string): string => named(CATEGORIES, category);

/** What the server notes of a call, which it writes in English. */
export function noteText(note: string): string {
  if (current() === "en") return note;
  const next = /^no answer: (.+) is called$/.exec(note);
  if (next) return `未应答，转叫 ${next[1]}`;
  if (note === "no answer, and nobody is left to call") return "未应答，已无上级可叫";
  const status = /^the receiver answered (\d+)$/.exec(note);
  if (status) return `接收方应答 ${status[1]}`;
  return note.replace(/^no answer: /, "接收方无应答：");
}

/** For whom it is unmistakable: 【演练】 before what is said of a warning that is not real. */
export function marked(one: Held, text: string): string {
  return one.status === "Actual" ? text : `【${statusName(one.status)}】${text}`;
}

/** Where a refusal of the server is about, without what only programs need. */
export function whereOf(error: unknown): string {
  return error instanceof Problem ? error.where.replace(/^body\./, "") : "";
}
