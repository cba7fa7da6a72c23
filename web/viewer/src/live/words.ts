/** Words of the live city. */

import { current } from "../i18n";

const TERMS = {
  live: { zh: "实时感知", en: "Live sensing" },
  switchOn: { zh: "显示感知设备", en: "Show devices" },
  devices: { zh: "台设备", en: "devices" },
  online: { zh: "在线", en: "online" },
  offline: { zh: "离线", en: "offline" },
  none: { zh: "无数据流", en: "no datastream" },
  noPlacement: { zh: "未分类", en: "not placed" },
  indicator: { zh: "按指标着色", en: "Coloured by" },
  byState: { zh: "在线状态", en: "online state" },
  noDevices: { zh: "没有可供您查看的感知设备", en: "There are no devices that you may see" },
  anonymousSees: { zh: "未登录只显示公开设备", en: "Without logging in only public devices are shown" },
  connecting: { zh: "正在连接…", en: "Connecting…" },
  connected: { zh: "实时更新中", en: "Live" },
  lost: { zh: "连接中断，数值停在", en: "Connection lost; values are those of" },
  again: { zh: "正在重新连接…", en: "connecting again…" },
  caughtUp: { zh: "已重新连接，数值已补齐", en: "Connected again; the values have caught up" },
  worstInCluster: { zh: "数字圈：该处设备数，颜色取最重的一级", en: "Circles with a number: how many devices are there, in the colour of the worst" },
  clusterState: { zh: "数字圈：该处设备数，离线过半为灰", en: "Circles with a number: how many devices are there; grey when most are offline" },
  stale: { zh: "离线，数值已过时", en: "offline, the value is old" },
  beside: { zh: "此处还有", en: "Also here" },
  code: { zh: "设备编码", en: "Code" },
  alias: { zh: "别名编码", en: "Other codes" },
  kind: { zh: "类型", en: "Kind" },
  owner: { zh: "权属单位", en: "Owner" },
  placement: { zh: "布设场景", en: "Placement" },
  state: { zh: "状态", en: "State" },
  region: { zh: "所在区域", en: "Region" },
  maker: { zh: "厂家型号", en: "Maker and model" },
  installed: { zh: "安装日期", en: "Installed" },
  height: { zh: "离地高度", en: "Above ground" },
  grade: { zh: "数据等级", en: "Grade" },
  uptime: { zh: "近30天在线率", en: "Uptime of 30 days" },
  newest: { zh: "最近上报", en: "Last heard" },
  binding: { zh: "绑定", en: "Bound to" },
  building: { zh: "建筑", en: "Building" },
  storey: { zh: "楼层", en: "Storey" },
  space: { zh: "房间", en: "Space" },
  element: { zh: "构件", en: "Element" },
  inScene: { zh: "在三维中看此层", en: "See this storey in 3D" },
  parent: { zh: "挂载于", en: "Hangs on" },
  children: { zh: "挂载设备", en: "Carries" },
  measured: { zh: "监测值", en: "Values" },
  chart: { zh: "曲线", en: "Chart" },
  noStreams: { zh: "此设备没有数据流", en: "This device has no datastream" },
  neverHeard: { zh: "尚无数据", en: "no value yet" },
  day: { zh: "日", en: "Day" },
  week: { zh: "周", en: "Week" },
  month: { zh: "月", en: "Month" },
  year: { zh: "年", en: "Year" },
  hourly: { zh: "每点一小时", en: "a point an hour" },
  daily: { zh: "每点一天", en: "a point a day" },
  mean: { zh: "均值", en: "mean" },
  band: { zh: "最小–最大", en: "least to greatest" },
  threshold: { zh: "告警限值", en: "alarm limit" },
  gap: { zh: "无数据", en: "no data" },
  flagged: { zh: "条异常标记", en: "flagged" },
  noSeries: { zh: "这段时间没有数据", en: "There are no values in this time" },
  limitsNeedRight: { zh: "告警限值需登录后显示", en: "Alarm limits are shown once you have logged in" },
  table: { zh: "设备表", en: "Device table" },
  inMap: { zh: "当前视图", en: "what the map shows" },
  inArea: { zh: "画定范围", en: "the drawn area" },
  everywhere: { zh: "全部", en: "everywhere" },
  name: { zh: "名称", en: "Name" },
  value: { zh: "当前值", en: "Value" },
  trend: { zh: "近24小时", en: "Last 24 h" },
  at: { zh: "时间", en: "At" },
  allOf: { zh: "不限", en: "any" },
  storeyNumber: { zh: "楼层号", en: "Storey number" },
  valueOver: { zh: "1小时内超过", en: "Over, in the last hour" },
  overNeeds: { zh: "先选指标，再填限值", en: "choose an indicator before the limit" },
  find: { zh: "名称、编码、单位", en: "name, code, owner" },
  csv: { zh: "导出 CSV", en: "Save CSV" },
  shown: { zh: "已列", en: "shown" },
  devicesUnit: { zh: "台", en: "devices" },
  showMore: { zh: "再列", en: "Show" },
  noneMatch: { zh: "没有符合条件的设备", en: "No device matches" },
  alarms: { zh: "告警", en: "Alarms" },
  noAlarms: { zh: "没有未处置的告警", en: "No open alarms" },
  quiet: { zh: "一切平稳", en: "All quiet" },
  openOnes: { zh: "未处置", en: "Open" },
  history: { zh: "历史", en: "Past" },
  noPast: { zh: "没有已结束的告警", en: "No alarm has ended yet" },
  running: { zh: "已持续", en: "for" },
  lasted: { zh: "历时", en: "lasted" },
  red: { zh: "红色", en: "red" },
  orange: { zh: "橙色", en: "orange" },
  yellow: { zh: "黄色", en: "yellow" },
  blue: { zh: "蓝色", en: "blue" },
  raised: { zh: "待确认", en: "raised" },
  acknowledged: { zh: "已确认", en: "acknowledged" },
  cleared: { zh: "已解除", en: "cleared" },
  closed: { zh: "已关闭", en: "closed" },
  acknowledge: { zh: "确认", en: "Acknowledge" },
  clear: { zh: "解除", en: "Clear" },
  close: { zh: "关闭告警", en: "Close it" },
  note: { zh: "处置说明（可不填）", en: "Note (may stay empty)" },
  jump: { zh: "定位", en: "Go there" },
  toWarning: { zh: "拟预警草稿", en: "Draft a warning" },
  toDevice: { zh: "设备", en: "Device" },
  course: { zh: "经过", en: "Course" },
  noPosition: { zh: "此告警没有位置", en: "This alarm has no place" },
  actNeedsRight: { zh: "确认和解除需要登录并有处置权限", en: "To acknowledge or clear you must log in and have the right" },
  limitedList: { zh: "只列出最新的 1000 条", en: "Only the newest 1000 are listed" },
  times: { zh: "次", en: "times" },
  newAlarm: { zh: "新告警", en: "New alarm" },
  raise: { zh: "触发", en: "raised" },
  escalate: { zh: "升级", en: "escalated" },
  comment: { zh: "备注", en: "comment" },
  past: { zh: "历史回放", en: "Time slider" },
  span: { zh: "时段", en: "Span" },
  hours24: { zh: "近24小时", en: "last 24 hours" },
  days3: { zh: "近3天", en: "last 3 days" },
  days7: { zh: "近7天", en: "last 7 days" },
  days30: { zh: "近30天", en: "last 30 days" },
  play: { zh: "播放", en: "Play" },
  pause: { zh: "暂停", en: "Pause" },
  backToNow: { zh: "回到实时", en: "Back to now" },
  shownPast: { zh: "正在显示历史均值", en: "Past means are shown" },
  chooseIndicator: { zh: "先在图层“实时感知”里选一个指标", en: "Choose an indicator in the layer group “Live sensing” first" },
  nothingThen: { zh: "此时段没有数据", en: "no device had a value then" },
  camera: { zh: "摄像机", en: "Camera" },
} as const;

