// The task's form: form-js renders the deployed schema, an ordinary post carries the answer.
import { Form } from "../vendor/form-viewer.js";

const MESSAGES = {
  "Field is required.": "必填",
  "Field must match pattern {value}.": "格式不符合要求",
  "Field must have minimum value of {value}.": "不得小于 {value}",
  "Field must have maximum value of {value}.": "不得大于 {value}",
  "Field must have minimum length of {value}.": "不得少于 {value} 字",
  "Field must have maximum length of {value}.": "不得超过 {value} 字",
  "Field must be a valid international phone number. (e.g. +4930664040900)": "电话号码格式不正确",
  "Field must be a valid email.": "电子邮箱格式不正确",
  "Value is not a number.": "请填写数字",
  "Value is expected to be an integer.": "请填写整数",
  "Value is expected to have at most 1 decimal digit.": "最多 1 位小数",
  "Value is expected to have at most {value} decimal digits.": "最多 {value} 位小数",
  "Please select a valid value, the two nearest valid values are {previousValue} and {nextValue}.":
    "请填写有效值，最近的是 {previousValue} 和 {nextValue}",
  "Date and time must both be entered.": "日期和时间都要填写",
  "All values selected": "已全部选择",
  "No results": "没有匹配项",
  "Nothing to show.": "没有内容",
  "No content to show.": "没有内容",
  "Search": "搜索",
  "Select": "请选择",
  "Add new": "增加一项",
  "Collapse": "收起",
  "Expand all ({value})": "全部展开（{value}）",
  "Remove tag": "移除",
  "Increment": "增加",
  "Decrement": "减少",
  "Previous page": "上一页",
  "Next page": "下一页",
  "{page} of {total}": "第 {page} 页，共 {total} 页",
};

/** Say form-js's own words in Chinese. */
function translate(template, replacements = {}) {
  const text = MESSAGES[template] ?? template;
  return text.replace(/{([^}]+)}/g, (whole, name) => replacements[name] ?? whole);
}

/** Return the field ids of a schema by key, nested ones too. */
function idsByKey(components, found = new Map()) {
  for (const component of components ?? []) {
    if (component.key) found.set(component.key, component.id);
    idsByKey(component.components, found);
  }
  return found;
}

const container = document.querySelector("#form");
const payload = JSON.parse(document.querySelector("#form-payload").textContent);
const sender = document.querySelector("#answer-form");
const answer = document.querySelector("#answer");
const button = document.querySelector("#submit");

const form = new Form({ container, additionalModules: [{ translate: ["value", translate] }] });

/** Show what the server refused at the fields it named. */
function showErrors(errors) {
  const ids = idsByKey(payload.schema.components);
  const byId = {};
  for (const { field, message } of errors) {
    const key = field.startsWith("certificate.") ? field.split(".").pop() : field;
    if (ids.has(key)) (byId[ids.get(key)] ??= []).push(message);
  }
  if (Object.keys(byId).length > 0) form._setState({ errors: byId });
}

/** Say the date placeholders in Chinese; form-js takes them from the browser's language. */
function localize() {
  for (const input of container.querySelectorAll("input.flatpickr-input, .fjs-datetime-subgroup input")) {
    if (/[a-z]/i.test(input.placeholder)) input.placeholder = "选择日期";
  }
}

/** Put the answer into the ordinary form; keep the focus at the first wrong field otherwise. */
function fill(event) {
  const { data, errors } = form.submit();
  if (Object.keys(errors).length > 0) {
    event.preventDefault();
    event.stopImmediatePropagation();
    container.querySelector("[aria-invalid=true], .fjs-has-errors input, .fjs-has-errors textarea")?.focus();
    return;
  }
  answer.value = JSON.stringify(data);
}

/** Put an earlier opinion at the end of this one's, as if it had been typed. */
function quote(text) {
  const field = payload.schema.components.find((one) => one.key === "opinion");
  const input = field && container.querySelector(`textarea[id*="${field.id}"]`);
  if (!input) return;
  const typed = input.value.trim();
  const write = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set;
  write.call(input, typed ? `${typed}\n${text}` : text);
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.focus();
}

/** Offer to quote what was said before, where this form asks for an opinion. */
function offerQuotes() {
  if (!payload.schema.components.some((one) => one.key === "opinion")) return;
  for (const offer of document.querySelectorAll("[data-quote]")) {
    offer.hidden = false;
    offer.addEventListener("click", () => quote(offer.dataset.quote));
  }
}

try {
  await form.importSchema(payload.schema, payload.data);
  container.querySelector(".form-loading")?.remove();
  requestAnimationFrame(() => setTimeout(localize));
  showErrors(payload.errors);
  sender.addEventListener("submit", fill);
  container.addEventListener("submit", (event) => {
    event.preventDefault();
    sender.requestSubmit();
  });
  button.disabled = false;
  offerQuotes();
} catch (problem) {
  container.textContent = "表单无法载入，请刷新页面；仍不成功的，请联系系统管理员。";
  console.error(problem);
}
