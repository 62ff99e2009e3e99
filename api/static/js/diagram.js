// The live diagram: bpmn-js is loaded when the diagram comes into view, then coloured by the element history.
const REFRESH_MS = 4000;
const MARGIN = 40;
const FOOT = 50;
const LOWEST = 260;
const TALLEST = 560;
const box = document.querySelector("#diagram");
const select = box?.dataset.select ? document.querySelector(box.dataset.select) : null;

let viewer = null;
let shown = null;
let marked = [];

/** Return the instance to show: the chosen one, or the page's only one. */
const chosen = () => select?.value ?? box.dataset.key;

async function ask(path, read) {
  const answer = await fetch(path);
  if (!answer.ok || answer.redirected) throw new Error(`${path}: ${answer.status}`);
  return answer[read]();
}

function say(text) {
  box.querySelector(".diagram-message")?.remove();
  if (!text) return;
  const message = document.createElement("div");
  message.className = "diagram-message";
  message.textContent = text;
  box.append(message);
}

/** Draw the instance's version of the process, once per instance. */
async function draw(key) {
  if (viewer === null) {
    const { BpmnViewer } = await import("../vendor/bpmn-viewer.js");
    viewer = new BpmnViewer({ container: box });
    viewer.on("element.click", ({ element }) => descend(element));
    addTools();
  }
  await viewer.importXML(await ask(`/diagrams/${key}/xml`, "text"));
  fit();
  shown = key;
  marked = [];
  say("");
}

/** Give the box a height that suits the diagram and show all of it with a margin, never larger than drawn. */
function fit() {
  const canvas = viewer.get("canvas");
  const { inner } = canvas.viewbox();
  const wanted = { width: inner.width + 2 * MARGIN, height: inner.height + 2 * MARGIN + FOOT };
  const scale = Math.min(1, box.clientWidth / wanted.width);
  box.style.height = `${Math.min(TALLEST, Math.max(LOWEST, wanted.height * scale))}px`;
  canvas.resized();
  const shrink = Math.min(scale, box.clientHeight / wanted.height);
  const width = box.clientWidth / shrink;
  const height = box.clientHeight / shrink;
  canvas.viewbox({ x: inner.x - (width - inner.width) / 2, y: inner.y - MARGIN, width, height });
}

/** Return the process a call activity calls. */
function called(element) {
  const extensions = element.businessObject?.extensionElements?.values ?? [];
  return extensions.find((one) => one.$type === "zeebe:calledElement")?.processId ?? null;
}

/** Return the options of the list that show a called process, newest first. */
function optionsOf(processId) {
  return select ? [...select.options].filter((one) => one.dataset.process === processId).reverse() : [];
}

/** Follow a call activity into the instance it started. */
function descend(element) {
  const target = optionsOf(called(element))[0];
  if (!target) return;
  select.value = target.value;
  refresh();
}

/** Tint what was passed, mark what is active or stands still. */
function colour(state) {
  const canvas = viewer.get("canvas");
  const registry = viewer.get("elementRegistry");
  const overlays = viewer.get("overlays");
  for (const [id, name] of marked) canvas.removeMarker(id, name);
  overlays.clear();
  marked = [];
  const mark = (id, name) => {
    if (!registry.get(id)) return;
    canvas.addMarker(id, name);
    marked.push([id, name]);
  };
  const active = new Set(state.active_elements);
  const done = new Set(state.completed_elements.filter((id) => !active.has(id)));
  const passed = new Set([...done, ...active]);
  for (const id of done) mark(id, "done");
  for (const id of active) mark(id, "active");
  for (const flow of registry.filter((one) => one.type === "bpmn:SequenceFlow")) {
    if (done.has(flow.source?.id) && passed.has(flow.target?.id)) mark(flow.id, "done");
  }
  const stuck = new Map(state.incidents.map((one) => [one.element_id, one.message]));
  for (const id of stuck.keys()) mark(id, "incident");
  for (const call of registry.filter((one) => one.type === "bpmn:CallActivity")) {
    if (optionsOf(called(call)).length > 0) mark(call.id, "callable");
  }
  for (const id of new Set([...active, ...stuck.keys()])) {
    const element = registry.get(id);
    if (!element || element.type === "bpmn:Process") continue;
    const flag = document.createElement("div");
    flag.className = stuck.has(id) ? "diagram-marker bad" : "diagram-marker";
    flag.textContent = stuck.has(id) ? "受阻" : "进行中";
    flag.title = stuck.get(id) ?? "";
    overlays.add(id, { position: { top: -12, left: 0 }, html: flag });
  }
}

function addTools() {
  const tools = document.createElement("div");
  tools.className = "diagram-tools";
  const actions = [
    ["适应", "适应窗口", fit],
    ["＋", "放大", () => viewer.get("zoomScroll").stepZoom(1)],
    ["－", "缩小", () => viewer.get("zoomScroll").stepZoom(-1)],
  ];
  for (const [text, label, act] of actions) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = text;
    button.title = label;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", act);
    tools.append(button);
  }
  box.append(tools);
}

let running = Promise.resolve();

/** Draw and colour what is chosen; one at a time, the latest choice wins. */
function refresh() {
  running = running.then(async () => {
    const key = chosen();
    try {
      const state = await ask(`/diagrams/${key}`, "json");
      if (shown !== key) await draw(key);
      colour(state);
      if (state.state !== "active" && !select) delete box.dataset.live;
    } catch (problem) {
      if (shown === null) say("流程图暂时无法载入");
      console.warn(problem);
    }
  });
  return running;
}

if (box) {
  const start = new IntersectionObserver((entries) => {
    if (!entries.some((one) => one.isIntersecting)) return;
    start.disconnect();
    say("正在载入流程图…");
    refresh();
    select?.addEventListener("change", refresh);
    document.addEventListener("case-changed", refresh);
    setInterval(() => {
      if (!document.hidden && box.dataset.live !== undefined) refresh();
    }, REFRESH_MS);
  }, { rootMargin: "200px" });
  start.observe(box);
}