export type LiveTerm = keyof typeof TERMS;

export function term(name: LiveTerm): string {
  return TERMS[name][current()];
}

export function isTerm(name: string): name is LiveTerm {
  return name in TERMS;
}

/** What the letters of HJ 212 say of a value. */
const QUALITIES: Record<string, { zh: string; en: string }> = {
  N: { zh: "正常", en: "normal" },
  F: { zh: "停运", en: "stopped" },
  M: { zh: "维护", en: "maintenance" },
  S: { zh: "手工输入", en: "set by hand" },
  D: { zh: "故障", en: "fault" },
  C: { zh: "校准", en: "calibration" },
  T: { zh: "超量程", en: "over range" },
  B: { zh: "通信异常", en: "no link" },
  R: { zh: "不可信", en: "implausible" },
};

export function qualityWord(letter: string): string {
  return QUALITIES[letter]?.[current()] ?? letter;
}

export function named(one: { zh: string; en: string } | undefined, code: string | null): string {
  return one ? one[current()] : (code ?? "");
}

/** A moment in Beijing time, without what is the same as now: today only the hour. */
export function moment(at: string | Date): string {
  const given = new Date(at);
  const day = (date: Date): string => date.toLocaleDateString("sv-SE", { timeZone: "Asia/Shanghai" });
  const time = given.toLocaleTimeString("sv-SE", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit" });
  if (day(given) === day(new Date())) return time;
  return `${day(given).slice(day(given).slice(0, 4) === day(new Date()).slice(0, 4) ? 5 : 0)} ${time}`;
}

/** A length of time with its two greatest units: 1天3时, 5分. */
export function duration(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  const parts: [number, string, string][] = [[Math.floor(minutes / 1440), "天", "d"], [Math.floor(minutes / 60) % 24, "小时", "h"], [minutes % 60, "分", "min"]];
  const first = parts.findIndex(([count]) => count > 0);
  const zh = current() === "zh";
  if (first < 0) return zh ? "不到1分" : "< 1 min";
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, chinese, english]) => `${count}${zh ? chinese : ` ${english}`}`).join(zh ? "" : " ");
}

/** A number as people read it: three significant places below a hundred. */
export function plainNumber(value: number): string {
  const size = Math.abs(value);
  return String(size >= 100 ? Math.round(value) : size >= 10 ? Math.round(value * 10) / 10 : Math.round(value * 100) / 100);
}
