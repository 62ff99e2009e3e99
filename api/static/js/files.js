// Files picked in a form are handed in at once; the form then carries their ids.
const MEGABYTE = 1024 * 1024;
let running = 0;

document.documentElement.classList.add("scripted");

/** Say in a picker what went wrong; an empty text takes it away. */
function tell(picker, text) {
  const place = picker.querySelector("[role=alert]");
  place.textContent = text;
  place.hidden = text === "";
}

/** Return a line of the picker's list, its name shown and its progress beside it. */
function line(picker, name) {
  const item = document.createElement("li");
  const label = document.createElement("span");
  label.textContent = name;
  const state = document.createElement("span");
  state.className = "small mute";
  state.textContent = " 正在上传…";
  item.append(label, state);
  picker.querySelector("ul").append(item);
  return { item, state };
}

/** Say a size as the case page does. */
function sizeText(size) {
  return size >= MEGABYTE ? `${(size / MEGABYTE).toFixed(1)} MB` : `${Math.max(1, Math.round(size / 1024))} KB`;
}

/** Return what the server says is wrong, as one sentence. */
async function refusal(answer) {
  if (answer.redirected || answer.status === 401) return "登录已过期，请在新标签页重新登录后再上传";
  try {
    const problem = await answer.json();
    return problem.errors?.map((one) => one.message).join("；") || problem.detail || problem.title;
  } catch {
    return "上传没有成功，请稍后再试";
  }
}

/** Hand in one file and put its id into the form. */
async function send(picker, file) {
  const { item, state } = line(picker, file.name);
  const body = new FormData();
  body.append("file", file, file.name);
  const secret = picker.closest("form").elements.csrf.value;
  running += 1;
  try {
    const answer = await fetch("/files", { method: "POST", body, headers: { "X-CSRF-Token": secret } });
    if (answer.status !== 201) throw new Error(await refusal(answer));
    const kept = await answer.json();
    const value = document.createElement("input");
    value.type = "hidden";
    value.name = picker.dataset.files;
    value.value = `${kept.id}:${kept.name}`;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "button button-small button-plain";
    remove.textContent = "移除";
    remove.setAttribute("aria-label", `移除${kept.name}`);
    state.textContent = ` ${sizeText(kept.size)} `;
    item.prepend(value);
    item.append(remove);
    picker.dispatchEvent(new CustomEvent("file-kept", { bubbles: true }));
  } catch (problem) {
    item.remove();
    tell(picker, `“${file.name}”没有上传：${problem instanceof TypeError ? "网络中断，请重试" : problem.message}`);
  } finally {
    running -= 1;
  }
}

document.addEventListener("change", async (event) => {
  const picker = event.target.closest?.("[data-files]");
  if (!picker || event.target.type !== "file") return;
  const files = [...event.target.files];
  event.target.value = "";
  tell(picker, "");
  for (const file of files) await send(picker, file);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-files] li button");
  if (button) button.closest("li").remove();
});

document.addEventListener("file-kept", (event) => {
  const received = event.target.closest("tr")?.querySelector("input[type=checkbox]");
  if (received) received.checked = true;
});

document.addEventListener(
  "submit",
  (event) => {
    if (running === 0) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const picker = event.target.querySelector("[data-files]");
    if (picker) tell(picker, "文件还在上传，请稍候再提交");
  },
  { capture: true },
);
